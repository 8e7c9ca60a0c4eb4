//! The clients in Rust: each HTTP stack alone, and thingspace on top of it.

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
    thread,
    time::Instant,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{ACCEPT, AUTHORIZATION},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioIo},
};
use thingspace_core::{SessionBuilder, session::Call};
use tokio::{
    net::UnixStream,
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use tower_service::Service;
use ureq::Agent;

use crate::{CALL, quantile};

/// The calls of each connection before those that count.
const FEW: usize = 3;

/// A number of calls at once, each over a connection of its own, and how many of them
/// follow each other on it.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) calls: usize,
}

impl Load {
    const fn few(self) -> Self {
        Self { calls: FEW, ..self }
    }
}

/// What was seen in a round. Times are in microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// The time of the call in the middle.
    pub(crate) median: f64,
    /// The time that one call in a hundred takes at least.
    pub(crate) last: f64,
}

impl Round {
    /// A round that took so many seconds, with the time of each call.
    pub(crate) fn of(whole: f64, mut times: Vec<f64>) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
        let made = times.len() as f64;
        Self {
            per_second: made / whole,
            median: quantile(&mut times, 0.5),
            last: quantile(&mut times, 0.99),
        }
    }
}

/// The headers of a call by hand: both tokens if it goes straight to the service, and
/// none if the proxy has them.
#[derive(Clone)]
pub(crate) struct Headers(HeaderMap);

impl Headers {
    pub(crate) fn without_tokens() -> Self {
        let accept = HeaderValue::from_static("application/json");
        Self([(ACCEPT, accept)].into_iter().collect())
    }

    /// Those with the tokens of a session, which is opened.
    pub(crate) fn with_tokens(session: SessionBuilder) -> Self {
        const VZ_M2M_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");
        let client = thingspace_ureq::Builder::new(session).build().unwrap();
        let acquired = client.run(Call::acquire_tokens()).unwrap();
        let (bearer, session) = acquired.into_tokens().unwrap();
        let sensitive = |text: &str| {
            let mut value = HeaderValue::from_str(text).unwrap();
            value.set_sensitive(true);
            value
        };
        let Self(mut headers) = Self::without_tokens();
        let bearer = format!("Bearer {}", bearer.expose());
        headers.insert(AUTHORIZATION, sensitive(&bearer));
        headers.insert(VZ_M2M_TOKEN, sensitive(session.expose()));
        Self(headers)
    }

    fn request<B>(&self, uri: &Uri, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.0.clone();
        request
    }
}

/// Calls by ureq alone.
pub(crate) fn by_ureq(base: &str, headers: Headers) -> impl FnMut(Load) -> Round + use<> {
    let uri = uri(base);
    move |load| {
        let agent = agent(load.connections);
        on_threads(load, || {
            let mut response = agent.run(headers.request(&uri, ())).unwrap();
            assert!(response.status().is_success());
            assert!(!response.body_mut().read_to_vec().unwrap().is_empty());
        })
    }
}

/// Makes one call, so that the session is open.
pub(crate) fn call_once(base: &str) {
    let once = Load {
        connections: 1,
        calls: 1,
    };
    by_ureq(base, Headers::without_tokens())(once);
}

/// Calls by thingspace on ureq, which leaves at most this many connections open.
pub(crate) fn by_thingspace_ureq(
    session: SessionBuilder,
    connections: usize,
) -> impl FnMut(Load) -> Round {
    let client = thingspace_ureq::Builder::new(session)
        .configure(move |agent| {
            agent
                .max_idle_connections_per_host(connections)
                .max_idle_connections(connections)
        })
        .build()
        .unwrap();
    client.log_in().unwrap();
    move |load| {
        on_threads(load, || {
            let response = client.call(account()).unwrap();
            assert!(response.status().is_success());
            assert!(!response.body().is_empty());
        })
    }
}

