//! The server: its connections, their limits and its end.

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Buf;
use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use thingspace_core::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower_service::Service;

use crate::{
    forward::BoxError,
    listener::{Kind, Listener, without_delay},
    problem::Problem,
    writes::TimedWrites,
};

/// The connections beyond the limit that learn so at once. Further ones are closed.
const REFUSED: usize = 16;

/// The time that a connection beyond the limit has to learn of it.
const REFUSING: Duration = Duration::from_secs(1);

/// A server of a [`Proxy`](crate::Proxy), perhaps with middleware around it, over
/// HTTP/1.1.
#[derive(Clone, Debug)]
#[must_use]
pub struct Server<P> {
    service: P,
    max_connections: usize,
    head_timeout: Duration,
    write_timeout: Duration,
    drain: Duration,
}

/// The end of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The number of connections that were cut off at the end of the limit. The outcome
    /// of their requests is unknown.
    pub cut_off: usize,
}

impl<P, B> Server<P>
where
    P: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    /// A server of this service.
    pub const fn new(service: P) -> Self {
        Self {
            service,
            max_connections: 1024,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }

    /// Serves at most this many connections at once. 1024 by default. Others learn
    /// that there are too many.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Waits at most for this time for the head of a request, and so on an idle
    /// connection for the next one. 30 seconds by default.
    pub const fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Waits at most for this time for a client to take more of its response. 30 seconds
    /// by default.
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Waits at the end at most for this time for the requests that are in progress. 30
    /// seconds by default.
    pub const fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// Serves until `end` is ready. Then it takes no more connections, closes those that
    /// are idle, and lets the requests that are in progress end within the limit. The
    /// session stays open: others may use it.
    pub async fn run(self, listener: Listener, end: impl Future<Output = ()>) -> Drained {
        let (ends, ending) = watch::channel(());
        let free = Arc::new(Semaphore::new(self.max_connections));
        let refused = Arc::new(Semaphore::new(REFUSED));
        let mut connections = JoinSet::new();
        let mut end = pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                Some(_) = connections.join_next() => {}
                stream = accept(&listener) => {
                    let Ok(stream) = stream else {
                        // For example too many open files: some will be closed soon.
                        sleep(Duration::from_millis(10)).await;
                        continue;
                    };
                    if let Ok(permit) = Arc::clone(&free).try_acquire_owned() {
                        let connection = self.clone().serve(stream, ending.clone());
                        connections.spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    } else if let Ok(permit) = Arc::clone(&refused).try_acquire_owned() {
                        connections.spawn(async move {
                            timeout(REFUSING, refuse(stream)).await.ok();
                            drop(permit);
                        });
                    }
                }
            }
        }
        drop(listener);
        drop(ends);
        let all = async { while connections.join_next().await.is_some() {} };
        timeout(self.drain, all).await.ok();
        let cut_off = connections.len();
        connections.shutdown().await;
        Drained { cut_off }
    }

    /// Serves one connection until either side ends it.
    async fn serve(self, stream: Box<dyn Stream>, mut ending: watch::Receiver<()>) {
        let io = TokioIo::new(TimedWrites::new(stream, self.write_timeout));
        let service = OfHyper(self.service);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout);
        let mut connection = pin!(builder.serve_connection(io, service));
        tokio::select! {
            _ = connection.as_mut() => return,
            // Its sender is dropped.
            _ = ending.changed() => {}
        }
        connection.as_mut().graceful_shutdown();
        // Errors are the client's matter: it may go whenever it likes.
        let _ = connection.await;
    }
}

/// Responds that there are too many connections.
async fn refuse(stream: Box<dyn Stream>) {
    let service = hyper::service::service_fn(|_: Request<Incoming>| async {
        let problem = Problem::too_many_connections();
        Ok::<_, Infallible>(problem.into_response(Timestamp::default()))
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

async fn accept(listener: &Listener) -> std::io::Result<Box<dyn Stream>> {
    match &listener.0 {
        Kind::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            without_delay(&stream);
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Kind::Unix(socket) => {
            let (stream, _) = socket.listener.accept().await?;
            Ok(Box::new(stream))
        }
    }
}

/// A stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A tower service as hyper calls it: by a clone for each request.
struct OfHyper<P>(P);

impl<P, B> hyper::service::Service<Request<Incoming>> for OfHyper<P>
where
    P: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Ready<P>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Ready {
            service: self.0.clone(),
            request: Some(request),
            response: None,
        }
    }
}

/// A request that is given to its service once that is ready.
struct Ready<P: Service<Request<Incoming>>> {
    service: P,
    request: Option<Request<Incoming>>,
    response: Option<Pin<Box<P::Future>>>,
}

impl<P: Service<Request<Incoming>>> Unpin for Ready<P> {}

impl<P: Service<Request<Incoming>>> Future for Ready<P> {
    type Output = Result<P::Response, P::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(response) = &mut self.response {
                return response.as_mut().poll(context);
            }
            match self.service.poll_ready(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
            let Some(request) = self.request.take() else {
                return Poll::Pending;
            };
            self.response = Some(Box::pin(self.service.call(request)));
        }
    }
}
