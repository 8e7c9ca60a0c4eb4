//! The configuration of a client, whatever its HTTP stack is.

use std::hash::{BuildHasher, RandomState};

use thingspace_core::{
    SessionBuilder, Timestamp,
    session::{AsyncStore, Observer, SnapshotError},
};
use thingspace_tracing::Tracing;

use crate::{
    clock::{Clock, OwnClock},
    shared::Shared,
};

/// The configuration of a client: its session, its store, its clock and its observer.
///
/// Credentials alone are one, and so is a [`SessionBuilder`].
#[must_use]
pub struct Config {
    session: SessionBuilder,
    clock: Option<OwnClock>,
    observer: Box<dyn Observer>,
    store: Option<Box<dyn AsyncStore>>,
    #[cfg(feature = "connectivity")]
    pub(crate) mailbox: crate::Mailbox,
}

impl Config {
    /// The configuration of a client with this session, the system's clock, and
    /// `tracing` as its observer.
    pub fn new(session: impl Into<SessionBuilder>) -> Self {
        Self {
            session: session.into(),
            clock: None,
            observer: Box::new(Tracing::new()),
            store: None,
            #[cfg(feature = "connectivity")]
            mailbox: crate::Mailbox::new(),
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
            observer: Box::new((Tracing::new(), observer)),
            ..self
        }
    }

    /// Shares the session with every process that uses this store: its tokens,
    /// its login guard, and the one operation that is in progress.
    ///
    /// A call with an open session neither loads nor saves. A store that fails stops
    /// logins, logouts and resets, and nothing else. The budget of failed logins is the
    /// store's: programs of one user name are to share one.
    ///
    /// What a response brought is saved beside the calls. So a program that is about to end
    /// [syncs](crate::Client::sync) before, also after an error: others learn that a
    /// password was refused.
    pub fn store(self, store: impl AsyncStore + 'static) -> Self {
        Self {
            store: Some(Box::new(store)),
            ..self
        }
    }

    /// Takes callbacks from this mailbox, which others may use, too; from one of the
    /// client's own by default.
    #[cfg(feature = "connectivity")]
    pub fn mailbox(self, mailbox: crate::Mailbox) -> Self {
        Self { mailbox, ..self }
    }

    /// Builds the session: with a random seed unless it has one, and shared with all
    /// who use its store, if it has one.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub(crate) fn build(self) -> Result<Shared, SnapshotError> {
        let seed = RandomState::new().hash_one(());
        let mut session = self.session.default_seed(seed);
        if let Some(store) = &self.store {
            session = session.shared(store.poll_interval());
        }
        let clock = Clock::new(self.clock);
        Ok(Shared::new(
            session.build()?,
            self.store,
            clock,
            self.observer,
        ))
    }
}

impl<S: Into<SessionBuilder>> From<S> for Config {
    fn from(session: S) -> Self {
        Self::new(session)
    }
}
