//! How a client is put together.

use std::{
    hash::{BuildHasher, RandomState},
    time::SystemTime,
};

use thingspace_core::{
    Credentials, Environment, Session, Timestamp,
    session::{Observer, RestoreError, Settings, Snapshot, Store},
};
use thingspace_tracing::Tracing;
use ureq::Agent;

use crate::{Client, client::Parts, send};

/// Puts a [`Client`] together. Everything but the credentials has a default.
#[must_use]
pub struct Builder {
    credentials: Credentials,
    environment: Environment,
    settings: Settings,
    snapshot: Option<Snapshot>,
    store: Option<Box<dyn Store>>,
    seed: u64,
    agent: Option<Agent>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Box<dyn Observer>,
}

impl Builder {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            environment: Environment::production(),
            settings: Settings::default(),
            snapshot: None,
            store: None,
            seed: RandomState::new().hash_one(()),
            agent: None,
            clock: Box::new(|| SystemTime::now().into()),
            observer: Box::new(Tracing),
        }
    }

    /// Where ThingSpace is; production by default.
    pub fn environment(self, environment: Environment) -> Self {
        Self {
            environment,
            ..self
        }
    }

    /// What the session goes by.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Goes on with the session that a snapshot was taken of.
    pub fn restore(self, snapshot: Snapshot) -> Self {
        Self {
            snapshot: Some(snapshot),
            ..self
        }
    }

    /// Shares the session with every process that uses this store: its tokens,
    /// its login guard, and the one login that is under way.
    ///
    /// The credentials are taken for the ones that are right as the store stands
    /// when the client is built. Only a password that another process gets after
    /// that, by a reset or from its caller, outdates them.
    pub fn store(self, store: impl Store + 'static) -> Self {
        Self {
            store: Some(Box::new(store)),
            ..self
        }
    }

    /// Where the jitter of pauses comes from; random by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sends with this agent: for a proxy, roots, a resolver or a connector of
    /// one's own.
    ///
    /// Redirects are not followed and every status is an answer, however the
    /// agent is configured. Its middleware runs as it is: one that sends a
    /// request twice would undo what this library is for.
    pub fn agent(self, agent: Agent) -> Self {
        Self {
            agent: Some(agent),
            ..self
        }
    }

    /// Tells the time from this clock; from the system's by default.
    pub fn clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    /// Tells this of everything that happens to the session, and of every
    /// request before it is sent and after it was answered or failed: beside
    /// `tracing`, which is told anyway.
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self {
            observer: Box::new((Tracing, observer)),
            ..self
        }
    }

    /// The client. Nothing is sent until it is asked for something.
    ///
    /// Fails if the snapshot to restore, or the one that the store has, is of
    /// another environment, application or user.
    pub fn build(self) -> Result<Client, RestoreError> {
        let store = self.store.as_ref();
        // A store that can't be read says so to the first call.
        let kept = || store.and_then(|store| store.load().ok().flatten());
        let session = match self.snapshot.or_else(kept) {
            Some(snapshot) => Session::restore(snapshot, self.environment, self.credentials)?,
            None => Session::new(self.environment, self.credentials, self.seed),
        };
        let agent = self
            .agent
            .unwrap_or_else(|| send::agent(self.settings.attempt_timeout));
        Ok(Client::new(Parts {
            session: session.with_settings(self.settings),
            store: self.store,
            agent,
            clock: self.clock,
            observer: self.observer,
        }))
    }
}
