//! The client: the driver loop.

use std::{
    error::Error as StdError,
    fmt,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_lite::FutureExt;
use http::Response;
use thingspace_core::{
    Completion, Endpoint, Environment, Error, Password, RequestError, Session, SessionToken,
    StoreError, Timestamp, TransportError,
    api::OfSession,
    session::{
        Call, CallId, CallResult, NewPassword, Operation, SharedStep, SnapshotError, Transmit,
    },
};
#[cfg(feature = "connectivity")]
use {crate::Mailbox, event_listener::EventListener};

use crate::{
    Config, Runtime,
    exchange::{Started, caught},
    shared::Shared,
};

/// An async ThingSpace client, on any [`Runtime`].
///
/// It is cheap to clone. All clones share one session, on any tasks. If another task has
/// begun a login, a call that needs one waits for it.
///
/// Every call may be dropped at any point. If its own request was in flight, that has an
/// unknown outcome. Token fetches, logins, logouts and resets are run by the runtime, and
/// run to their end also if the call that needs them is dropped.
///
/// What to do about an error is in the core's
/// [guide](https://docs.rs/thingspace-core/latest/thingspace_core/guide/errors/index.html).
pub struct Client<R>(Arc<Inner<R>>);

struct Inner<R> {
    shared: Shared,
    runtime: R,
    #[cfg(feature = "connectivity")]
    mailbox: Mailbox,
}

// That their futures are Send is a promise of the signatures, not of the bodies.
#[allow(clippy::manual_async_fn)]
impl<R: Runtime> Client<R> {
    /// A client of this configuration. Its runtime is made for the timeout of an attempt.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn new(config: Config, runtime: impl FnOnce(Duration) -> R) -> Result<Self, SnapshotError> {
        #[cfg(feature = "connectivity")]
        let mailbox = config.mailbox.clone();
        let shared = config.build()?;
        let attempt_timeout = shared.lock().settings().attempt_timeout;
        Ok(Self(Arc::new(Inner {
            shared,
            runtime: runtime(attempt_timeout),
            #[cfg(feature = "connectivity")]
            mailbox,
        })))
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
                .await
                .or_else(Error::unless_not_awaited)?;
            Ok(new.into_password())
        }
    }

    /// Resets the password to a random one, gives it to `keep`, and uses it as soon as
    /// it is kept: nothing is locked meanwhile. Returns it as well.
    ///
    /// If it can't be kept, the error [has it](Error::kind), and no login is made until
    /// it is [confirmed](Self::confirm_reset).
    pub fn reset_password_with<K, F, E>(
        &self,
        keep: K,
    ) -> impl Future<Output = Result<Password, Error>> + Send
    where
        K: FnOnce(Password) -> F + Send,
        F: Future<Output = Result<(), E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        async {
            let new = self.request_reset().await?;
            if let Err(error) = keep(new.password().clone()).await {
                return Err(Error::not_confirmed(new, StoreError::new(error)));
            }
            self.confirm_reset(&new)
                .await
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
    /// Fails if the password is not awaited any more, and if the store fails: then
    /// it may be retried, and the error holds the password.
    pub fn confirm_reset(
        &self,
        new: &NewPassword,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async {
            self.session(|session| session.confirm(new))?;
            self.sync().await.map_err(|error| error.of_confirming(new))
        }
    }

    /// Loads what other processes have saved, and saves what they do not have. Without
    /// a [store](Config::store), it does nothing.
    ///
    /// Fails if the store does.
    pub fn sync(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { self.run(Call::sync()).await?.into_synced() }
    }

    /// Makes any call that is authorized by both tokens, or by the bearer token alone: a
    /// typed [`Endpoint`], or a plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth: OfSession>>(
        &self,
        endpoint: E,
    ) -> impl Future<Output = Result<Response<E::Output>, Error>> + Send {
        let mut call = Call::to(endpoint, self.environment());
        async move { Ok(E::parse(self.respond(&mut call).await?)?) }
    }

    /// The place where a listener delivers the callbacks that it reads.
    #[cfg(feature = "connectivity")]
    #[doc(alias = "webhook")]
    pub fn mailbox(&self) -> &Mailbox {
        &self.0.mailbox
    }

    /// Drives a call to its response, where it is: the same for all endpoints, so that
    /// a program has it once. [`call`](Self::call) without what knows the endpoint.
    pub fn respond(
        &self,
        call: &mut Result<Call, RequestError>,
    ) -> impl Future<Output = Result<Response<Bytes>, Error>> + Send {
        async move {
            match call {
                Ok(call) => self.drive(call).await?.into_response(),
                Err(error) => Err((*error).into()),
            }
        }
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
    ///
    /// With a [store](Config::store), this is the session as this process knows
    /// it, and other processes learn of a change by the next [`sync`](Self::sync).
    pub fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        self.0.shared.session(look)
    }

    /// The environment that calls go to.
    pub fn environment(&self) -> &Environment {
        self.0.shared.environment()
    }

    /// The time by this client's clock, which never runs backwards.
    pub fn now(&self) -> Timestamp {
        self.0.shared.now()
    }

    /// Waits for what is listened for, or until this time has passed.
    #[cfg(feature = "connectivity")]
    pub(crate) async fn wait(&self, awaited: EventListener, timeout: Duration) {
        self.0.runtime.wait(awaited, timeout).await;
    }

    /// The end of an attempt that begins now.
    pub(crate) fn attempt_deadline(&self) -> Timestamp {
        self.now() + self.0.shared.lock().settings().attempt_timeout
    }

    /// Drives a call to its end, where it is: it is large to move.
    async fn drive(&self, call: &mut Call) -> Result<Completion, Error> {
        let Inner {
            shared, runtime, ..
        } = &*self.0;
        let driven = Driven { shared, call };
        let mut now = shared.now();
        loop {
            let mut changed = None;
            match shared.step(driven.call, now, &mut changed) {
                // Sent from where it is: it is large to move, too.
                SharedStep::Send(ref mut transmit) if transmit.attempt.operation().is_none() => {
                    now = self.send(driven.call, transmit).await;
                }
                SharedStep::Send(transmit) => {
                    if let Some(operation) = transmit.attempt.operation() {
                        now = self.begin(operation, transmit);
                    }
                }
                SharedStep::Wait(wait) => {
                    shared.observer().waiting(&wait);
                    let since = shared.now();
                    if let Some(changed) = changed {
                        runtime.wait(changed, wait.until.since(since)).await;
                    }
                    now = shared.now();
                    shared.observer().waited(&wait, now.since(since));
                }
                SharedStep::Load => {
                    shared.load(driven.call).await;
                    now = shared.now();
                }
                SharedStep::Save { seen, snapshot } => {
                    shared.save(driven.call, seen, &snapshot).await;
                    now = shared.now();
                }
                SharedStep::Done(result) => {
                    driven.end(&CallResult::of(&result));
                    return result;
                }
            }
        }
    }

    /// Sends the call's own request. Returns the time of its end.
    async fn send(&self, call: &mut Call, transmit: &mut Transmit) -> Timestamp {
        let shared = &self.0.shared;
        let attempt = transmit.attempt;
        let started = Started::new(transmit, shared.observer(), || shared.now());
        let result = self.exchange(&started, transmit).await;
        let ended = started.end(shared.now(), &result);
        let at = ended.at();
        shared.receive(call, attempt, ended, result);
        self.sync_beside();
        at
    }

    /// Saves what the store does not have, beside the call, which does not wait for
    /// it.
    fn sync_beside(&self) {
        if self.0.shared.begins_to_sync() {
            let client = self.clone();
            let sync = Box::pin(async move { client.sync_as_one().await });
            if self.0.runtime.spawn(sync).is_err() {
                // The next call tries it again.
                drop(self.0.shared.syncing());
            }
        }
    }

    /// Saves what the store does not have, as the one who does so: once more for those
    /// who came meanwhile.
    async fn sync_as_one(&self) {
        let mut syncing = self.0.shared.syncing();
        loop {
            let wanted = syncing.wanted();
            let deadline = self.attempt_deadline();
            // What could not be saved is saved after the next response.
            let _ = self.run(Call::sync().with_deadline(deadline)).await;
            if syncing.ends(wanted) {
                return;
            }
        }
    }

    /// Begins an operation, which the runtime runs. Returns the time.
    fn begin(&self, operation: Operation, transmit: Transmit) -> Timestamp {
        let begun = Arc::new(Begun {
            client: self.clone(),
            operation,
            call: transmit.attempt.call(),
            is_finished: AtomicBool::new(false),
        });
        let task = Arc::clone(&begun);
        let task = Box::pin(async move { task.run(transmit).await });
        if let Err(never_sent) = self.0.runtime.spawn(task) {
            // The task is dropped, but not abandoned yet: its end is known.
            begun.fail(never_sent);
        }
        drop(begun);
        self.now()
    }

    async fn exchange(
        &self,
        started: &Started,
        transmit: &mut Transmit,
    ) -> Result<Response<Bytes>, TransportError> {
        let timeout = started.time_left()?;
        self.0.runtime.send(transmit, timeout).await
    }
}

