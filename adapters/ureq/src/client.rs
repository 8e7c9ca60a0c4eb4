//! The client: the driver loop, with threads.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use thingspace_core::{
    Credentials, Endpoint, Error, Password, Session, SessionToken, StoreError, Timestamp,
    TransportError,
    endpoint::WithSession,
    session::{
        Attempt, Call, ChangePassword, EndSession, Event, Exchange, Observer, OpenSession, Outcome,
        Step, Store, Task, Transmit,
    },
};
use ureq::Agent;

use crate::{Builder, send::send};

/// A blocking ThingSpace client.
///
/// Cheap to clone; all clones share one session, whichever threads they are on.
/// A call that needs a login which another thread is making waits for that one.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    session: Mutex<Session>,
    /// Told whenever the session's version has changed.
    changed: Condvar,
    /// Where other processes find it.
    store: Option<Box<dyn Store>>,
    agent: Agent,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Box<dyn Observer>,
}

/// What a [`Builder`] makes a client of.
pub(crate) struct Parts {
    pub(crate) session: Session,
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) agent: Agent,
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) observer: Box<dyn Observer>,
}

impl Client {
    /// A client that uses these credentials.
    pub fn builder(credentials: Credentials) -> Builder {
        Builder::new(credentials)
    }

    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            session: Mutex::new(parts.session),
            changed: Condvar::new(),
            store: parts.store,
            agent: parts.agent,
            clock: parts.clock,
            observer: parts.observer,
        }))
    }

    /// Opens a session, unless one is open, and gives its token. There is no
    /// need to: every call does it when it has to.
    #[doc(alias = "login_using_post")]
    pub fn log_in(&self) -> Result<SessionToken, Error> {
        self.run(Call::new(OpenSession))
    }

    /// Ends the session and gives the token that was ended; `None` if no session
    /// was open.
    #[doc(alias = "logout_using_post")]
    pub fn log_out(&self) -> Result<Option<SessionToken>, Error> {
        self.run(Call::new(EndSession))
    }

    /// Resets the password to a random one, which the client uses from then on.
    /// Gives the new password, of which this is the only copy outside of the
    /// client: keep it.
    ///
    /// It is sent once. If the answer is lost, this fails with
    /// [`Error::PasswordUnknown`], and no login is made until you decide.
    #[doc(alias = "reset_using_put")]
    pub fn reset_password(&self) -> Result<Password, Error> {
        self.run(Call::new(ChangePassword))
    }

    /// Makes any call that is authorised by a session: a typed [`Endpoint`], or a
    /// plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        self.run(Call::new(endpoint))
    }

    /// Sees a call through, whatever it is for: how to give one a deadline of
    /// its own.
    pub fn run<T: Task>(&self, mut call: Call<T>) -> Result<T::Output, Error> {
        let mut driver = Driver {
            client: self,
            call: &mut call,
        };
        let mut now = self.now();
        loop {
            match driver.step(now) {
                Step::Send(mut transmit) => {
                    let result;
                    (result, now) = self.exchange(&mut transmit);
                    driver.receive(transmit.attempt, now, result);
                }
                Step::Wait(_) => now = self.now(),
                Step::Done(result) => return result,
            }
        }
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    ///
    /// With a [store](Builder::store), this is the session as it was last read
    /// from there, and nothing that is changed is kept: use
    /// [`transact`](Self::transact).
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        let mut session = self.lock();
        let version = session.version();
        let result = look(&mut session);
        if session.version() != version {
            self.0.changed.notify_all();
        }
        let events: Vec<Event> = std::iter::from_fn(|| session.poll_event()).collect();
        drop(session);
        self.tell(&events);
        result
    }

    /// The same on the session as the [store](Builder::store) has it, and with
    /// what changed kept there before this returns. It is done anew if another
    /// process is faster. Without a store, it is [`session`](Self::session).
    pub fn transact<R>(&self, mut act: impl FnMut(&mut Session) -> R) -> Result<R, StoreError> {
        self.session(|session| match &self.0.store {
            Some(store) => session.transact(&**store, act),
            None => Ok(act(session)),
        })
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Sends one request, and tells of it. Gives what came of it, and when.
    fn exchange(
        &self,
        transmit: &mut Transmit,
    ) -> (Result<Response<Bytes>, TransportError>, Timestamp) {
        let exchange = Exchange::of(transmit);
        self.0.observer.sending(&exchange);
        // The step, a store and those who watch may have taken their time.
        let start = self.now();
        let result = send(&self.0.agent, transmit, start);
        let end = self.now();
        let outcome = Outcome {
            result: result.as_ref().map(Response::status),
            took: end.since(start),
        };
        self.0.observer.received(&exchange, &outcome);
        (result, end)
    }

    /// Waits for as long, or until the session is of another version.
    fn wait(&self, version: u64, timeout: Duration) {
        let store = self.0.store.as_ref();
        let timeout = store.map_or(timeout, |store| timeout.min(store.poll_interval()));
        let session = self.lock();
        if session.version() == version {
            drop(self.0.changed.wait_timeout(session, timeout));
        }
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            // An observer that panics within a panic would end the process.
            if !thread::panicking() {
                self.0.observer.event(event);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        // The session is left consistent by whatever panicked: nothing in the core unwinds.
        self.0
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = match self.0.session.try_lock() {
            Ok(session) => session,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Perhaps by the one who wants it shown.
            Err(TryLockError::WouldBlock) => return f.write_str("Client(in use)"),
        };
        f.debug_tuple("Client").field(&*session).finish()
    }
}

/// A call on its way. If it is given up by a panic, others take over what it
/// carried.
struct Driver<'a, T: Task> {
    client: &'a Client,
    call: &'a mut Call<T>,
}

impl<T: Task> Driver<'_, T> {
    /// Steps, and waits here if there is nothing to do but wait.
    fn step(&mut self, now: Timestamp) -> Step<T::Output> {
        let (client, call) = (self.client, &mut *self.call);
        let mut version = 0;
        let step = client.session(|session| {
            let step = match &client.0.store {
                Some(store) => call.step_in(&**store, session, now),
                None => call.step(session, now),
            };
            version = session.version();
            step
        });
        if let Step::Wait(wait) = &step {
            client.0.observer.waiting(wait);
            client.wait(version, wait.until.since(now));
        }
        step
    }

    fn receive(
        &mut self,
        attempt: Attempt,
        now: Timestamp,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let (client, call) = (self.client, &mut *self.call);
        client.session(|session| match &client.0.store {
            Some(store) => call.receive_in(&**store, session, now, attempt, result),
            None => call.receive(session, now, attempt, result),
        });
    }
}

impl<T: Task> Drop for Driver<'_, T> {
    fn drop(&mut self) {
        if self.call.is_over() {
            return;
        }
        let (client, call) = (self.client, &mut *self.call);
        client.session(|session| match &client.0.store {
            Some(store) => call.abandon_in(&**store, session),
            None => call.abandon(session),
        });
    }
}
