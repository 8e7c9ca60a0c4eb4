//! The client: the driver loop, with tasks.

use std::{fmt, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use event_listener::EventListener;
use futures_lite::FutureExt;
use http::Response;
use hyper::rt::{Executor, Timer};
use thingspace_driver::{
    Config, Shared, Started, caught,
    core::{
        Completion, Endpoint, Error, Password, RequestError, Session, SessionToken, Timestamp,
        TransportError, WithSession,
        session::{Call, NewPassword, Operation, OtherSession, Step, Transmit},
    },
};

use crate::{
    Stack,
    builder::{Operating, Own},
    send::{send, within},
};

/// An async ThingSpace client.
///
/// Cheap to clone; all clones share one session, whichever tasks they are on. A
/// call that needs a login which another task has begun waits for that one.
///
/// Every call may be dropped at any point. Token fetches, logins, logouts and
/// resets run on an executor: they run to their end if the call that needs them
/// does not. A request of the call's own that was in flight then has an unknown
/// outcome.
#[derive(Clone)]
pub struct Client<S> {
    inner: Arc<Inner>,
    stack: S,
}

struct Inner {
    shared: Shared,
    /// Notified whenever the session has changed.
    changed: Arc<event_listener::Event>,
    timer: Arc<dyn Timer + Send + Sync>,
    executor: Arc<dyn Executor<Operating> + Send + Sync>,
}

#[cfg(feature = "tokio")]
impl Client<crate::Pooled> {
    /// A builder of a client with these credentials, or with this
    /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`]:
    /// on tokio unless it is given another [stack](crate::Builder::stack).
    pub fn builder(config: impl Into<Config>) -> crate::Builder<crate::Ready> {
        crate::Builder::new(config.into(), crate::Ready::default())
    }
}

#[cfg(not(feature = "tokio"))]
impl Client<()> {
    /// A builder of a client with these credentials, or with this
    /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`]:
    /// on a [stack](crate::Builder::stack) that has to be given.
    pub fn builder(config: impl Into<Config>) -> crate::Builder<()> {
        crate::Builder::new(config.into(), ())
    }
}

// That their futures are Send is a promise of the signatures, not of the bodies.
#[allow(clippy::manual_async_fn)]
impl<S: Stack> Client<S> {
    /// A client on this stack, which is made for the timeout of an attempt.
    pub(crate) fn new(
        config: Config,
        stack: impl FnOnce(Duration) -> Own<S>,
    ) -> Result<Self, OtherSession> {
        let changed = Arc::new(event_listener::Event::new());
        let wake = Arc::clone(&changed);
        let shared = config.build(None, move || {
            wake.notify(usize::MAX);
        })?;
        let stack = stack(shared.lock().settings().attempt_timeout);
        let inner = Inner {
            shared,
            changed,
            timer: stack.timer,
            executor: stack.executor,
        };
        Ok(Self {
            inner: Arc::new(inner),
            stack: stack.service,
        })
    }

    /// Opens a session, unless one is open, and returns its token. There is no
    /// need to: every call does it when it has to.
    #[doc(alias = "login_using_post")]
    pub fn log_in(&self) -> impl Future<Output = Result<SessionToken, Error>> + Send {
        async { self.run(Call::log_in()).await?.into_logged_in() }
    }

    /// Ends the session and returns the token that was ended; `None` if no
    /// session was open.
    #[doc(alias = "logout_using_post")]
    pub fn log_out(&self) -> impl Future<Output = Result<Option<SessionToken>, Error>> + Send {
        async { self.run(Call::log_out()).await?.into_logged_out() }
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
    pub fn reset_password(&self) -> impl Future<Output = Result<Password, Error>> + Send {
        async {
            let new = self.request_reset().await?;
            self.confirm_reset(&new)
                .or_else(Error::unless_not_awaited)?;
            Ok(new.into_password())
        }
    }

    /// The first half of a reset: resets the password and returns the new one.
    /// Save it, then [confirm](Self::confirm_reset) it. Until then no login is
    /// made, and the open session goes on.
    pub fn request_reset(&self) -> impl Future<Output = Result<NewPassword, Error>> + Send {
        async { self.run(Call::reset_password()).await?.into_new_password() }
    }

    /// The second half of a reset: the client uses the new password from now on.
    ///
    /// Fails if the password is not awaited any more.
    pub fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error> {
        self.session(|session| session.confirm(new))
            .map_err(Error::from)
    }

    /// Makes any call that is authorized by a session: a typed [`Endpoint`], or a
    /// plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> impl Future<Output = Result<Response<E::Output>, Error>> + Send {
        let mut call = Call::to(endpoint, self.inner.shared.environment());
        async move { Ok(E::parse(self.respond(&mut call).await?)?) }
    }

