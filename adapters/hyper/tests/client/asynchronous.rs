//! The client as the scenarios take it: whoever calls it waits, on whatever
//! thread that is.

use std::{
    fmt::Debug,
    future::Future,
    sync::{Arc, LazyLock},
};

use http::Response;
use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};
use thingspace_hyper::{
    Builder, Client, Pooled, Ready, Stack,
    core::{
        Endpoint, Error, Password, Session, SessionToken, Timestamp,
        endpoint::WithSession,
        session::{Call, RestoreError, Task},
    },
};
use thingspace_scenarios as scenarios;
use thingspace_scenarios::Options;
use tokio::runtime::Runtime;

/// Where the connections of all stories are kept going.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A client of this crate, whose callers wait; over the ready-made stack.
#[derive(Clone, Debug)]
pub(crate) struct Waiting<S = Pooled>(Client<S>);

/// What the stories of this adapter are told on.
pub(crate) type Stage = scenarios::Stage<Waiting>;

/// A stack that there is a client over.
pub(crate) trait Over: Stack + Debug + 'static {
    fn client(options: Options) -> Result<Client<Self>, RestoreError>;
}

impl Over for Pooled {
    fn client(options: Options) -> Result<Client<Self>, RestoreError> {
        builder(options).build()
    }
}

/// What the stack of a client is chosen on.
pub(crate) fn builder(options: Options) -> Builder<Ready> {
    let builder = Client::builder(options.credentials)
        .environment(options.environment)
        .settings(options.settings)
        .clock(options.clock)
        .observer(options.observer);
    let builder = match options.root {
        Some(root) => builder.tls(trusting(root)),
        None => builder,
    };
    match options.snapshot {
        Some(snapshot) => builder.restore(snapshot),
        None => builder,
    }
}

/// Trust in this authority and no other.
fn trusting(root: Vec<u8>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.into()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Polls a future on this thread, so that it panics here if it does.
fn wait<F: Future>(future: F) -> F::Output {
    RUNTIME.handle().block_on(future)
}

impl<S: Over> scenarios::Client for Waiting<S> {
    fn build(options: Options) -> Result<Self, RestoreError> {
        S::client(options).map(Self)
    }

    fn log_in(&self) -> Result<SessionToken, Error> {
        wait(self.0.log_in())
    }

    fn log_out(&self) -> Result<Option<SessionToken>, Error> {
        wait(self.0.log_out())
    }

    fn reset_password(&self) -> Result<Password, Error> {
        wait(self.0.reset_password())
    }

    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        wait(self.0.call(endpoint))
    }

    fn run<T: Task>(&self, call: Call<T>) -> Result<T::Output, Error> {
        wait(self.0.run(call))
    }

    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.0.session(look)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
