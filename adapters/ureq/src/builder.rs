//! The builder of a client.

use std::time::Duration;

use thingspace_driver::{
    Config,
    blocking::Blocking,
    core::session::{SnapshotError, Store},
};
#[cfg(feature = "rustls")]
use ureq::tls::TlsConfig;
use ureq::{Agent, Proxy, config::ConfigBuilder, typestate::AgentScope};

use crate::{Client, runtime::Threads, send};

/// A builder of a [`Client`]. Everything but the credentials has a default.
#[must_use]
pub struct Builder<A = Ready> {
    config: Config,
    agent: A,
}

/// The ready-made agent, as the caller configures it.
#[derive(Default)]
pub struct Ready(Option<Configure>);

type Configure = Box<dyn FnOnce(AgentConfig) -> AgentConfig + Send>;
type AgentConfig = ConfigBuilder<AgentScope>;

impl Ready {
    /// Builds the agent, by the rules and for this timeout of an attempt.
    fn build(self, attempt_timeout: Duration) -> Agent {
        send::ready_made(attempt_timeout, |config| match self.0 {
            Some(configure) => configure(config),
            None => config,
        })
    }
}

impl Builder {
    /// A builder of a client with these credentials, or with this
    /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`].
    ///
    /// ```no_run
    /// use thingspace_ureq::{Builder, session_from_env};
    ///
    /// // THINGSPACE_KEY, THINGSPACE_SECRET, THINGSPACE_USERNAME, THINGSPACE_PASSWORD
    /// let client = Builder::new(session_from_env()?).build()?;
    /// # let _ = client;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(config: impl Into<Config>) -> Self {
        Self {
            config: config.into(),
            agent: Ready::default(),
        }
    }

    /// Trusts what this configuration trusts: for roots or a client certificate of one's
    /// own.
    ///
    /// ```no_run
    /// use thingspace_ureq::{
    ///     Builder,
    ///     core::{AppCredentials, Credentials, UserCredentials},
    ///     ureq::tls::{Certificate, RootCerts, TlsConfig},
    /// };
    ///
    /// let app = AppCredentials::new("key", "secret")?;
    /// let user = UserCredentials::new("zbeeblebrox", "IMgr8")?;
    /// let root = Certificate::from_pem(&std::fs::read("authority.pem")?)?;
    /// let roots = RootCerts::new_with_certs(&[root]);
    /// let client = Builder::new(Credentials::new(app, user))
    ///     .tls(TlsConfig::builder().root_certs(roots).build())
    ///     .build()?;
    /// # let _ = client;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "rustls")]
    #[doc(alias = "root_certs")]
    #[doc(alias = "client_cert")]
    pub fn tls(self, config: TlsConfig) -> Self {
        self.configure(|agent| agent.tls_config(config))
    }

    /// Sends through this proxy, or through none, whatever the environment names.
    pub fn proxy(self, proxy: Option<Proxy>) -> Self {
        self.configure(|agent| agent.proxy(proxy))
    }

    /// Configures the ready-made agent further: time-outs, the pool of connections,
    /// middleware.
    ///
    /// The configuration given begins with the time-outs of this library: the session's
    /// [`attempt_timeout`](thingspace_driver::core::session::Settings::attempt_timeout),
    /// and a third of it each for the name and for the connection. Shorter ones are
    /// kept. Longer ones have no effect, and cost every request a configuration of its
    /// own.
    ///
    /// Redirects are not followed and every status is a response, whatever is configured.
    /// Middleware that sends a request twice would undo what this library is for.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingspace_ureq::{Builder, core::{AppCredentials, Credentials, UserCredentials}};
    /// # let app = AppCredentials::new("key", "secret")?;
    /// # let user = UserCredentials::new("zbeeblebrox", "IMgr8")?;
    /// let client = Builder::new(Credentials::new(app, user))
    ///     .configure(|agent| {
    ///         agent
    ///             .timeout_connect(Some(Duration::from_secs(2)))
    ///             .max_idle_connections_per_host(64)
    ///     })
    ///     .build()?;
    /// # let _ = client;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "timeout")]
    #[doc(alias = "middleware")]
    pub fn configure(
        mut self,
        configure: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope> + Send + 'static,
    ) -> Self {
        let before = self.agent.0.take();
        self.agent.0 = Some(match before {
            Some(before) => Box::new(|agent| configure(before(agent))),
            None => Box::new(configure),
        });
        self
    }

    /// Sends with this agent: for a resolver or a connector of one's own, or to share an
    /// agent. For anything else, [`configure`](Self::configure) the ready-made one.
    ///
    /// Make it with [`agent`](crate::agent) or [`agent_with_parts`](crate::agent_with_parts).
    /// Any other looks its host up for every request and sets TLS up anew for every
    /// connection; and an error from connecting that may as well come from a connection in
    /// use ("connection refused", "no route to host") is taken for one of a request that may
    /// have been executed.
    ///
    /// Redirects are not followed and every status is a response, however the
    /// agent is configured. Its middleware runs as it is: one that sends a
    /// request twice would undo what this library is for.
    pub fn agent(self, agent: Agent) -> Builder<Agent> {
        Builder {
            config: self.config,
            agent,
        }
    }

    /// Builds the client. Nothing is sent until it is asked for something.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn build(self) -> Result<Client, SnapshotError> {
        Client::new(self.config, |attempt_timeout| {
            Threads(self.agent.build(attempt_timeout))
        })
    }
}

impl Builder<Agent> {
    /// Builds the client. Nothing is sent until it is asked for something.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn build(self) -> Result<Client, SnapshotError> {
        Client::new(self.config, |_| Threads(self.agent))
    }
}

impl<A> Builder<A> {
    /// Shares the session with every process that uses this store, which blocks: see
    /// [`Config::store`].
    pub fn store(self, store: impl Store + 'static) -> Self {
        Self {
            config: self.config.store(Blocking(store)),
            ..self
        }
    }
}
