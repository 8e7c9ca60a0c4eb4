//! The client: the driver loop, with threads.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use bytes::Bytes;
use http::Response;
use thingspace_core::{
    Credentials, Endpoint, Error, Password, Session, SessionToken, Timestamp, TransportError,
    endpoint::WithSession,
    session::{
        Call, ChangePassword, EndSession, Event, Exchange, Observer, OpenSession, Outcome, Step,
        Task, Transmit,
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
    agent: Agent,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Box<dyn Observer>,
}

/// What a [`Builder`] makes a client of.
pub(crate) struct Parts {
    pub(crate) session: Session,
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
    pub fn run<T: Task>(&self, call: Call<T>) -> Result<T::Output, Error> {
        let mut driver = Driver { client: self, call };
        loop {
            let now = self.now();
            match driver.step(now) {
                Step::Send(transmit) => {
                    let attempt = transmit.attempt;
                    let result = self.exchange(transmit);
                    let (call, now) = (&mut driver.call, self.now());
                    self.session(|session| call.receive(session, now, attempt, result));
                }
                Step::Wait(_) => {}
                Step::Done(result) => return result,
            }
        }
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        let (result, events) = self.change(look);
        self.tell(&events);
        result
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Sends one request, and tells of it.
    fn exchange(&self, transmit: Transmit) -> Result<Response<Bytes>, TransportError> {
        let exchange = Exchange::of(&transmit);
        self.0.observer.sending(&exchange);
        let start = self.now();
        let result = send(&self.0.agent, transmit, start);
        let outcome = Outcome {
            result: result.as_ref().map(Response::status),
            took: self.now().since(start),
        };
        self.0.observer.received(&exchange, &outcome);
        result
    }

    /// Changes the session, and gives the events to be told of it.
    fn change<R>(&self, change: impl FnOnce(&mut Session) -> R) -> (R, Vec<Event>) {
        let mut session = self.lock();
        let version = session.version();
        let result = change(&mut session);
        let events = self.told(&mut session, version);
        (result, events)
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            self.0.observer.event(event);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        // The session is left consistent by whatever panicked: nothing in the core unwinds.
        self.0
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait if the session has changed, and gives the events to
    /// be told once the lock is free.
    fn told(&self, session: &mut Session, version: u64) -> Vec<Event> {
        if session.version() != version {
            self.0.changed.notify_all();
        }
        std::iter::from_fn(|| session.poll_event()).collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&*self.lock()).finish()
    }
}

/// A call on its way. If it is given up by a panic, others take over what it
/// carried.
struct Driver<'a, T: Task> {
    client: &'a Client,
    call: Call<T>,
}

impl<T: Task> Driver<'_, T> {
    /// Steps, and waits here if there is nothing to do but wait.
    fn step(&mut self, now: Timestamp) -> Step<T::Output> {
        let client = self.client;
        let mut session = client.lock();
        let version = session.version();
        let step = self.call.step(&mut session, now);
        let events = client.told(&mut session, version);
        match &step {
            Step::Wait(wait) if events.is_empty() => {
                let timeout = wait.until.since(now);
                drop(client.0.changed.wait_timeout(session, timeout));
            }
            _ => drop(session),
        }
        client.tell(&events);
        step
    }
}

impl<T: Task> Drop for Driver<'_, T> {
    fn drop(&mut self) {
        if self.call.is_over() {
            return;
        }
        let call = &mut self.call;
        let ((), events) = self.client.change(|session| call.abandon(session));
        // An observer that panics within a panic would end the process.
        if !thread::panicking() {
            self.client.tell(&events);
        }
    }
}
