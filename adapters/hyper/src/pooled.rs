//! The ready-made stack: hyper-util's pooled client on tokio, HTTP/1.1 and
//! HTTP/2 by ALPN, TLS by rustls, and the proxies that the environment names.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Uri, uri::Scheme};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::{
        legacy::{
            self,
            connect::{HttpConnector, proxy::Tunnel},
        },
        proxy::matcher::Matcher,
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// hyper-util's pooled client, over TLS, through a proxy where one is named.
pub type Pooled = legacy::Client<Connector, Full<Bytes>>;

pub(crate) fn new(tls: Option<ClientConfig>, attempt_timeout: Duration) -> Pooled {
    let builder = HttpsConnectorBuilder::new();
    let builder = match tls {
        Some(mut config) => {
            // Those that are spoken are put in their place.
            config.alpn_protocols.clear();
            builder.with_tls_config(config)
        }
        #[cfg(feature = "platform-verifier")]
        None => builder.with_platform_verifier(),
        #[cfg(not(feature = "platform-verifier"))]
        None => builder.with_webpki_roots(),
    };
    // The environment decides where a request may go unencrypted: to this machine only.
    let connector = builder
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(Route::from_environment(attempt_timeout / 3));
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build(Connector(Arc::new(connector)))
}

/// Connects over TLS, directly or through the proxy that `HTTPS_PROXY`,
/// `ALL_PROXY` and `NO_PROXY` name for a place; unencrypted to this machine only.
// The client is cloned for every request, and seldom connects.
#[derive(Clone, Debug)]
pub struct Connector(Arc<HttpsConnector<Route>>);

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, place: Uri) -> Self::Future {
        let mut connector = HttpsConnector::clone(&self.0);
        Box::pin(async move {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(place).await
        })
    }
}

/// The way to a place, without TLS. What may go unencrypted stays on this machine,
/// so a proxy for the way out has no part in it.
#[derive(Clone, Debug)]
struct Route {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
    /// Shorter than an attempt, so that a network that swallows everything is
    /// known to have swallowed it before anything was sent.
    patience: Duration,
}

impl Route {
    fn from_environment(patience: Duration) -> Self {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        Self {
            direct,
            proxies: Arc::new(Matcher::from_env()),
            patience,
        }
    }
}

impl Service<Uri> for Route {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(ready!(self.direct.poll_ready(context))?))
    }

    fn call(&mut self, place: Uri) -> Self::Future {
        let patience = self.patience;
        let leads_out = place.scheme() == Some(&Scheme::HTTPS);
        let proxy = self.proxies.intercept(&place).filter(|_| leads_out);
        let Some(proxy) = proxy else {
            let connecting = self.direct.call(place);
            return Box::pin(async move { Ok(timeout(patience, connecting).await??) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.direct.clone());
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        let connecting = tunnel.call(place);
        Box::pin(async move { Ok(timeout(patience, connecting).await??) })
    }
}
