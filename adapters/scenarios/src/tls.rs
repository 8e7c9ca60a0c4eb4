//! TLS: trusted services, and the outcome of a request to one that is not trusted.

use std::{
    error::Error as _,
    io::{self, BufRead, BufReader, Write},
    iter,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rustls::ServerConfig;
use thingspace_simulator::{Server, Simulator};

use crate::{
    Client, Options, Stage, account,
    alone::{is_alone, run_alone},
    certificates::Authority,
    connections_to, server_that,
};

/// Starts a service with TLS, and a client that trusts only this authority.
fn stage<C: Client>(authority: &Authority, identity: Arc<ServerConfig>) -> (Stage<C>, C) {
    let server = Server::start_tls(Simulator::new(42), identity).unwrap();
    let stage = Stage::at(server);
    let mut options = stage.options();
    options.root = Some(authority.root());
    let client = C::build(options).unwrap();
    (stage, client)
}

/// Asserts that no request reaches a service with this identity, and that the error
/// says why.
fn assert_not_trusted<C: Client>(authority: &Authority, identity: Arc<ServerConfig>, why: &str) {
    let (stage, client) = stage::<C>(authority, identity);
    for error in [
        client.call(account()).unwrap_err(),
        client.log_in().unwrap_err(),
    ] {
        assert!(!error.transport().unwrap().may_have_left(), "{error}");
        let causes = iter::successors(error.source(), |&cause| cause.source());
        let messages: Vec<String> = causes.map(ToString::to_string).collect();
        let messages = messages.join(": ");
        assert!(messages.contains(why), "{messages}");
    }
    assert_nothing_sent(&stage, &client);
}

fn assert_nothing_sent<C: Client>(stage: &Stage<C>, client: &C) {
    assert_eq!(stage.seen_in_all(), 0);
    let failed = client.session(|session| session.login_guard().failed_logins);
    assert_eq!(failed, 0);
}

pub(crate) fn a_service_with_a_valid_certificate_is_trusted<C: Client>() {
    let authority = Authority::new("known");
    let (stage, client) = stage::<C>(&authority, authority.certify("localhost"));
    assert_eq!(client.call(account()).unwrap().status(), 200);
    client.reset_password().unwrap();
    client.log_out().unwrap();
    assert_eq!(stage.seen_in_all(), 5);
    stage
        .server
        .with(|service| assert_eq!(service.counts().misdirected, 0));
}

pub(crate) fn a_new_connection_resumes_the_tls_session_of_an_old_one<C: Client>() {
    connections_resume_tls_sessions(|options| C::build(options).unwrap());
}

/// Asserts that the new connections of a client resume the TLS sessions of old ones. The
/// client has to trust the root among its options.
pub fn connections_resume_tls_sessions<C: Client>(build: impl FnOnce(Options) -> C) {
    let authority = Authority::new("known");
    let (identity, resumed) = authority.certify_resumable("localhost");
    let server = Server::start_tls(Simulator::new(42), identity).unwrap();
    let stage = Stage::<C>::at(server);
    let mut options = stage.options();
    options.root = Some(authority.root());
    let client = build(options);
    client.call(account()).unwrap();
    stage.server.close_idle();
    let before = resumed.load(Ordering::Relaxed);
    client.call(account()).unwrap();
    assert_eq!(resumed.load(Ordering::Relaxed), before + 1);
}

pub(crate) fn law_9_a_service_with_another_name_receives_nothing<C: Client>() {
    let authority = Authority::new("known");
    let identity = authority.certify("elsewhere.example");
    assert_not_trusted::<C>(&authority, identity, "certificate not valid for name");
}

pub(crate) fn law_9_a_service_with_an_expired_certificate_receives_nothing<C: Client>() {
    let authority = Authority::new("known");
    let identity = authority.certify_expired("localhost");
    assert_not_trusted::<C>(&authority, identity, "certificate expired");
}

pub(crate) fn law_9_a_service_with_an_unknown_issuer_receives_nothing<C: Client>() {
    let (authority, stranger) = (Authority::new("known"), Authority::new("unknown"));
    let identity = stranger.certify("localhost");
    assert_not_trusted::<C>(&authority, identity, "UnknownIssuer");
}

/// The scenario that is run to test the proxy.
const PROXIED: &str = "tls::a_service_with_a_valid_certificate_is_trusted";

#[allow(
    clippy::extra_unused_type_parameters,
    reason = "runs in a process of its own"
)]
pub(crate) fn requests_go_through_the_proxy_that_the_environment_names<C: Client>() {
    let (proxy, tunnels) = proxy();
    run_alone(&[PROXIED], |process| {
        process.env("HTTPS_PROXY", &proxy).env_remove("NO_PROXY");
    });
    assert!(
        tunnels.load(Ordering::Relaxed) > 0,
        "the proxy received nothing"
    );
}

