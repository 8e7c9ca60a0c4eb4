//! The configuration of a client, whatever its HTTP stack is.

use std::hash::{BuildHasher, RandomState};

use thingspace_core::{
    SessionBuilder, Timestamp,
    session::{Observer, OtherSession, Snapshot},
};
use thingspace_tracing::Tracing;

use crate::{
    Shared,
    clock::{Clock, OwnClock},
};

/// The configuration of a client: its session, its clock and its observer.
///
/// Credentials alone are one, and so is a [`SessionBuilder`].
#[must_use]
pub struct Config {
    session: SessionBuilder,
    clock: Option<OwnClock>,
    observer: Box<dyn Observer>,
}

impl Config {
    /// The configuration of a client with this session, the system's clock, and
    /// `tracing` as its observer.
    pub fn new(session: impl Into<SessionBuilder>) -> Self {
        Self {
            session: session.into(),
            clock: None,
            observer: Box::new(Tracing),
        }
    }

    /// Tells the time by this clock; by the system's by default. While it runs
    /// backwards, time stands still.
    pub fn clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            clock: Some(Box::new(clock)),
            ..self
        }
    }

    /// Reports everything that happens to the session, and every request before
    /// it is sent and after its result is known, to this observer: beside
    /// `tracing`, to which it is reported anyway.
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self {
            observer: Box::new((Tracing, observer)),
            ..self
        }
    }

    /// Builds the session: with a random seed unless it has one, and from what its
    /// store has `saved`, if that is so, unless it has a snapshot. `wake` is called
    /// whenever the session has changed, with the session locked.
    ///
    /// Fails if the snapshot is of another environment, application or user.
    pub fn build(
        self,
        saved: Option<Snapshot>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Shared, OtherSession> {
        let seed = RandomState::new().hash_one(());
        let session = self.session.default_snapshot(saved).default_seed(seed);
        let session = session.build()?;
        Ok(Shared::new(
            session,
            Clock::new(self.clock),
            self.observer,
            wake,
        ))
    }
}

impl<S: Into<SessionBuilder>> From<S> for Config {
    fn from(session: S) -> Self {
        Self::new(session)
    }
}
