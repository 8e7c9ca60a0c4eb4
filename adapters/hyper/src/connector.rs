//! The way to a new connection: TLS by rustls, HTTP/1.1 or HTTP/2 by ALPN, and the
//! proxies that the environment names.

use std::{
    future::{poll_fn, ready},
    sync::Arc,
    task::{self, Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Uri, uri::Scheme};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::{
        legacy::connect::{Connection as _, HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, ring},
};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use crate::{
    error::BoxError,
    pooled::{BoxFuture, Connecting, Connection},
};

/// Returns a function that makes connections over TLS, directly or through the proxy that
/// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name for a host; unencrypted only
/// where the environment allows it.
pub(crate) fn connector(
    tls: Option<ClientConfig>,
    attempt_timeout: Duration,
) -> impl Fn(Uri) -> Connecting {
    // If there are no roots to trust, that is the error of every connection.
    let https = tls.map_or_else(trusting, Ok).map(|mut config| {
        // They are set below.
        config.alpn_protocols.clear();
        // The environment decides where a request may go unencrypted.
        HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Route::from_environment())
    });
    // Shorter than an attempt, so that a network without responses is noticed before
    // anything was sent.
    let patience = attempt_timeout / 3;
    move |place| {
        let https = https.clone();
        Box::pin(async move { timeout(patience, connect(https?, place)).await? })
    }
}

async fn connect(mut https: HttpsConnector<Route>, place: Uri) -> Result<Connection, BoxError> {
    let host = host(&place)?;
    poll_fn(|context| https.poll_ready(context)).await?;
    let stream = https.call(place).await?;
    let is_http2 = stream.connected().is_negotiated_h2();
    Ok(Connection::new(stream, is_http2, host).await?)
}

/// The host and port of a place, without the port that its scheme has anyway.
fn host(place: &Uri) -> Result<HeaderValue, BoxError> {
    let default = if place.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    let name = place.host().ok_or("the address has no host")?;
    let port = place.port_u16().filter(|port| *port != default);
    let host = port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
    Ok(HeaderValue::try_from(host)?)
}

/// Returns a configuration that trusts the usual roots, with the cryptography that
/// the process has installed, or ring. rustls itself would panic where other crates
/// brought two providers.
///
/// Fails if the operating system has no roots, or the provider no protocol version.
fn trusting() -> Result<ClientConfig, rustls::Error> {
    let chosen = CryptoProvider::get_default().cloned();
    let provider = chosen.unwrap_or_else(|| Arc::new(ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?;
    #[cfg(feature = "platform-verifier")]
    let builder = builder.try_with_platform_verifier()?;
    #[cfg(not(feature = "platform-verifier"))]
    let builder = builder.with_webpki_roots();
    Ok(builder.with_no_client_auth())
}

/// The connector without TLS. Unencrypted connections stay on this machine, so they
/// use no proxy.
#[derive(Clone, Debug)]
struct Route {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Route {
    fn from_environment() -> Self {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        Self {
            direct,
            proxies: Arc::new(Matcher::from_env()),
        }
    }
}

impl Service<Uri> for Route {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(task::ready!(self.direct.poll_ready(context))?))
    }

    fn call(&mut self, place: Uri) -> Self::Future {
        let is_encrypted = place.scheme() == Some(&Scheme::HTTPS);
        let proxy = self.proxies.intercept(&place).filter(|_| is_encrypted);
        let Some(proxy) = proxy else {
            let connecting = self.direct.call(place);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        if proxy.uri().scheme() != Some(&Scheme::HTTP) {
            // Its password would be sent unencrypted, in a protocol that it does not have.
            let error = "the proxy's address does not begin with http://; name one that does";
            return Box::pin(ready(Err(error.into())));
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.direct.clone());
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        let connecting = tunnel.call(place);
        Box::pin(async move { Ok(connecting.await?) })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_proxy_that_would_receive_a_password_unencrypted_receives_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        for scheme in ["https", "socks5"] {
            let proxy = format!("{scheme}://user:secret@{address}");
            let mut route = Route {
                direct: HttpConnector::new(),
                proxies: Arc::new(Matcher::builder().all(proxy).build()),
            };
            let place = Uri::from_static("https://elsewhere.example");
            let error = route.call(place).await.unwrap_err().to_string();
            assert!(error.contains("http://") && !error.contains("secret"));
        }
        assert!(listener.accept().is_err());
    }
}
