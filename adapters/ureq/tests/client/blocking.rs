//! The client as the scenarios take it.

use http::Response;
use thingspace_scenarios as scenarios;
use thingspace_scenarios::Options;
use thingspace_ureq::{
    Builder, Client,
    core::{
        Endpoint, Error, Password, Session, SessionToken, Timestamp,
        endpoint::WithSession,
        session::{Call, RestoreError, Task},
    },
    ureq::{
        Agent,
        tls::{Certificate, RootCerts, TlsConfig},
    },
};

/// A client of this crate.
#[derive(Clone, Debug)]
pub(crate) struct Blocking(Client);

/// What the stories of this adapter are told on.
pub(crate) type Stage = scenarios::Stage<Blocking>;

impl Blocking {
    /// A client that sends with this agent.
    pub(crate) fn with_agent(options: Options, agent: impl Into<Agent>) -> Self {
        let client = builder(options).agent(agent.into()).build();
        Self(client.unwrap())
    }
}

pub(crate) fn builder(options: Options) -> Builder {
    let builder = Client::builder(options.credentials)
        .environment(options.environment)
        .settings(options.settings)
        .clock(options.clock)
        .observer(options.observer);
    let builder = match options.root {
        Some(root) => builder.agent(trusting(&root)),
        None => builder,
    };
    match options.snapshot {
        Some(snapshot) => builder.restore(snapshot),
        None => builder,
    }
}

/// An agent that trusts this authority and no other.
fn trusting(root: &[u8]) -> Agent {
    let root = Certificate::from_der(root).to_owned();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root]));
    Agent::config_builder()
        .tls_config(tls.build())
        .build()
        .into()
}

impl scenarios::Client for Blocking {
    fn build(options: Options) -> Result<Self, RestoreError> {
        builder(options).build().map(Self)
    }

    fn log_in(&self) -> Result<SessionToken, Error> {
        self.0.log_in()
    }

    fn log_out(&self) -> Result<Option<SessionToken>, Error> {
        self.0.log_out()
    }

    fn reset_password(&self) -> Result<Password, Error> {
        self.0.reset_password()
    }

    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        self.0.call(endpoint)
    }

    fn run<T: Task>(&self, call: Call<T>) -> Result<T::Output, Error> {
        self.0.run(call)
    }

    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.0.session(look)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