    /// Drives a call to its end, whatever it is for: the way to give one a
    /// deadline of its own.
    pub fn run(&self, mut call: Call) -> impl Future<Output = Result<Completion, Error>> + Send {
        async move { self.drive(&mut call).await }
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.inner.shared.session(look)
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.shared.now()
    }

    /// Drives a call to its response: the same for all endpoints, so that a program
    /// has it once.
    async fn respond(
        &self,
        call: &mut Result<Call, RequestError>,
    ) -> Result<Response<Bytes>, Error> {
        match call {
            Ok(call) => self.drive(call).await?.into_response(),
            Err(error) => Err((*error).into()),
        }
    }

    /// Drives a call to its end, where it is: it is large to move.
    async fn drive(&self, call: &mut Call) -> Result<Completion, Error> {
        let shared = &self.inner.shared;
        let mut now = shared.now();
        loop {
            let mut changed = None;
            match self.step(call, now, &mut changed) {
                Step::Send(mut transmit) => match transmit.attempt.operation() {
                    Some(operation) => now = self.begin(operation, transmit),
                    None => now = self.send(call, &mut transmit).await,
                },
                Step::Wait(wait) => {
                    shared.observer().waiting(&wait);
                    let timeout = self.inner.timer.sleep(wait.until.since(shared.now()));
                    within(changed, timeout).await;
                    now = shared.now();
                }
                Step::Done(result) => return result,
            }
        }
    }

    /// Steps. If there is nothing to do but wait, `changed` listens for a change of
    /// the session from this moment on.
    fn step(&self, call: &mut Call, now: Timestamp, changed: &mut Option<EventListener>) -> Step {
        self.inner.shared.step(|session| {
            let step = call.step(session, now);
            if matches!(step, Step::Wait(_)) {
                *changed = Some(self.inner.changed.listen());
            }
            step
        })
    }

    /// Sends the call's own request. Returns the time of its end.
    async fn send(&self, call: &mut Call, transmit: &mut Transmit) -> Timestamp {
        let shared = &self.inner.shared;
        let (attempt, observer) = (transmit.attempt, shared.observer());
        let started = Started::new(shared, observer, transmit);
        let result = self.exchange(&started, transmit).await;
        let ended = started.end(shared, &result);
        let at = ended.at();
        shared.finish(observer, &ended, |session| {
            call.receive(session, at, attempt, result);
        });
        at
    }

    /// Begins an operation, on the executor. Returns the time.
    fn begin(&self, operation: Operation, transmit: Transmit) -> Timestamp {
        let client = self.clone();
        let unfinished = Unfinished {
            inner: Arc::clone(&self.inner),
            operation,
        };
        self.inner.executor.execute(Box::pin(async move {
            client.operate(operation, transmit).await;
            drop(unfinished);
        }));
        self.now()
    }

    /// Runs an operation to its end.
    async fn operate(&self, operation: Operation, mut transmit: Transmit) {
        let shared = &self.inner.shared;
        let observer = shared.quiet_observer();
        let started = Started::new(shared, &observer, &transmit);
        let exchange = AssertUnwindSafe(self.exchange(&started, &mut transmit));
        let result = caught(exchange.catch_unwind().await);
        let ended = started.end(shared, &result);
        shared.finish(&observer, &ended, |session| {
            session.receive(ended.at(), operation, result);
        });
    }

    async fn exchange(
        &self,
        started: &Started,
        transmit: &mut Transmit,
    ) -> Result<Response<Bytes>, TransportError> {
        let timeout = self.inner.timer.sleep(started.time_left()?);
        send(&self.stack, transmit, timeout).await
    }
}

/// An operation whose task may be dropped, as by a runtime that shuts down: then
/// nothing more is heard of it.
struct Unfinished {
    inner: Arc<Inner>,
    operation: Operation,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.inner.shared.abandon(self.operation);
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.inner.shared).finish()
    }
}
