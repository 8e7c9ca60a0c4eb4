//! The builder of a client.

use thingspace_driver::{
    Config,
    blocking::Blocking,
    core::session::{SnapshotError, Store},
};
use ureq::Agent;

use crate::{Client, runtime::Threads, send};

/// A builder of a [`Client`]. Everything but the credentials has a default.
#[must_use]
pub struct Builder {
    config: Config,
    agent: Option<Agent>,
}

impl Builder {
    /// A builder of a client with these credentials, or with this
    /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`].
    pub fn new(config: impl Into<Config>) -> Self {
        Self {
            config: config.into(),
            agent: None,
        }
    }

    /// Sends with this agent: for a proxy, roots, a resolver or a connector of
    /// one's own.
    ///
    /// Make it with [`agent`](crate::agent), or put [`Connecting`](crate::Connecting)
    /// around its connector. Otherwise an error from connecting that may as well come
    /// from a connection in use ("connection refused", "no route to host") is taken for
    /// one of a request that may have been executed.
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

    /// Shares the session with every process that uses this store, which blocks: see
    /// [`Config::store`].
    pub fn store(self, store: impl Store + 'static) -> Self {
        Self {
            config: self.config.store(Blocking(store)),
            ..self
        }
    }

    /// Builds the client. Nothing is sent until it is asked for something.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn build(self) -> Result<Client, SnapshotError> {
        Client::new(self.config, |attempt_timeout| {
            let own = self.agent;
            Threads(own.unwrap_or_else(|| send::ready_made(attempt_timeout)))
        })
    }
}
