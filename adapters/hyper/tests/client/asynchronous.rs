//! The client as the scenarios take it: each call blocks the thread that makes it.

use std::{
    fmt::Debug,
    future::Future,
    panic::resume_unwind,
    sync::{
        Arc, LazyLock,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use http::Response;
use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};
use thingspace_hyper::{
    Builder, Client, Pooled, Ready, Stack,
    core::{
        Completion, Endpoint, Error, Password, Session, SessionToken, Timestamp, WithSession,
        api::Paged,
        asynchronous::{AsynchronousRequest, RequestOutcome},
        session::{
            AsyncStore, Call, Loaded, NewPassword, Revision, Saved, Snapshot, SnapshotError, Store,
            StoreFuture, Watcher,
        },
    },
};
use thingspace_scenarios as scenarios;
use thingspace_scenarios::{BoxError, Listing, Mailbox, Options, Waited};
use tokio::{
    runtime::{self, Runtime},
    task::yield_now,
};

/// The runtime of all scenarios: for their connections and operations.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    runtime::Builder::new_multi_thread()
        // Scenarios that hold an operation back block a worker each.
        .worker_threads(32)
        .enable_all()
        .build()
        .unwrap()
});

/// A blocking client over a client of this crate; over the ready-made stack unless
/// said otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Waiting<S = Pooled>(Client<S>);

/// The stage of this adapter's own tests.
pub(crate) type Stage = scenarios::Stage<Waiting>;

/// A stack that the scenarios can test.
pub(crate) trait Over: Stack + Debug + 'static {
    fn client(options: Options) -> Result<Client<Self>, SnapshotError>;
}

impl Over for Pooled {
    fn client(options: Options) -> Result<Client<Self>, SnapshotError> {
        builder(options).build()
    }
}

/// Returns a builder whose stack is not chosen yet.
pub(crate) fn builder(mut options: Options) -> Builder<Ready> {
    let (root, store) = (options.root.take(), options.store.take());
    let builder = Builder::new(options.into_config());
    let builder = match store {
        Some(store) => builder.store(Awaited(store)),
        None => builder,
    };
    match root {
        Some(root) => builder.tls(trusting(root)),
        None => builder,
    }
}

/// A blocking store that takes turns with others before and after it is at work.
struct Awaited(Arc<dyn Store>);

impl AsyncStore for Awaited {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async {
            yield_now().await;
            let loaded = self.0.load();
            yield_now().await;
            loaded
        })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move {
            yield_now().await;
            let saved = self.0.save(seen, snapshot);
            yield_now().await;
            saved
        })
    }

    fn poll_interval(&self) -> Duration {
        self.0.poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        self.0.watch(watcher);
    }
}

/// A configuration that trusts this authority and no other.
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
    fn build(options: Options) -> Result<Self, SnapshotError> {
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

    fn reset_password_with(
        &self,
        keep: impl FnOnce(Password) -> Result<(), BoxError> + Send,
    ) -> Result<Password, Error> {
        // It may block and make calls, which this thread may not while it polls.
        let keep = |new| async {
            let kept = thread::scope(|scope| scope.spawn(|| keep(new)).join());
            kept.unwrap_or_else(|panic| resume_unwind(panic))
        };
        wait(self.0.reset_password_with(keep))
    }

    fn request_reset(&self) -> Result<NewPassword, Error> {
        wait(self.0.request_reset())
    }

    fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error> {
        wait(self.0.confirm_reset(new))
    }

    fn sync(&self) -> Result<(), Error> {
        wait(self.0.sync())
    }

    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        wait(self.0.call(endpoint))
    }

    fn items<E: Paged + Send + 'static>(&self, first: E) -> impl Listing<E> {
        Waited::new(self.0.items(first), |items| wait(items.next()))
    }

    fn follow(&self, request: AsynchronousRequest) -> RequestOutcome {
        wait(self.0.follow(request))
    }

    const FOLLOWED_AT_ONCE: usize = usize::MAX;

    const PAUSE: Duration = Duration::from_secs(60);

    fn follow_all(&self, requests: Vec<AsynchronousRequest>) -> Receiver<RequestOutcome> {
        let (sender, outcomes) = mpsc::channel();
        for request in requests {
            let (client, sender) = (self.0.clone(), sender.clone());
            RUNTIME.spawn(async move { sender.send(client.follow(request).await) });
        }
        outcomes
    }

    fn mailbox(&self) -> &Mailbox {
        self.0.mailbox()
    }

    fn run(&self, call: Call) -> Result<Completion, Error> {
        wait(self.0.run(call))
    }

    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.0.session(look)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
