//! The configuration of a client, whatever its HTTP stack is.

use std::hash::{BuildHasher, RandomState};

use thingspace_core::{
    SessionBuilder, Timestamp,
    session::{Observer, OtherSession, Store},
};
use thingspace_tracing::Tracing;

use crate::{
    clock::{Clock, OwnClock},
    shared::Shared,
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
    /// store has saved, if anything, unless it has a snapshot.
    ///
    /// Fails if the snapshot is of another environment, application or user.
    pub(crate) fn build(self, store: Option<Box<dyn Store>>) -> Result<Shared, OtherSession> {
        // A store that can't be loaded says so to the first call.
        let saved = store.as_ref().and_then(|store| store.load().ok()?);
        let seed = RandomState::new().hash_one(());
        let session = self.session.default_snapshot(saved).default_seed(seed);
        let session = session.build()?;
        let clock = Clock::new(self.clock);
        Ok(Shared::new(session, store, clock, self.observer))
    }
}

impl<S: Into<SessionBuilder>> From<S> for Config {
    fn from(session: S) -> Self {
        Self::new(session)
    }
}
