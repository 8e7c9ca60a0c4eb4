//! The ready-made stack: a pool of hyper's connections on tokio.
//!
//! Of hyper-util's composable pools, `cache` is in use, which lends connections and lets
//! calls wait for one. The others, as of 0.1.21, are not. `map` hashes the address of
//! each call, where there are only one or two. `negotiate` begins a connection of HTTP/2
//! for each call over HTTP/1.1, and gives it up. `singleton` panics where a caller finds
//! that its connection has ended while others wait for the next one. So a connection of
//! HTTP/2 is in the cache, too, and goes back there as soon as it has a request.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
    task::{self, Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::HOST, uri::Authority};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    client::conn::{http1, http2},
    rt::{Read, Write},
};
use hyper_util::{
    client::pool::cache,
    rt::{TokioExecutor, TokioTimer},
};
use thingspace_core::TransportError;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};
use tower_service::Service;

use crate::error::BoxError;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(crate) type Connecting = BoxFuture<Result<Connection, BoxError>>;

/// The longest time that an unused connection is kept.
const IDLE: Duration = Duration::from_secs(90);

/// A pool of connections, over TLS, through a proxy where one is named. One that is
/// unused for 90 seconds is closed.
#[derive(Clone)]
pub struct Pooled(Arc<dyn Fn(Request<Full<Bytes>>) -> Responding + Send + Sync>);

/// The body of a response. At its end, its connection goes back to the pool.
type Body = UnsyncBoxBody<Bytes, hyper::Error>;
type Responding = BoxFuture<Result<Response<Body>, BoxError>>;

/// A pool of the connections that this function makes.
pub(crate) fn pool(connect: impl Fn(Uri) -> Connecting + Send + Sync + 'static) -> Pooled {
    let connect: Arc<dyn Fn(Uri) -> Connecting + Send + Sync> = Arc::new(connect);
    let origins = Arc::new(Origins {
        known: Mutex::default(),
        cleaning: Once::new(),
    });
    // The type of a cache has no name outside of hyper-util, so it is left to the compiler.
    Pooled(Arc::new(move |request| {
        let (connect, origins) = (Arc::clone(&connect), Arc::clone(&origins));
        let take = move |place: &Uri| {
            // A connection that is being made is given up if another is returned before.
            let new = || cache::builder().build(Connect(Arc::clone(&connect), place.clone()));
            let taking = origins.with(place, new, |cache| cache.call(()));
            origins.clean_regularly(|cache| cache.retain(|connection| connection.is_fresh()));
            taking
        };
        Box::pin(send(request, take, |lent| lent.inner_mut()))
    }))
}

impl Service<Request<Full<Bytes>>> for Pooled {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Responding;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Responding {
        (self.0)(request)
    }
}

impl fmt::Debug for Pooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pooled")
    }
}

