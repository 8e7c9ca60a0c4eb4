//! TLS: who is believed, and what is known of a request to somebody who is not.

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

use crate::{Client, Stage, account, alone::tell_alone, certificates::Authority};

/// A service behind TLS, and a client of it that trusts this authority alone.
fn stage<C: Client>(authority: &Authority, proof: Arc<ServerConfig>) -> (Stage<C>, C) {
    let server = Server::start_tls(Simulator::new(42), proof).unwrap();
    let stage = Stage::at(server);
    let mut options = stage.options();
    options.root = Some(authority.root());
    let client = C::build(options).unwrap();
    (stage, client)
}

/// Nothing reaches a service that proves itself like this, and the error says
/// why.
fn assert_not_believed<C: Client>(authority: &Authority, proof: Arc<ServerConfig>, why: &str) {
    let (stage, client) = stage::<C>(authority, proof);
    for error in [
        client.call(account()).unwrap_err(),
        client.log_in().unwrap_err(),
    ] {
        assert!(error.is_never_sent(), "{error}");
        let causes = iter::successors(error.source(), |&cause| cause.source());
        let told: Vec<String> = causes.map(ToString::to_string).collect();
        let told = told.join(": ");
        assert!(told.contains(why), "{told}");
    }
    assert_eq!(stage.seen_in_all(), 0);
    assert_eq!(client.session(|session| session.gate().failed_logins), 0);
}

pub(crate) fn a_service_with_a_good_chain_is_believed<C: Client>() {
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

pub(crate) fn law_9_a_service_with_another_name_hears_nothing<C: Client>() {
    let authority = Authority::new("known");
    let proof = authority.certify("elsewhere.example");
    assert_not_believed::<C>(&authority, proof, "certificate not valid for name");
}

pub(crate) fn law_9_a_service_whose_time_is_over_hears_nothing<C: Client>() {
    let authority = Authority::new("known");
    let proof = authority.certify_long_ago("localhost");
    assert_not_believed::<C>(&authority, proof, "certificate expired");
}

pub(crate) fn law_9_a_service_that_nobody_known_vouches_for_hears_nothing<C: Client>() {
    let (authority, stranger) = (Authority::new("known"), Authority::new("unknown"));
    let proof = stranger.certify("localhost");
    assert_not_believed::<C>(&authority, proof, "UnknownIssuer");
}

/// The story that the way out is tried with.
const TRIED: &str = "tls::a_service_with_a_good_chain_is_believed";

#[allow(
    clippy::extra_unused_type_parameters,
    reason = "told in a process alone"
)]
pub(crate) fn the_way_out_is_through_the_proxy_that_the_environment_names<C: Client>() {
    let (proxy, tunnels) = proxy();
    tell_alone(&[TRIED], |process| {
        process.env("HTTPS_PROXY", &proxy).env_remove("NO_PROXY");
    });
    assert!(
        tunnels.load(Ordering::Relaxed) > 0,
        "the proxy heard of nothing"
    );
}

#[allow(
    clippy::extra_unused_type_parameters,
    reason = "told in a process alone"
)]
pub(crate) fn a_place_that_the_environment_exempts_is_reached_without_the_proxy<C: Client>() {
    let (proxy, tunnels) = proxy();
    tell_alone(&[TRIED], |process| {
        process
            .env("HTTPS_PROXY", &proxy)
            .env("NO_PROXY", "localhost");
    });
    assert_eq!(tunnels.load(Ordering::Relaxed), 0);
}

/// A proxy that digs tunnels, and how many it has dug.
fn proxy() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let tunnels = Arc::new(AtomicU64::new(0));
    let dug = Arc::clone(&tunnels);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let dug = Arc::clone(&dug);
            thread::spawn(move || dig(stream.unwrap(), &dug));
        }
    });
    (address, tunnels)
}

fn dig(mut near: TcpStream, dug: &AtomicU64) -> io::Result<()> {
    let mut lines = BufReader::new(near.try_clone()?).lines();
    let asked = lines.next().unwrap()?;
    let place = asked.strip_prefix("CONNECT ").unwrap();
    let place = place.split(' ').next().unwrap();
    while !lines.next().unwrap()?.is_empty() {}
    let mut far = TcpStream::connect(place)?;
    dug.fetch_add(1, Ordering::Relaxed);
    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut out, mut back) = (near.try_clone()?, far.try_clone()?);
    thread::spawn(move || io::copy(&mut out, &mut back));
    io::copy(&mut far, &mut near)?;
    Ok(())
}
