//! The client as the scenarios take it.

use http::Response;
use thingspace_scenarios as scenarios;
use thingspace_scenarios::{BoxError, Listing, Mailbox, Options};
use thingspace_ureq::{
    Builder, Client,
    core::{
        Completion, Endpoint, Error, Password, Session, SessionToken, Timestamp, WithSession,
        api::Paged,
        asynchronous::{AsynchronousRequest, RequestOutcome},
        session::{Call, NewPassword, SnapshotError},
    },
    ureq::{
        Agent,
        tls::{Certificate, RootCerts, TlsConfig},
    },
};

/// A client of this crate.
#[derive(Clone, Debug)]
pub(crate) struct Blocking(Client);

/// The stage of this adapter's own tests.
pub(crate) type Stage = scenarios::Stage<Blocking>;

impl Blocking {
    /// A client with the ready-made agent.
    pub(crate) fn of(builder: Builder) -> Self {
        Self(builder.build().unwrap())
    }

    /// A client that sends with this agent.
    pub(crate) fn with_agent(options: Options, agent: impl Into<Agent>) -> Self {
        let client = builder(options).agent(agent.into()).build();
        Self(client.unwrap())
    }
}

pub(crate) fn builder(mut options: Options) -> Builder {
    let (root, store) = (options.root.take(), options.store.take());
    let builder = Builder::new(options.into_config());
    let builder = match store {
        Some(store) => builder.store(store),
        None => builder,
    };
    match root {
        Some(root) => builder.tls(trusting(&root)),
        None => builder,
    }
}

/// A configuration that trusts this authority and no other.
pub(crate) fn trusting(root: &[u8]) -> TlsConfig {
    let root = Certificate::from_der(root).to_owned();
    let roots = RootCerts::new_with_certs(&[root]);
    TlsConfig::builder().root_certs(roots).build()
}

impl scenarios::Client for Blocking {
    fn build(options: Options) -> Result<Self, SnapshotError> {
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

    fn reset_password_with(
        &self,
        keep: impl FnOnce(Password) -> Result<(), BoxError> + Send,
    ) -> Result<Password, Error> {
        self.0.reset_password_with(keep)
    }

    fn request_reset(&self) -> Result<NewPassword, Error> {
        self.0.request_reset()
    }

    fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error> {
        self.0.confirm_reset(new)
    }

    fn sync(&self) -> Result<(), Error> {
        self.0.sync()
    }

    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        self.0.call(endpoint)
    }

    fn items<E: Paged + Send + 'static>(&self, first: E) -> impl Listing<E> {
        self.0.items(first)
    }

    fn follow(&self, request: AsynchronousRequest) -> RequestOutcome {
        self.0.follow(request)
    }

    fn mailbox(&self) -> &Mailbox {
        self.0.mailbox()
    }

    fn run(&self, call: Call) -> Result<Completion, Error> {
        self.0.run(call)
    }

    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.0.session(look)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
