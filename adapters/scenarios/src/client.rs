//! The client's interface to the scenarios: blocking, and the same for all adapters.

use std::fmt::Debug;

use http::Response;
use thingspace_core::{
    Completion, Credentials, Endpoint, Environment, Error, Password, Session, SessionBuilder,
    SessionToken, Timestamp, WithSession,
    session::{
        Call, Event, Exchange, ExchangeResult, NewPassword, Observer, OtherSession, Settings,
        Snapshot, Wait,
    },
};
use thingspace_driver::Config;

/// A client that the scenarios can test. Its methods are the adapters' methods of the
/// same names. They block until they are done.
pub trait Client: Clone + Debug + Send + Sync + 'static {
    /// Builds a client over the adapter's default HTTP stack.
    fn build(options: Options) -> Result<Self, OtherSession>;

    /// Opens a session, unless one is open.
    fn log_in(&self) -> Result<SessionToken, Error>;

    /// Ends the session, if one is open.
    fn log_out(&self) -> Result<Option<SessionToken>, Error>;

    /// Resets the password, and uses the new one.
    fn reset_password(&self) -> Result<Password, Error>;

    /// Resets the password.
    fn request_reset(&self) -> Result<NewPassword, Error>;

    /// Uses a new password.
    fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error>;

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
    /// The snapshot to continue the session from.
    pub snapshot: Option<Snapshot>,
    /// The clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// The observer.
    pub observer: BoxedObserver,
}

impl Options {
    /// Returns the configuration of a client with these options. The root, which the
    /// HTTP stack takes, is not part of it.
    pub fn into_config(self) -> Config {
        let session = SessionBuilder::new(self.credentials)
            .environment(self.environment)
            .settings(self.settings)
            .default_snapshot(self.snapshot);
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

    fn sending(&self, exchange: &Exchange) {
        self.0.sending(exchange);
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.0.received(exchange, result);
    }
}
