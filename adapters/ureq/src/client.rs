//! The client: the driver loop, with threads.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar},
    thread,
};

use bytes::Bytes;
use http::Response;
use thingspace_driver::{
    Config, Shared, Started, caught,
    core::{
        Completion, Endpoint, Error, Password, RequestError, Session, SessionToken, StoreError,
        Timestamp, TransportError, WithSession,
        session::{Call, NewPassword, Operation, Step, Store, Transmit, Wait},
    },
};
use ureq::Agent;

use crate::{Builder, send::send};

/// A blocking ThingSpace client.
///
/// Cheap to clone; all clones share one session, whichever threads they are on.
/// A call that needs a login which another thread has begun waits for that one.
///
/// Token fetches, logins, logouts and resets run on a thread of their own: they
/// run to their end if the call that needs them does not.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    shared: Shared,
    /// Notified whenever the session has changed.
    changed: Arc<Condvar>,
    agent: Agent,
    /// The place where other processes find the session.
    store: Option<Box<dyn Store>>,
}

impl Client {
    /// A builder of a client with these credentials, or with this
    /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`].
    pub fn builder(config: impl Into<Config>) -> Builder {
        Builder::new(config.into())
    }

    pub(crate) fn new(
        shared: Shared,
        changed: Arc<Condvar>,
        agent: Agent,
        store: Option<Box<dyn Store>>,
    ) -> Self {
        Self(Arc::new(Inner {
            shared,
            changed,
            agent,
            store,
        }))
    }

    /// Opens a session, unless one is open, and returns its token. There is no
    /// need to: every call does it when it has to.
    #[doc(alias = "login_using_post")]
    pub fn log_in(&self) -> Result<SessionToken, Error> {
        self.run(Call::log_in())?.into_logged_in()
    }

    /// Ends the session and returns the token that was ended; `None` if no
    /// session was open.
    #[doc(alias = "logout_using_post")]
    pub fn log_out(&self) -> Result<Option<SessionToken>, Error> {
        self.run(Call::log_out())?.into_logged_out()
    }

    /// Resets the password to a random one, which the client uses from then on.
    /// Returns the new password, of which this is the only copy outside of the
    /// client: save it. To save it before the client uses it, see
    /// [`request_reset`](Self::request_reset).
    ///
    /// It is sent once. If the response is lost, the error
    /// [says so](Error::is_password_in_doubt), and no login is made until you
    /// decide.
    #[doc(alias = "reset_using_put")]
    pub fn reset_password(&self) -> Result<Password, Error> {
        let new = self.request_reset()?;
        self.confirm_reset(&new)
            .or_else(Error::unless_not_awaited)?;
        Ok(new.into_password())
    }

    /// The first half of a reset: resets the password and returns the new one.
    /// Save it, then [confirm](Self::confirm_reset) it. Until then no login is
    /// made, and the open session goes on.
    pub fn request_reset(&self) -> Result<NewPassword, Error> {
        self.run(Call::reset_password())?.into_new_password()
    }

    /// The second half of a reset: the client uses the new password from now on.
    ///
    /// Fails if the password is not awaited any more, and if the store fails: then
    /// it may be retried, and the error holds the password.
    pub fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error> {
        self.transact(|session| session.confirm(new))
            .map_err(|error| Error::not_confirmed(new.clone(), error))?
            .map_err(Error::from)
    }

    /// Makes any call that is authorized by a session: a typed [`Endpoint`], or a
    /// plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        let call = Call::to(endpoint, self.0.shared.environment());
        Ok(E::parse(self.respond(call)?)?)
    }

    /// Drives a call to its end, whatever it is for: the way to give one a
    /// deadline of its own.
    pub fn run(&self, mut call: Call) -> Result<Completion, Error> {
        let mut now = self.now();
        loop {
            let (step, version) = self.step(&mut call, now);
            match step {
                Step::Send(transmit) => match transmit.attempt.operation() {
                    Some(operation) => now = self.begin(operation, transmit),
                    None => now = self.send(&mut call, transmit),
                },
                Step::Wait(wait) => now = self.wait(&wait, version),
                Step::Done(result) => return result,
            }
        }
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    ///
    /// With a [store](Builder::store), this is the session as it was last loaded
    /// from there, and nothing that is changed is saved: use
    /// [`transact`](Self::transact).
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.0.shared.session(look)
    }

    /// Looks at the session as the [store](Builder::store) has it, or changes it,
    /// and saves there what changed before this returns. It is done anew if
    /// another process is faster. Without a store, it is
    /// [`session`](Self::session).
    pub fn transact<R>(&self, mut act: impl FnMut(&mut Session) -> R) -> Result<R, StoreError> {
        self.session(|session| match &self.0.store {
            Some(store) => session.transact(&**store, act),
            None => Ok(act(session)),
        })
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        self.0.shared.now()
    }

    /// Drives a call to its response: the same for all endpoints, so that a program
    /// has it once.
    #[inline(never)]
    fn respond(&self, call: Result<Call, RequestError>) -> Result<Response<Bytes>, Error> {
        self.run(call?)?.into_response()
    }

    /// Steps. Returns the version of the session after it as well.
    fn step(&self, call: &mut Call, now: Timestamp) -> (Step, u64) {
        let mut version = 0;
        let step = self.0.shared.step(|session| {
            let step = match &self.0.store {
                Some(store) => call.step_in(&**store, session, now),
                None => call.step(session, now),
            };
            version = session.version();
            step
        });
        (step, version)
    }

    /// Sends the call's own request. Returns the time of its end.
    fn send(&self, call: &mut Call, mut transmit: Transmit) -> Timestamp {
        let shared = &self.0.shared;
        let (attempt, observer) = (transmit.attempt, shared.observer());
        let started = Started::new(shared, observer, &transmit);
        let result = self.exchange(&started, &mut transmit);
        let ended = started.end(shared, &result);
        let at = ended.at();
        shared.finish(observer, &ended, |session| match &self.0.store {
            Some(store) => call.receive_in(&**store, session, at, attempt, result),
            None => call.receive(session, at, attempt, result),
        });
        at
    }

    /// Begins an operation, on a thread of its own. Returns the time.
    fn begin(&self, operation: Operation, transmit: Transmit) -> Timestamp {
        let client = self.clone();
        let thread = thread::Builder::new().name("thingspace operation".to_owned());
        if let Err(error) = thread.spawn(move || client.operate(operation, transmit)) {
            let never_sent = Err(TransportError::not_sent(error));
            let now = self.now();
            self.session(|session| self.receive(session, now, operation, never_sent));
        }
        self.now()
    }

    /// Runs an operation to its end.
    fn operate(&self, operation: Operation, mut transmit: Transmit) {
        let shared = &self.0.shared;
        let observer = shared.quiet_observer();
        let started = Started::new(shared, &observer, &transmit);
        let exchange = || self.exchange(&started, &mut transmit);
        let result = caught(catch_unwind(AssertUnwindSafe(exchange)));
        let ended = started.end(shared, &result);
        shared.finish(&observer, &ended, |session| {
            self.receive(session, ended.at(), operation, result);
        });
    }

    /// Gives the result of an operation to the session.
    fn receive(
        &self,
        session: &mut Session,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        match &self.0.store {
            Some(store) => session.receive_in(&**store, now, operation, result),
            None => session.receive(now, operation, result),
        }
    }

    fn exchange(
        &self,
        started: &Started,
        transmit: &mut Transmit,
    ) -> Result<Response<Bytes>, TransportError> {
        send(&self.0.agent, transmit, started.time_left()?)
    }

    /// Waits until the session is of another version than this, or until it is
    /// time to step again. Returns the time.
    fn wait(&self, wait: &Wait, version: u64) -> Timestamp {
        let shared = &self.0.shared;
        shared.observer().waiting(wait);
        let store = self.0.store.as_ref();
        let timeout = wait.until.since(shared.now());
        let timeout = store.map_or(timeout, |store| timeout.min(store.poll_interval()));
        let session = shared.lock();
        if session.version() == version {
            drop(self.0.changed.wait_timeout(session, timeout));
        }
        shared.now()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.shared).finish()
    }
}
