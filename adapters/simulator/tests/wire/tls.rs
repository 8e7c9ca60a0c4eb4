//! The service over TLS, with the tests' own certificate authority.

use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, Version};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thingspace_simulator::{Call, Fault, Server, Simulator};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::*;

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Starts a service with a certificate of this authority.
    fn start(&self, versions: &[&str]) -> Server {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        config.alpn_protocols = names(versions);
        Server::start_tls(Simulator::new(42), Arc::new(config)).unwrap()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Connects to a service and trusts only this authority.
    async fn connect(
        &self,
        server: &Server,
        versions: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = names(versions);
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, dial(server).await)
            .await
    }

    /// Connects a client over HTTP/2.
    fn client(&self, server: &Server) -> Client {
        let runtime = runtime();
        let stream = runtime.block_on(self.connect(server, &["h2"])).unwrap();
        Client::over(runtime, stream, server)
    }

    /// Sends a request for a bearer token over HTTP/1.1.
    fn send_http1(
        &self,
        server: &Server,
        versions: &[&str],
    ) -> hyper::Result<(StatusCode, Version, Bytes)> {
        runtime().block_on(async {
            let stream = self.connect(server, versions).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let mut request = bearer("/api");
            let host = server.base().split('/').nth(2).unwrap();
            request.headers_mut().insert("host", host.parse().unwrap());
            let response = sender.send_request(request).await?;
            let (status, version) = (response.status(), response.version());
            Ok((status, version, response.collect().await?.to_bytes()))
        })
    }
}

fn names(versions: &[&str]) -> Vec<Vec<u8>> {
    versions
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect()
}

#[test]
fn the_base_has_the_scheme_host_and_port() {
    let server = Authority::new().start(&[]);
    let port = server.port();
    assert_eq!(server.base(), format!("https://localhost:{port}/api"));
}

#[test]
fn http2_is_used_if_both_sides_offer_it() {
    let authority = Authority::new();
    let server = authority.start(&["h2", "http/1.1"]);

    let response = authority.client(&server).send().unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(server.with(|s| s.counts().misdirected), 0);
}

#[test]
fn http1_is_used_otherwise() {
    let authority = Authority::new();
    let both: &[&str] = &["h2", "http/1.1"];
    for (ours, theirs) in [(both, &both[1..]), (both, &[]), (&[], both), (&[], &[])] {
        let server = authority.start(ours);

        let (status, version, body) = authority.send_http1(&server, theirs).unwrap();

        assert_eq!(status, 200);
        assert_eq!(version, Version::HTTP_11);
        assert!(body.starts_with(b"{\"access_token\":"));
        assert_eq!(server.with(|s| s.counts().misdirected), 0);
    }
}

#[test]
fn a_version_that_was_not_negotiated_is_not_served() {
    let authority = Authority::new();
    let server = authority.start(&["h2"]);
    let runtime = runtime();
    let stream = runtime.block_on(authority.connect(&server, &[])).unwrap();

    assert!(Client::over(runtime, stream, &server).send().is_err());
    assert_eq!(server.with(|s| s.counts().seen_in_all()), 0);
}

#[test]
fn a_failed_handshake_is_no_request_and_does_not_disturb_others() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.start(&["h2"]);

    let refused = runtime().block_on(stranger.connect(&server, &["h2"]));
    assert!(refused.is_err());
    let disagreed = runtime().block_on(authority.connect(&server, &["http/1.1"]));
    assert!(disagreed.is_err());
    let plain = Client::connect(&server).send();
    assert!(plain.is_err());

    assert_eq!(server.with(|s| s.counts().seen_in_all()), 0);
    assert_eq!(authority.client(&server).send().unwrap().status(), 200);
}

#[test]
fn faults_apply_over_tls_too() {
    let authority = Authority::new();
    let server = authority.start(&["h2", "http/1.1"]);

    server.with(|s| s.inject_any(Fault::RefusedStream));
    let error = authority.client(&server).send().unwrap_err();
    assert_eq!(reason(&error), Some(h2::Reason::REFUSED_STREAM));

    server.with(|s| s.inject_any(Fault::CutShort));
    assert!(authority.send_http1(&server, &["http/1.1"]).is_err());
    assert_eq!(server.with(|s| s.counts().seen(Call::BearerToken)), 2);
}

#[test]
fn idle_connections_are_closed_over_tls_too() {
    let authority = Authority::new();
    let server = authority.start(&["h2"]);
    let mut client = authority.client(&server);
    client.send().unwrap();

    server.close_idle();

    assert!(client.send().is_err());
    client.wait_for_end();
}
