//! The scenarios of all clients, with their calls through a proxy. All else, such as a
//! look at the session, goes to the client of the proxy.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    panic::resume_unwind,
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex,
        mpsc::{self, Receiver},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use thingspace_proxy::{
    Drained, Listener, Proxy, Rules, Server,
    core::{
        Completion, Endpoint, Error, Password, Session, SessionToken, Timestamp, WithSession,
        api::Paged,
        asynchronous::{AsynchronousRequest, RequestOutcome},
        session::{Blocking, Call, NewPassword, SnapshotError},
    },
    thingspace_hyper::{Builder, Client, Pooled, Streamed},
};
use thingspace_scenarios::{self as scenarios, BoxError, Listing, Mailbox, Options, Waited};
use tokio::{
    runtime::{self, Runtime},
    sync::oneshot,
    task::JoinHandle,
};
use tower::Service;

thingspace_scenarios::all!(Through);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    runtime::Builder::new_multi_thread()
        // Scenarios that hold an operation back block a worker each.
        .worker_threads(32)
        .enable_all()
        .build()
        .unwrap()
});

/// A client that makes its calls through a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    client: Client<Pooled>,
    address: SocketAddr,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    errors: Errors,
    /// Dropped last, when no connection is left.
    _server: Arc<Ending>,
}

/// A server, which ends with the last of its clients.
#[derive(Debug)]
struct Ending {
    end: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<Drained>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(server) = self.server.take() {
            wait(server).unwrap();
        }
    }
}

/// The errors of calls, by the numbers of these: what the proxy saw.
type Errors = Arc<Mutex<Vec<Error>>>;

/// A proxy that keeps the errors of its calls, with their numbers in the responses.
#[derive(Clone)]
struct Keeping(Proxy<Pooled>, Errors);

const KEPT: HeaderName = HeaderName::from_static("x-kept-error");

impl Service<Request<Incoming>> for Keeping {
    type Response = Response<Streamed>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let response = self.0.call(request);
        let errors = Arc::clone(&self.1);
        Box::pin(async move {
            let mut response = response.await?;
            if let Some(error) = response.extensions_mut().remove::<Error>() {
                let mut errors = errors.lock().unwrap();
                let number = HeaderValue::from(errors.len());
                response.headers_mut().insert(KEPT, number);
                errors.push(error);
            }
            Ok(response)
        })
    }
}

impl Through {
    /// Sends a request to the proxy.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let response = self.http.request(request.map(Full::new)).await;
        // A proxy whose call panics hangs up.
        let (mut head, body) = response.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        match head.headers.remove(KEPT) {
            Some(number) => {
                let number: usize = number.to_str().unwrap().parse().unwrap();
                Err(self.errors.lock().unwrap()[number].clone())
            }
            None => Ok(Response::from_parts(head, body)),
        }
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    RUNTIME.handle().block_on(future)
}

impl scenarios::Client for Through {
    fn build(mut options: Options) -> Result<Self, SnapshotError> {
        let (root, store) = (options.root.take(), options.store.take());
        let mut builder = Builder::new(options.into_config());
        if let Some(store) = store {
            builder = builder.store(Blocking(store));
        }
        if let Some(root) = root {
            builder = builder.tls(trusting(root));
        }
        let client = builder.build()?;
        let errors = Errors::default();
        let rules = Rules::new().max_body(usize::MAX);
        let proxy = Keeping(Proxy::new(client.clone(), rules), Arc::clone(&errors));
        let _context = RUNTIME.enter();
        let listener = Listener::loopback(0).unwrap();
        let address = listener.address().unwrap();
        let server = Server::new(proxy).max_connections(10_000);
        let (end, ended) = oneshot::channel();
        let server = server.run(listener, async { ended.await.unwrap_or_default() });
        let server = Ending {
            end: Some(end),
            server: Some(RUNTIME.spawn(server)),
        };
        Ok(Self {
            client,
            address,
            http: legacy::Client::builder(TokioExecutor::new()).build_http(),
            errors,
            _server: Arc::new(server),
        })
    }

    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error> {
        let environment = self.client.environment();
        let options = endpoint.options();
        let mut request = endpoint.build(environment)?;
        let base = environment.to_string();
        let uri = request.uri().to_string();
        let Some(below) = uri.strip_prefix(&base) else {
            // It has no place at a proxy.
            let response = self.run(Call::new(request, options))?.into_response()?;
            return Ok(E::parse(response)?);
        };
        let uri = format!("http://{}/api{below}", self.address);
        *request.uri_mut() = uri.parse().unwrap();
        Ok(E::parse(wait(self.send(request))?)?)
    }

    fn log_in(&self) -> Result<SessionToken, Error> {
        wait(self.client.log_in())
    }

    fn log_out(&self) -> Result<Option<SessionToken>, Error> {
        wait(self.client.log_out())
    }

    fn reset_password(&self) -> Result<Password, Error> {
        wait(self.client.reset_password())
    }

    fn reset_password_with(
        &self,
        keep: impl FnOnce(Password) -> Result<(), BoxError> + Send,
    ) -> Result<Password, Error> {
        let keep = |new| async {
            let kept = thread::scope(|scope| scope.spawn(|| keep(new)).join());
            kept.unwrap_or_else(|panic| resume_unwind(panic))
        };
        wait(self.client.reset_password_with(keep))
    }

    fn request_reset(&self) -> Result<NewPassword, Error> {
        wait(self.client.request_reset())
    }

    fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error> {
        wait(self.client.confirm_reset(new))
    }

    fn sync(&self) -> Result<(), Error> {
        wait(self.client.sync())
    }

    fn items<E: Paged + Send + 'static>(&self, first: E) -> impl Listing<E> {
        Waited::new(self.client.items(first), |items| wait(items.next()))
    }

    fn follow(&self, request: AsynchronousRequest) -> RequestOutcome {
        wait(self.client.follow(request))
    }

    const FOLLOWED_AT_ONCE: usize = usize::MAX;

    const PAUSE: Duration = Duration::from_secs(60);

    fn follow_all(&self, requests: Vec<AsynchronousRequest>) -> Receiver<RequestOutcome> {
        let (sender, outcomes) = mpsc::channel();
        for request in requests {
            let (client, sender) = (self.client.clone(), sender.clone());
            RUNTIME.spawn(async move { sender.send(client.follow(request).await) });
        }
        outcomes
    }

    fn mailbox(&self) -> &Mailbox {
        self.client.mailbox()
    }

    fn run(&self, call: Call) -> Result<Completion, Error> {
        wait(self.client.run(call))
    }

    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        self.client.session(look)
    }

    fn now(&self) -> Timestamp {
        self.client.now()
    }
}

/// A configuration that trusts this authority and no other.
fn trusting(root: Vec<u8>) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}
