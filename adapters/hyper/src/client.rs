//! The client: the driver's, on a stack and a runtime of the caller's choice.

use std::{error::Error as StdError, fmt, future::Future, time::Duration};

use http::Response;
use thingspace_driver::{
    Config,
    core::{
        Completion, Endpoint, Error, Password, Session, SessionToken, Timestamp,
        api::OfSession,
        session::{Call, NewPassword, SnapshotError},
    },
};

use crate::{Own, Stack};

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
pub struct Client<S>(thingspace_driver::Client<Own<S>>);

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

impl<S: Stack> Client<S> {
    /// A client on this stack, which is made for the timeout of an attempt.
    pub(crate) fn new(
        config: Config,
        stack: impl FnOnce(Duration) -> Own<S>,
    ) -> Result<Self, SnapshotError> {
        thingspace_driver::Client::new(config, stack).map(Self)
    }

    /// Opens a session, unless one is open, and returns its token. There is no
    /// need to: every call does it when it has to.
    #[doc(alias = "login_using_post")]
    pub fn log_in(&self) -> impl Future<Output = Result<SessionToken, Error>> + Send {
        self.0.log_in()
    }

    /// Ends the session and returns the token that was ended; `None` if no
    /// session was open.
    #[doc(alias = "logout_using_post")]
    pub fn log_out(&self) -> impl Future<Output = Result<Option<SessionToken>, Error>> + Send {
        self.0.log_out()
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
        self.0.reset_password()
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
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        self.0.reset_password_with(keep)
    }

    /// The first half of a reset: resets the password and returns the new one.
    /// Save it, then [confirm](Self::confirm_reset) it. Until then no login is
    /// made, and the open session goes on.
    pub fn request_reset(&self) -> impl Future<Output = Result<NewPassword, Error>> + Send {
        self.0.request_reset()
    }

    /// The second half of a reset: the client uses the new password from now on.
    ///
    /// Fails if the password is not awaited any more, and if the store fails: then
    /// it may be retried, and the error holds the password.
    pub fn confirm_reset(
        &self,
        new: &NewPassword,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.confirm_reset(new)
    }

    /// Makes any call that is authorized by both tokens, or by the bearer token alone: a typed [`Endpoint`], or a
    /// plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth: OfSession>>(
        &self,
        endpoint: E,
    ) -> impl Future<Output = Result<Response<E::Output>, Error>> + Send {
        self.0.call(endpoint)
    }

    /// Drives a call to its end, whatever it is for: the way to give one a
    /// deadline of its own.
    pub fn run(&self, call: Call) -> impl Future<Output = Result<Completion, Error>> + Send {
        self.0.run(call)
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    ///
    /// With a [store](crate::Builder::store), this is the session as this process knows
    /// it, and other processes learn of a change by the next [`sync`](Self::sync).
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.0.session(look)
    }

    /// Loads what other processes have saved, and saves what they do not have. Without
    /// a [store](crate::Builder::store), it does nothing.
    ///
    /// Fails if the store does.
    pub fn sync(&self) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.sync()
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
