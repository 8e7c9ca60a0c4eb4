//! The parts of the stacks that are tested.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower_service::Service;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type StackResult = Result<Response<Full<Bytes>>, BoxError>;

/// hyper-util's client, over connections that are not encrypted.
pub(crate) type Plain = legacy::Client<HttpConnector, Full<Bytes>>;

pub(crate) fn plain() -> Plain {
    legacy::Client::builder(TokioExecutor::new()).build(connector())
}

/// The same client, for a service that is known to speak HTTP/2.
pub(crate) fn http2() -> Plain {
    legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector())
}

/// A connector that sends without delay.
fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

/// Sends a request over a client, and returns the whole response.
pub(crate) async fn over(client: Plain, request: Request<Full<Bytes>>) -> StackResult {
    let (parts, body) = client.request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body.into()))
}

/// A stack that is a function.
#[derive(Clone)]
pub(crate) struct StackFn(Arc<dyn Fn(Request<Full<Bytes>>) -> StackFuture + Send + Sync>);

type StackFuture = Pin<Box<dyn Future<Output = StackResult> + Send>>;

impl StackFn {
    pub(crate) fn new<F, A>(respond: F) -> Self
    where
        F: Fn(Request<Full<Bytes>>) -> A + Send + Sync + 'static,
        A: Future<Output = StackResult> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(respond(request))))
    }
}

impl fmt::Debug for StackFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StackFn")
    }
}

impl Service<Request<Full<Bytes>>> for StackFn {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = StackFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> StackFuture {
        (self.0)(request)
    }
}
