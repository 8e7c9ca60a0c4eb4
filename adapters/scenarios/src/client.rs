//! What a client looks like to the scenarios: blocking, and the same for all.

use std::fmt::Debug;

use http::Response;
use thingspace_core::{
    Credentials, Endpoint, Environment, Error, Password, Session, SessionToken, Timestamp,
    endpoint::WithSession,
    session::{
        Call, Event, Exchange, Observer, Outcome, RestoreError, Settings, Snapshot, Task, Wait,
    },
};

/// A client that the scenarios are told of. Its methods are those of the
/// adapters by the same names, and return when they are through.
pub trait Client: Clone + Debug + Send + Sync + 'static {
    /// Builds one, over the stack that the adapter uses by default.
    fn build(options: Options) -> Result<Self, RestoreError>;

    /// Opens a session, unless one is open.
    fn log_in(&self) -> Result<SessionToken, Error>;

    /// Ends the session, if one is open.
    fn log_out(&self) -> Result<Option<SessionToken>, Error>;

    /// Resets the password.
    fn reset_password(&self) -> Result<Password, Error>;

    /// Makes any call that is authorised by a session.
    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error>;

    /// Sees a call through.
    fn run<T: Task>(&self, call: Call<T>) -> Result<T::Output, Error>;

    /// Looks at the session, or changes it.
    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R;

    /// The time by the client's clock.
    fn now(&self) -> Timestamp;
}

/// What a client is built of.
pub struct Options {
    /// Who asks.
    pub credentials: Credentials,
    /// Where ThingSpace is.
    pub environment: Environment,
    /// The one certificate authority that is trusted, in DER, if it is not those
    /// that the adapter trusts by default.
    pub root: Option<Vec<u8>>,
    /// What the session goes by.
    pub settings: Settings,
    /// The session to go on with.
    pub snapshot: Option<Snapshot>,
    /// What tells the time.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Who watches.
    pub observer: Watcher,
}

/// Whoever watches.
pub struct Watcher(pub(crate) Box<dyn Observer>);

impl Observer for Watcher {
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