#[allow(
    clippy::extra_unused_type_parameters,
    reason = "runs in a process of its own"
)]
pub(crate) fn a_host_that_the_environment_exempts_is_reached_without_the_proxy<C: Client>() {
    let (proxy, tunnels) = proxy();
    run_alone(&[PROXIED], |process| {
        process
            .env("HTTPS_PROXY", &proxy)
            .env("NO_PROXY", "localhost");
    });
    assert_eq!(tunnels.load(Ordering::Relaxed), 0);
}

/// The scenario that is run in a process of its own, with a proxy that makes no tunnel.
const REFUSED: &str = "tls::a_proxy_that_makes_no_tunnel_was_sent_no_request";

pub(crate) fn a_proxy_that_makes_no_tunnel_was_sent_no_request<C: Client>() {
    if is_alone() {
        let authority = Authority::new("known");
        let (stage, client) = stage::<C>(&authority, authority.certify("localhost"));
        for _ in 0..5 {
            let error = client.log_in().unwrap_err();
            assert!(!error.transport().unwrap().may_have_left(), "{error}");
        }
        assert_nothing_sent(&stage, &client);
        return;
    }
    let refusals = [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20",
        "SSH-2.0-proxy\r\n\r\n",
        "",
    ];
    for refusal in refusals {
        let proxy = server_that(move |mut stream, _| {
            // The client may not wait for all of it.
            stream.write_all(refusal.as_bytes()).ok();
        });
        let proxy = proxy.to_string();
        run_alone(&[REFUSED], |process| {
            process
                .env("HTTPS_PROXY", proxy.trim_end_matches("/api"))
                .env_remove("NO_PROXY");
        });
    }
}

/// Starts a proxy for tunnels. Returns its address and the number of its tunnels.
fn proxy() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let tunnels = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&tunnels);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let count = Arc::clone(&count);
            thread::spawn(move || tunnel(stream.unwrap(), &count));
        }
    });
    (address, tunnels)
}

fn tunnel(mut near: TcpStream, count: &AtomicU64) -> io::Result<()> {
    let mut lines = BufReader::new(near.try_clone()?).lines();
    let request = lines.next().unwrap()?;
    let target = request.strip_prefix("CONNECT ").unwrap();
    let target = target.split(' ').next().unwrap();
    while !lines.next().unwrap()?.is_empty() {}
    let mut far = TcpStream::connect(target)?;
    count.fetch_add(1, Ordering::Relaxed);
    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut out, mut back) = (near.try_clone()?, far.try_clone()?);
    thread::spawn(move || io::copy(&mut out, &mut back));
    io::copy(&mut far, &mut near)?;
    Ok(())
}

pub(crate) fn a_handshake_that_breaks_off_was_no_request<C: Client>() {
    // What was not read resets the connection; what was read ends it.
    let read_of_each: [fn(TcpStream); 2] = [drop, |stream| {
        let mut stream = BufReader::new(stream);
        stream.fill_buf().unwrap();
    }];
    for read in read_of_each {
        let stage = Stage::<C>::new();
        let broken = connections_to(read).to_string();
        let broken = broken.replace("http://", "https://").parse().unwrap();
        let client = stage.builder().environment(broken).build().unwrap();
        for _ in 0..5 {
            let error = client.log_in().unwrap_err();
            assert!(!error.transport().unwrap().may_have_left(), "{error}");
        }
        assert_nothing_sent(&stage, &client);
    }
}