impl<R> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.shared).finish()
    }
}

/// A call that is driven. If its caller gives it up, that is reported.
struct Driven<'a> {
    shared: &'a Shared,
    call: &'a mut Call,
}

impl Driven<'_> {
    /// Reports the end of the call.
    fn end(self, result: &CallResult<'_>) {
        self.shared.ended(self.call, result);
        mem::forget(self);
    }
}

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        if self.call.id().is_some() {
            self.shared.ended(self.call, &CallResult::GivenUp);
        }
    }
}

/// An operation that has begun. Its task may be dropped, as by a runtime that shuts
/// down: then nothing more is heard of it, and it is abandoned.
struct Begun<R> {
    client: Client<R>,
    operation: Operation,
    /// The call that began it.
    call: CallId,
    is_finished: AtomicBool,
}

impl<R: Runtime> Begun<R> {
    /// Runs the operation to its end.
    async fn run(&self, mut transmit: Transmit) {
        let shared = &self.client.0.shared;
        let observer = shared.quiet_observer();
        let started = Started::new(&transmit, &observer, || shared.now());
        let exchange = AssertUnwindSafe(self.client.exchange(&started, &mut transmit));
        let result = caught(exchange.catch_unwind().await);
        let ended = started.end(shared.now(), &result);
        shared.finish(self.operation, ended, result);
        self.is_finished.store(true, Ordering::Relaxed);
        if shared.begins_to_sync() {
            self.client.sync_as_one().await;
        }
    }

    /// Ends the operation, which was never sent.
    fn fail(&self, never_sent: TransportError) {
        let shared = &self.client.0.shared;
        shared.fail(self.operation, self.call, never_sent);
        self.is_finished.store(true, Ordering::Relaxed);
    }
}

impl<R> Drop for Begun<R> {
    fn drop(&mut self) {
        if !*self.is_finished.get_mut() {
            let abandon = || self.client.0.shared.abandon(self.operation, self.call);
            // It may be a panic of the clock's or the store's that ended the task. A
            // second one would end the process.
            let _ = catch_unwind(AssertUnwindSafe(abandon));
        }
    }
}