fn agent(connections: usize) -> Agent {
    Agent::config_builder()
        .max_idle_connections_per_host(connections)
        .max_idle_connections(connections)
        .build()
        .into()
}

/// Makes calls on as many threads as there are connections.
fn on_threads(load: Load, call: impl Fn() + Sync) -> Round {
    let run = |load: Load| {
        thread::scope(|scope| {
            let calls = || scope.spawn(|| (0..load.calls).map(|_| timed(&call)).collect());
            let threads: Vec<_> = (0..load.connections).map(|_| calls()).collect();
            let times = threads.into_iter().map(|it| it.join().unwrap());
            times.flat_map(|times: Vec<f64>| times).collect::<Vec<_>>()
        })
    };
    run(load.few());
    let started = Instant::now();
    let times = run(load);
    Round::of(started.elapsed().as_secs_f64(), times)
}

fn timed(call: impl Fn()) -> f64 {
    let started = Instant::now();
    call();
    started.elapsed().as_secs_f64() * 1e6
}

/// Calls by hyper-util's client alone.
pub(crate) fn by_hyper(base: &str, headers: Headers) -> impl FnMut(Load) -> Round + use<> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    by_hyper_over(connector, uri(base), headers)
}

/// Calls by hyper-util's client alone, over a unix socket.
pub(crate) fn by_hyper_on_socket(
    socket: PathBuf,
    headers: Headers,
) -> impl FnMut(Load) -> Round + use<> {
    by_hyper_over(ToSocket(socket), uri("http://localhost/api"), headers)
}

fn by_hyper_over<C>(connector: C, uri: Uri, headers: Headers) -> impl FnMut(Load) -> Round + use<C>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    move |load| {
        let runtime = runtime();
        let client: Client<C, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build(connector.clone());
        let request = headers.request(&uri, Full::default());
        in_tasks(&runtime, load, move || {
            let exchange = client.request(request.clone());
            async {
                let response = exchange.await.unwrap();
                assert!(response.status().is_success());
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert!(!body.is_empty());
            }
        })
    }
}

/// Calls by thingspace on hyper.
pub(crate) fn by_thingspace_hyper(session: SessionBuilder) -> impl FnMut(Load) -> Round {
    let runtime = runtime();
    let client = thingspace_hyper::Builder::new(session).build().unwrap();
    runtime.block_on(client.log_in()).unwrap();
    move |load| {
        let client = client.clone();
        in_tasks(&runtime, load, move || {
            let client = client.clone();
            async move {
                let response = client.call(account()).await.unwrap();
                assert!(response.status().is_success());
                assert!(!response.body().is_empty());
            }
        })
    }
}

/// Makes calls in as many tasks as there are connections, all on one thread.
fn in_tasks<F>(
    runtime: &Runtime,
    load: Load,
    call: impl Fn() -> F + Clone + Send + 'static,
) -> Round
where
    F: Future<Output = ()> + Send,
{
    let run = |load: Load| {
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..load.connections {
                let call = call.clone();
                tasks.spawn(async move {
                    let mut times = Vec::with_capacity(load.calls);
                    for _ in 0..load.calls {
                        let started = Instant::now();
                        call().await;
                        times.push(started.elapsed().as_secs_f64() * 1e6);
                    }
                    times
                });
            }
            tasks.join_all().await.concat()
        })
    };
    run(load.few());
    let started = Instant::now();
    let times = run(load);
    Round::of(started.elapsed().as_secs_f64(), times)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A connector to a unix socket, whatever the address.
#[derive(Clone)]
struct ToSocket(PathBuf);

impl Service<Uri> for ToSocket {
    type Response = TokioIo<UnixStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.0.clone();
        Box::pin(async move { UnixStream::connect(path).await.map(TokioIo::new) })
    }
}

fn uri(base: &str) -> Uri {
    format!("{base}{CALL}").parse().unwrap()
}

fn account() -> Request<Bytes> {
    Request::get(CALL).body(Bytes::new()).unwrap()
}
