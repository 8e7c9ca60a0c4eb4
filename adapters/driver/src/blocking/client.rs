//! The client that blocks: the one that awaits, with each future driven to its end.

use std::{error::Error as StdError, fmt, time::Duration};

use bytes::Bytes;
use futures_lite::future::block_on;
use http::Response;
use thingspace_core::{
    Completion, Endpoint, Error, Password, RequestError, Session, SessionToken, Timestamp,
    api::OfSession,
    session::{Call, NewPassword, SnapshotError},
};
#[cfg(feature = "connectivity")]
use {
    super::Items,
    crate::Mailbox,
    thingspace_core::{
        api::Paged,
        asynchronous::{AsynchronousRequest, RequestOutcome},
    },
};

use crate::{Config, Runtime};

/// A blocking ThingSpace client, on any [`Runtime`] that blocks.
///
/// It is cheap to clone. All clones share one session, on any threads. If another thread
/// has begun a login, a call that needs one waits for it.
///
/// Token fetches, logins, logouts and resets are run by the runtime, and run to their end
/// also if the call that needs them ends before.
///
/// What to do about an error is in the core's
/// [guide](https://docs.rs/thingspace-core/latest/thingspace_core/guide/errors/index.html).
pub struct Client<R>(crate::Client<R>);

impl<R: Runtime> Client<R> {
    /// A client of this configuration. Its runtime is made for the timeout of an attempt.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn new(config: Config, runtime: impl FnOnce(Duration) -> R) -> Result<Self, SnapshotError> {
        crate::Client::new(config, runtime).map(Self)
    }

    /// Opens a session, unless one is open, and returns its token. There is no
    /// need to: every call does it when it has to.
    #[doc(alias = "login_using_post")]
    pub fn log_in(&self) -> Result<SessionToken, Error> {
        block_on(self.0.log_in())
    }

    /// Ends the session and returns the token that was ended; `None` if no
    /// session was open.
    #[doc(alias = "logout_using_post")]
    pub fn log_out(&self) -> Result<Option<SessionToken>, Error> {
        block_on(self.0.log_out())
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
        block_on(self.0.reset_password())
    }

    /// Resets the password to a random one, gives it to `keep`, and uses it as soon as
    /// it is kept: nothing is locked meanwhile. Returns it as well.
    ///
    /// If it can't be kept, the error [has it](Error::kind), and no login is made until
    /// it is [confirmed](Self::confirm_reset).
    pub fn reset_password_with<E: Into<Box<dyn StdError + Send + Sync>>>(
        &self,
        keep: impl FnOnce(Password) -> Result<(), E> + Send,
    ) -> Result<Password, Error> {
        block_on(
            self.0
                .reset_password_with(|new| async { keep(new).map_err(Into::into) }),
        )
    }

    /// The first half of a reset: resets the password and returns the new one.
    /// Save it, then [confirm](Self::confirm_reset) it. Until then no login is
    /// made, and the open session goes on.
    pub fn request_reset(&self) -> Result<NewPassword, Error> {
        block_on(self.0.request_reset())
    }

    /// The second half of a reset: the client uses the new password from now on.
    ///
    /// Fails if the password is not awaited any more, and if the store fails: then
    /// it may be retried, and the error holds the password.
    pub fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error> {
        block_on(self.0.confirm_reset(new))
    }

    /// Makes any call that is authorized by both tokens, or by the bearer token alone: a
    /// typed [`Endpoint`], or a plain `http::Request<Bytes>` to any path of ThingSpace.
    pub fn call<E: Endpoint<Auth: OfSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        let call = Call::to(endpoint, self.0.environment());
        Ok(E::parse(self.respond(call)?)?)
    }

    /// Lists all items of a list that comes in pages, from this request on: an iterator,
    /// which fetches a page when its first item is wanted.
    #[cfg(feature = "connectivity")]
    #[doc(alias = "pages")]
    #[doc(alias = "pagination")]
    pub fn items<E: Paged + Send + 'static>(&self, first: E) -> Items<R, E> {
        Items::new(self.0.items(first))
    }

    /// Follows an asynchronous request to its outcome, or to the end of its
    /// [time](thingspace_core::asynchronous::FollowSettings::timeout): by its status, which
    /// is asked for with growing pauses, and by callbacks that are delivered to the
    /// [mailbox](Self::mailbox), whichever comes first.
    #[cfg(feature = "connectivity")]
    #[doc(alias = "poll")]
    #[doc(alias = "request_id")]
    pub fn follow(&self, request: AsynchronousRequest) -> RequestOutcome {
        block_on(self.0.follow(request))
    }

    /// The place where a listener delivers the callbacks that it reads.
    #[cfg(feature = "connectivity")]
    #[doc(alias = "webhook")]
    pub fn mailbox(&self) -> &Mailbox {
        self.0.mailbox()
    }

    /// Drives a call to its end, whatever it is for: the way to give one a
    /// deadline of its own.
    pub fn run(&self, call: Call) -> Result<Completion, Error> {
        block_on(self.0.run(call))
    }

    /// Looks at the session, or changes it: its snapshot, its login guard, its
    /// credentials. Calls that wait are woken if it changed.
    ///
    /// Do nothing in there that takes time: every call waits for it.
    ///
    /// With a [store](Config::store), this is the session as this process knows it,
    /// and other processes learn of a change by the next [`sync`](Self::sync).
    pub fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        self.0.session(look)
    }

    /// Loads what other processes have saved, and saves what they do not have. Without
    /// a [store](Config::store), it does nothing.
    ///
    /// Fails if the store does.
    pub fn sync(&self) -> Result<(), Error> {
        block_on(self.0.sync())
    }

    /// The time by this client's clock.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Drives a call to its response: the same for all endpoints, so that a program
    /// has it once.
    #[inline(never)]
    fn respond(&self, mut call: Result<Call, RequestError>) -> Result<Response<Bytes>, Error> {
        block_on(self.0.respond(&mut call))
    }
}

impl<R> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
