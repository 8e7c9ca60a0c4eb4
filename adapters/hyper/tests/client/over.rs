//! What stacks are made of here.

use std::{
    error::Error,
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
pub(crate) type Answer = Result<Response<Full<Bytes>>, BoxError>;

/// hyper-util's client, over connections that are not encrypted.
pub(crate) type Plain = legacy::Client<HttpConnector, Full<Bytes>>;

pub(crate) fn plain() -> Plain {
    legacy::Client::builder(TokioExecutor::new()).build(connector())
}

/// The same, where the service is known to speak HTTP/2.
pub(crate) fn http2() -> Plain {
    legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector())
}

/// Waits for nothing before it sends.
fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

/// Sends a request over a client, and has its whole answer.
pub(crate) async fn over(client: Plain, request: Request<Full<Bytes>>) -> Answer {
    let (parts, body) = client.request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body.into()))
}

/// A stack that is a function.
#[derive(Clone)]
pub(crate) struct StackFn(Arc<dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync>);

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl StackFn {
    pub(crate) fn new<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Full<Bytes>>) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }
}

impl Service<Request<Full<Bytes>>> for StackFn {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Answering {
        (self.0)(request)
    }
}