/// Sends a request on a connection that is taken from the pool. If that had ended before
/// the request was begun, it is sent on another.
#[allow(
    clippy::manual_async_fn,
    reason = "the future of an async function has room for its arguments twice"
)]
fn send<T, L>(
    mut request: Request<Full<Bytes>>,
    take: impl Fn(&Uri) -> T + Send,
    connection: impl Fn(&mut L) -> &mut Connection + Send,
) -> impl Future<Output = Result<Response<Body>, BoxError>> + Send
where
    T: Future<Output = Result<L, BoxError>> + Send,
    L: Lent,
{
    async move {
        let place = mem::take(request.uri_mut());
        loop {
            let mut lent = take(&place).await.map_err(TransportError::not_sent)?;
            if poll_fn(|context| lent.poll_ready(context)).await.is_err() {
                // It has ended since it was returned.
                continue;
            }
            let Connection {
                sender,
                host,
                state,
                ..
            } = connection(&mut lent);
            let is_reused = mem::replace(state, State::InUse) == State::Idle;
            let lease;
            let result = match sender {
                Sender::Http1(sender) => {
                    let host = || host.clone();
                    request.headers_mut().entry(HOST).or_insert_with(host);
                    let path = place.path_and_query().cloned();
                    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
                    let responding = sender.try_send_request(request);
                    lease = Lease(Some(lent));
                    responding.await
                }
                Sender::Http2(sender) => {
                    *request.uri_mut() = place.clone();
                    let responding = sender.try_send_request(request);
                    drop(Lease(Some(lent)));
                    lease = Lease(None);
                    responding.await
                }
            };
            match result {
                Ok(response) => {
                    // The body has the lease, and ends it.
                    let keep = move |error| {
                        let _ = &lease;
                        error
                    };
                    return Ok(response.map(|body| body.map_err(keep).boxed_unsync()));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if is_reused => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }
}

/// The caches of connections, by their origin.
struct Origins<C> {
    known: Mutex<Vec<(Uri, C)>>,
    cleaning: Once,
}

impl<C: Send + 'static> Origins<C> {
    /// Does something with the cache for this place, which is made at first.
    fn with<T>(&self, place: &Uri, new: impl FnOnce() -> C, act: impl FnOnce(&mut C) -> T) -> T {
        let mut known = lock(&self.known);
        let mut caches = known.iter_mut();
        if let Some((_, cache)) = caches.find(|(origin, _)| is_same(origin, place)) {
            return act(cache);
        }
        let mut cache = new();
        let output = act(&mut cache);
        known.push((place.clone(), cache));
        output
    }

    /// Cleans all caches from time to time, from the first call on, while there are any.
    fn clean_regularly(self: &Arc<Self>, clean: impl Fn(&mut C) + Send + Sync + 'static) {
        self.cleaning.call_once(|| {
            let origins = Arc::downgrade(self);
            spawn(async move {
                loop {
                    sleep(IDLE).await;
                    let Some(origins) = origins.upgrade() else {
                        return;
                    };
                    for (_, cache) in &mut *lock(&origins.known) {
                        clean(cache);
                    }
                }
            });
        });
    }
}

/// Returns true if a place has this origin.
fn is_same(origin: &Uri, place: &Uri) -> bool {
    let (one, other) = (origin.authority(), place.authority());
    origin.scheme() == place.scheme() && one.map(Authority::as_str) == other.map(Authority::as_str)
}

/// The maker of the connections to one place.
struct Connect(Arc<dyn Fn(Uri) -> Connecting + Send + Sync>, Uri);

impl Service<()> for Connect {
    type Response = Connection;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Connecting {
        let Self(connect, place) = self;
        connect(place.clone())
    }
}

/// A connection that is lent from a pool. When it is dropped it returns there, unless it
/// was seen to have failed.
trait Lent: Service<Infallible> + Send + 'static {}

impl<L: Service<Infallible> + Send + 'static> Lent for L {}

/// A lent connection in use. It is returned once it is ready for another request, even
/// if the call is dropped. hyper ends it if the response was not read to its end.
struct Lease<L: Lent>(Option<L>);

impl<L: Lent> Drop for Lease<L> {
    fn drop(&mut self) {
        let Some(mut lent) = self.0.take() else {
            return;
        };
        let mut unwatched = Context::from_waker(Waker::noop());
        if lent.poll_ready(&mut unwatched).is_pending() {
            spawn(async move {
                poll_fn(|context| lent.poll_ready(context)).await.ok();
            });
        }
    }
}

/// Runs a future on the runtime of the caller, or drops it where there is none.
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(future);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection of hyper's, as the pool has it.
pub(crate) struct Connection {
    sender: Sender,
    /// The value of `Host`, which HTTP/1.1 asks for.
    host: HeaderValue,
    state: State,
    /// The time of its last request.
    used: Instant,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

#[derive(PartialEq, Eq)]
enum State {
    New,
    InUse,
    Idle,
}

impl Connection {
    /// Begins to speak HTTP over this stream, to this host.
    pub(crate) async fn new<S>(
        stream: S,
        is_http2: bool,
        host: HeaderValue,
    ) -> Result<Self, hyper::Error>
    where
        S: Read + Write + Send + Unpin + 'static,
    {
        let sender = if is_http2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new());
            let (sender, connection) = builder.handshake(stream).await?;
            spawn(async { drop(connection.await) });
            Sender::Http2(sender)
        } else {
            let (sender, connection) = http1::handshake(stream).await?;
            spawn(async { drop(connection.await) });
            Sender::Http1(sender)
        };
        Ok(Self {
            sender,
            host,
            state: State::New,
            used: Instant::now(),
        })
    }

    fn is_fresh(&self) -> bool {
        self.used.elapsed() < IDLE
    }
}

/// The readiness of a connection, by which the pool knows whether to keep it. Its
/// requests do not come this way.
impl Service<Infallible> for Connection {
    type Response = Infallible;
    type Error = BoxError;
    type Future = Ready<Result<Infallible, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.state {
            // It takes its first request at any time.
            State::New => return Poll::Ready(Ok(())),
            State::InUse => {}
            State::Idle => {
                let now = Instant::now();
                if now - mem::replace(&mut self.used, now) >= IDLE {
                    return Poll::Ready(Err("the connection was unused for too long".into()));
                }
            }
        }
        task::ready!(match &mut self.sender {
            Sender::Http1(sender) => sender.poll_ready(context),
            Sender::Http2(sender) => sender.poll_ready(context),
        })?;
        self.state = State::Idle;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Infallible) -> Self::Future {
        match request {}
    }
}

#[cfg(test)]
mod tests;
