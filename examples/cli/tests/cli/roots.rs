//! `--cacert` and `SSL_CERT_FILE`: a company's own authority.

use std::{process::Command, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::ring::default_provider, pki_types::PrivatePkcs8KeyDer};
use thingspace_simulator::{Call, Server, Simulator};

use crate::{
    proxy::{CALL, Proxy},
    stage::*,
};

/// A service with a certificate of an authority of its own, and that authority as PEM.
fn service() -> (Server, String) {
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "a company of its own");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &root).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let server = Server::start_tls(Simulator::new(42), Arc::new(config)).unwrap();
    (server, root.pem())
}

#[test]
fn a_company_s_own_authority_is_trusted() {
    let (server, root) = service();
    let stage = Stage::new();
    stage.write("root.pem", &format!("# Our own.\n{root}"));
    let (_, other) = service();
    stage.write("other.pem", &other);
    stage.write("both.pem", &format!("{other}{root}"));
    let login = |args: &[&str], variable: Option<&str>, code| {
        let mut login: Command = stage.command(&[&["login", "--wait", "0"], args].concat());
        login.env("THINGSPACE_BASE_URL", server.base());
        login.envs(variable.map(|file| ("SSL_CERT_FILE", file)));
        let ran = stage.finish(login.spawn().unwrap()).ends_with(code);
        std::fs::remove_dir_all(stage.at("state")).ok();
        ran
    };
    login(&[], None, 4).reports("certificate");
    login(&["--cacert", "other.pem"], None, 4).reports("certificate");
    assert_eq!(server.with(|service| service.counts().seen_in_all()), 0);
    login(&["--cacert", "root.pem"], None, 0);
    login(&["--cacert", "both.pem"], None, 0);
    login(&[], Some("root.pem"), 0);
    // The option has the last word.
    login(&["--cacert", "other.pem"], Some("root.pem"), 4);
    login(&["--cacert", "root.pem"], Some("other.pem"), 0);
    let logins = server.with(|service| service.counts().done(Call::LogIn));
    assert_eq!(logins, 4);
}

#[test]
fn a_file_without_certificates_is_refused_and_nothing_is_sent() {
    let stage = Stage::new();
    stage.write("text", "no certificate\n");
    stage.write(
        "damaged",
        "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n",
    );
    for (file, reason) in [
        ("nothing", "can't be read from nothing"),
        ("text", "holds no certificate"),
        ("damaged", "is damaged"),
    ] {
        let ran = stage.run(&["login", "--cacert", file]).ends_with(2);
        ran.reports(reason).reports("--cacert");
    }
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn the_proxy_trusts_it_too() {
    let (server, root) = service();
    let stage = Stage::new();
    stage.write("root.pem", &root);
    let call = |args: &[&str]| {
        let mut command = stage.command(&[&["proxy"], args].concat());
        command.env("THINGSPACE_BASE_URL", server.base());
        Proxy::of(&stage, &mut command).get(CALL).0
    };
    assert_eq!(call(&["--cacert", "root.pem"]), 200);
    assert_eq!(call(&[]), 502);
}
