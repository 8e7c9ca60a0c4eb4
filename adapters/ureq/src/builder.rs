//! The builder of a client.

use thingspace_driver::{
    Config,
    core::session::{OtherSession, Store},
};
use ureq::Agent;

use crate::{Client, runtime::Threads, send};

/// A builder of a [`Client`]. Everything but the credentials has a default.
#[must_use]
pub struct Builder {
    config: Config,
    agent: Option<Agent>,
    store: Option<Box<dyn Store>>,
}

impl Builder {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            agent: None,
            store: None,
        }
    }

    /// Sends with this agent: for a proxy, roots, a resolver or a connector of
    /// one's own.
    ///
    /// Redirects are not followed and every status is a response, however the
    /// agent is configured. Its middleware runs as it is: one that sends a
    /// request twice would undo what this library is for.
    pub fn agent(self, agent: Agent) -> Self {
        Self {
            agent: Some(agent),
            ..self
        }
    }

    /// Shares the session with every process that uses this store: its tokens,
    /// its login guard, and the one operation that is in progress.
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

    /// Builds the client. Nothing is sent until it is asked for something.
    ///
    /// Fails if a snapshot, or the one that the store has, is of another
    /// environment, application or user.
    pub fn build(self) -> Result<Client, OtherSession> {
        Client::new(self.config, self.store, |attempt_timeout| {
            Threads(self.agent.unwrap_or_else(|| send::agent(attempt_timeout)))
        })
    }
}
