//! A client with one connection. Its runtime runs only while the test waits for
//! it.

use std::error::Error as _;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Body as _;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use thingspace_simulator::Server;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) struct Client {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
    base: String,
}

impl Client {
    /// Connects over HTTP/2 by prior knowledge.
    pub(crate) fn connect(server: &Server) -> Self {
        let runtime = runtime();
        let stream = runtime.block_on(dial(server));
        Self::over(runtime, stream, server)
    }

    pub(crate) fn over<S>(runtime: Runtime, stream: S, server: &Server) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = runtime.block_on(async {
            let stream = TokioIo::new(stream);
            let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            let (sender, connection) = builder.handshake(stream).await.unwrap();
            (sender, tokio::spawn(connection))
        });
        let base = server.base().to_owned();
        Self {
            runtime,
            sender,
            connection,
            base,
        }
    }

    /// Sends a request for a bearer token.
    pub(crate) fn send(&self) -> hyper::Result<Response<Bytes>> {
        self.runtime
            .block_on(exchange(self.sender.clone(), bearer(&self.base)))
    }

    /// Sends `count` requests for a bearer token at once.
    pub(crate) fn send_all(&self, count: usize) -> Vec<hyper::Result<Response<Bytes>>> {
        self.runtime.block_on(async {
            let mut requests = JoinSet::new();
            for _ in 0..count {
                requests.spawn(exchange(self.sender.clone(), bearer(&self.base)));
            }
            requests.join_all().await
        })
    }

    /// Sends a request for a bearer token, without waiting for the response.
    pub(crate) fn send_and_forget(&self) {
        let request = exchange(self.sender.clone(), bearer(&self.base));
        self.runtime.spawn(request);
        self.runtime.block_on(tokio::task::yield_now());
    }

    /// Sends a POST without a body and without a `Content-Length`.
    pub(crate) fn post_nothing(&self, path: &str) -> Response<Bytes> {
        let request = Request::post(format!("{}{path}", self.base));
        let request = request.body(Full::default()).unwrap();
        self.runtime
            .block_on(exchange(self.sender.clone(), request))
            .unwrap()
    }

    /// Returns the announced length of a response's body, and the length that
    /// was read until the body broke off or reached `wanted`.
    pub(crate) fn read_up_to(&self, wanted: usize) -> (Option<u64>, usize) {
        let mut sender = self.sender.clone();
        self.runtime.block_on(async {
            let mut response = sender.send_request(bearer(&self.base)).await.unwrap();
            let announced = response.body().size_hint().exact();
            let mut read = 0;
            while let Some(Ok(frame)) = response.frame().await {
                read += frame.into_data().unwrap().len();
                if read >= wanted {
                    break;
                }
            }
            (announced, read)
        })
    }

    /// Runs until the connection has ended.
    pub(crate) fn wait_for_end(&mut self) {
        // The result does not matter: being cut off may be an error.
        self.runtime.block_on(&mut self.connection).unwrap().ok();
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) async fn dial(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port()))
        .await
        .unwrap()
}

pub(crate) fn bearer(base: &str) -> Request<Full<Bytes>> {
    Request::post(format!("{base}/ts/v1/oauth2/token"))
        .header(
            "authorization",
            "Basic c2ltdWxhdGVkLWtleTpzaW11bGF0ZWQtc2VjcmV0",
        )
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from("grant_type=client_credentials"))
        .unwrap()
}

/// Returns the reason for which a stream was reset.
pub(crate) fn reason(error: &hyper::Error) -> Option<h2::Reason> {
    error.source()?.downcast_ref::<h2::Error>()?.reason()
}

async fn exchange(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Bytes>> {
    sender.ready().await?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
