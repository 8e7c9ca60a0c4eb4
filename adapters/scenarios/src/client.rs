//! The client's interface to the scenarios: blocking, and the same for all adapters.

use std::{error::Error as StdError, fmt::Debug, sync::Arc, time::Duration};

use http::Response;
use thingspace_core::{
    Completion, Credentials, Endpoint, Environment, Error, Password, Session, SessionBuilder,
    SessionToken, Timestamp, WithSession,
    session::{
        Call, Event, Exchange, ExchangeResult, NewPassword, Observer, Settings, Snapshot,
        SnapshotError, Store, Wait,
    },
};
use thingspace_driver::Config;

/// A client that the scenarios can test. Its methods are the adapters' methods of the
/// same names. They block until they are done.
pub trait Client: Clone + Debug + Send + Sync + 'static {
    /// Builds a client over the adapter's default HTTP stack.
    fn build(options: Options) -> Result<Self, SnapshotError>;

    /// Opens a session, unless one is open.
    fn log_in(&self) -> Result<SessionToken, Error>;

    /// Ends the session, if one is open.
    fn log_out(&self) -> Result<Option<SessionToken>, Error>;

    /// Resets the password, and uses the new one.
    fn reset_password(&self) -> Result<Password, Error>;

    /// Resets the password, gives it to `keep`, and uses it. Whatever `keep` does, it does
    /// on a thread where it may block and make calls.
    fn reset_password_with(
        &self,
        keep: impl FnOnce(Password) -> Result<(), BoxError> + Send,
    ) -> Result<Password, Error>;

    /// Resets the password.
    fn request_reset(&self) -> Result<NewPassword, Error>;

    /// Uses a new password.
    fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error>;

    /// Loads what others have saved, and saves what they do not have.
    fn sync(&self) -> Result<(), Error>;

    /// Makes a call that a session authorizes.
    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error>;

    /// Drives a call to its end. It polls or steps on this thread, so that a panic of
    /// an observer of the call's own request ends this thread.
    fn run(&self, call: Call) -> Result<Completion, Error>;

    /// Reads or changes the session.
    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R;

    /// Returns the time of the client's clock.
    fn now(&self) -> Timestamp;
}

/// Any error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The options of a client.
pub struct Options {
    /// The credentials.
    pub credentials: Credentials,
    /// The environment to call.
    pub environment: Environment,
    /// The only trusted certificate authority, in DER. `None` for those that the
    /// adapter trusts by default.
    pub root: Option<Vec<u8>>,
    /// The settings of the session.
    pub settings: Settings,
    /// The snapshot to continue the session from. It was taken by the same clock.
    pub snapshot: Option<Snapshot>,
    /// The store that the session is shared by.
    pub store: Option<Arc<dyn Store>>,
    /// The clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// The observer.
    pub observer: BoxedObserver,
}

impl Options {
    /// Returns the configuration of a client with these options. The root, which the
    /// HTTP stack takes, is not part of it, nor the store, which blocks or is awaited.
    pub fn into_config(self) -> Config {
        let mut session = SessionBuilder::new(self.credentials)
            .environment(self.environment)
            .settings(self.settings);
        if let Some(snapshot) = self.snapshot {
            let now = (self.clock)();
            let age = now.since(snapshot.saved_at());
            session = session.snapshot(snapshot, age, now);
        }
        Config::new(session)
            .clock(self.clock)
            .observer(self.observer)
    }
}

/// An observer of any type.
pub struct BoxedObserver(Box<dyn Observer>);

impl BoxedObserver {
    /// Puts an observer into its box.
    pub fn new(observer: impl Observer + 'static) -> Self {
        Self(Box::new(observer))
    }
}

impl Observer for BoxedObserver {
    fn event(&self, event: &Event) {
        self.0.event(event);
    }

    fn waiting(&self, wait: &Wait) {
        self.0.waiting(wait);
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        self.0.waited(wait, took);
    }

    fn sending(&self, exchange: &Exchange) {
        self.0.sending(exchange);
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.0.received(exchange, result);
    }
}
