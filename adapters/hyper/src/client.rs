//! The client: the driver loop, with tasks.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
};

use bytes::Bytes;
use event_listener::EventListener;
use http::Response;
use hyper::rt::Timer;
use thingspace_core::{
    Endpoint, Error, Password, Session, SessionToken, Timestamp, TransportError,
    endpoint::WithSession,
    session::{
        Call, ChangePassword, EndSession, Event, Exchange, Observer, OpenSession, Outcome, Step,
        Task, Transmit,
    },
};

use crate::{
    Stack,
    send::{send, within},
};

/// An async ThingSpace client.
///
/// Cheap to clone; all clones share one session, whichever tasks they are on. A
/// call that needs a login which another task is making waits for that one.
///
/// Every call may be dropped at any point: what it carried for others is taken
/// over by one of them. A request that was under way then has an unknown fate;
/// a login counts as one that may have failed.
#[derive(Clone)]
pub struct Client<S> {
    shared: Arc<Shared>,
    stack: S,
}

struct Shared {
    session: Mutex<Session>,
    /// Told whenever the session's version has changed.
    changed: event_listener::Event,
    timer: Arc<dyn Timer + Send + Sync>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Box<dyn Observer>,
}

/// What a [`Builder`](crate::Builder) makes a client of.
pub(crate) struct Parts<S> {
    pub(crate) session: Session,
    pub(crate) stack: S,
    pub(crate) timer: Arc<dyn Timer + Send + Sync>,
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) observer: Box<dyn Observer>,
}

#[cfg(feature = "tokio")]
impl Client<crate::Pooled> {
    /// A client that uses these credentials, on tokio unless it is given another
    /// [stack](crate::Builder::stack).
    pub fn builder(
        credentials: thingspace_core::Credentials,
    ) -> crate::Builder<crate::builder::Ready> {
        crate::Builder::new(credentials, crate::builder::Ready::default())
    }
}

#[cfg(not(feature = "tokio"))]
impl Client<()> {
    /// A client that uses these credentials, on a
    /// [stack](crate::Builder::stack) that has to be given.
    pub fn builder(credentials: thingspace_core::Credentials) -> crate::Builder<()> {
        crate::Builder::new(credentials, ())
    }
}

impl<S: Stack> Client<S> {
    pub(crate) fn new(parts: Parts<S>) -> Self {
        Self {
            shared: Arc::new(Shared {
                session: Mutex::new(parts.session),
                changed: event_listener::Event::new(),
                timer: parts.timer,
                clock: parts.clock,
                observer: parts.observer,
            }),
            stack: parts.stack,
        }
    }

    /// Opens a session, unless one is open, and gives its token. There is no
    /// need to: every call does it when it has to.
    #[doc(alias = "login_using_post")]
    pub fn log_in(&self) -> impl Future<Output = Result<SessionToken, Error>> {
        self.run(Call::new(OpenSession))
    }

    /// Ends the session and gives the token that was ended; `None` if no session
    /// was open.
    #[doc(alias = "logout_using_post")]
    pub fn log_out(&self) -> impl Future<Output = Result<Option<SessionToken>, Error>> {
        self.run(Call::new(EndSession))
    }

    /// Resets the password to a random one, which the client uses from then on.
    /// Gives the new password, of which this is the only copy outside of the
    /// client: keep it.
    ///
    /// It is sent once. If the answer is lost, this fails with
    /// [`Error::PasswordUnknown`], and no login is made until you decide.
    #[doc(alias = "reset_using_put")]
    pub fn reset_password(&self) -> impl Future<Output = Result<Password, Error>> {
        self.run(Call::new(ChangePassword))
    }

    /// Makes any call that is authorised by a session: a typed [`Endpoint`], or a
    /// plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> impl Future<Output = Result<Response<E::Output>, Error>> {
        // No future of its own around it, into which the call would be moved once more.
        self.run(Call::new(endpoint))
    }

    /// Sees a call through, whatever it is for: how to give one a deadline of
    /// its own.
    pub async fn run<T: Task>(&self, mut call: Call<T>) -> Result<T::Output, Error> {
        let shared = &*self.shared;
        let mut driver = Driver {
            shared,
            call: &mut call,
            changed: None,
        };
        let mut now = shared.now();
        loop {
            match driver.step(now) {
                Step::Send(mut transmit) => {
                    let attempt = transmit.attempt;
                    let result;
                    (result, now) = self.exchange(&mut transmit).await;
                    let call = &mut *driver.call;
                    shared.session(|session| call.receive(session, now, attempt, result));
                }
                Step::Wait(wait) => {
                    shared.observer.waiting(&wait);
                    let timeout = shared.timer.sleep(wait.until.since(now));
                    within(driver.changed.take(), timeout).await;
                    now = shared.now();
                }
                Step::Done(result) => return result,
            }
        }
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.shared.session(look)
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// Sends one request, and tells of it. Gives what came of it, and when.
    async fn exchange(
        &self,
        transmit: &mut Transmit,
    ) -> (Result<Response<Bytes>, TransportError>, Timestamp) {
        let shared = &*self.shared;
        let exchange = Exchange::of(transmit);
        shared.observer.sending(&exchange);
        // The step and those who watch may have taken their time.
        let start = shared.now();
        let timeout = shared.timer.sleep(transmit.deadline.since(start));
        let result = send(&self.stack, transmit, timeout).await;
        let end = shared.now();
        let outcome = Outcome {
            result: result.as_ref().map(Response::status),
            took: end.since(start),
        };
        shared.observer.received(&exchange, &outcome);
        (result, end)
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = match self.shared.session.try_lock() {
            Ok(session) => session,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Perhaps by the one who wants it shown.
            Err(TryLockError::WouldBlock) => return f.write_str("Client(in use)"),
        };
        f.debug_tuple("Client").field(&*session).finish()
    }
}

impl Shared {
    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        let mut session = self.lock();
        let version = session.version();
        let result = look(&mut session);
        let events = self.told(&mut session, version);
        drop(session);
        self.tell(&events);
        result
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            // An observer that panics within a panic would end the process.
            if !thread::panicking() {
                self.observer.event(event);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        // The session is left consistent by whatever panicked: nothing in the core unwinds.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait if the session has changed, and gives the events to
    /// be told once the lock is free.
    fn told(&self, session: &mut Session, version: u64) -> Vec<Event> {
        if session.version() != version {
            self.changed.notify(usize::MAX);
        }
        std::iter::from_fn(|| session.poll_event()).collect()
    }
}

/// A call on its way. If it is dropped, others take over what it carried.
struct Driver<'a, T: Task> {
    shared: &'a Shared,
    call: &'a mut Call<T>,
    /// If there is nothing to do but wait, what tells of a change since the last step.
    changed: Option<EventListener>,
}

impl<T: Task> Driver<'_, T> {
    fn step(&mut self, now: Timestamp) -> Step<T::Output> {
        let shared = self.shared;
        let mut session = shared.lock();
        let version = session.version();
        let step = self.call.step(&mut session, now);
        let events = shared.told(&mut session, version);
        // From this very moment on: the session is still locked.
        self.changed = matches!(step, Step::Wait(_)).then(|| shared.changed.listen());
        drop(session);
        shared.tell(&events);
        step
    }
}

impl<T: Task> Drop for Driver<'_, T> {
    fn drop(&mut self) {
        if self.call.is_over() {
            return;
        }
        let call = &mut *self.call;
        self.shared.session(|session| call.abandon(session));
    }
}
