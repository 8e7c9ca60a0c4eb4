//! The client's interface to the scenarios: blocking, and the same for all adapters.

use std::fmt::Debug;

use http::Response;
use thingspace_core::{
    Credentials, Endpoint, Environment, Error, Password, Session, SessionToken, Timestamp,
    endpoint::WithSession,
    session::{
        Call, Event, Exchange, Observer, Outcome, RestoreError, Settings, Snapshot, Task, Wait,
    },
};

/// A client that the scenarios can test. Its methods are the adapters' methods of the
/// same names. They block until they are done.
pub trait Client: Clone + Debug + Send + Sync + 'static {
    /// Builds a client over the adapter's default HTTP stack.
    fn build(options: Options) -> Result<Self, RestoreError>;

    /// Opens a session, unless one is open.
    fn log_in(&self) -> Result<SessionToken, Error>;

    /// Ends the session, if one is open.
    fn log_out(&self) -> Result<Option<SessionToken>, Error>;

    /// Resets the password.
    fn reset_password(&self) -> Result<Password, Error>;

    /// Makes a call that a session authorizes.
    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error>;

    /// Drives a call to its end.
    fn run<T: Task>(&self, call: Call<T>) -> Result<T::Output, Error>;

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
    /// The snapshot to restore the session from.
    pub snapshot: Option<Snapshot>,
    /// The clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// The observer.
    pub observer: BoxedObserver,
}

/// An observer of any type.
pub struct BoxedObserver(pub(crate) Box<dyn Observer>);

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

    fn received(&self, exchange: &Exchange, outcome: &Outcome<'_>) {
        self.0.received(exchange, outcome);
    }
}
