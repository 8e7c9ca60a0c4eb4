//! The servers and the network fail as they are told to, and only so.
#![cfg(feature = "servers")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use thingspace_fleet::{Link, Postgres, Redis};

#[test]
fn postgres_keeps_what_it_committed_when_it_is_killed() {
    let postgres = Postgres::start();
    postgres.sql("create table saved (content text); insert into saved values ('draft')");
    postgres.kill();
    assert!(TcpStream::connect(postgres.socket_address()).is_err());
    postgres.restart();
    assert_eq!(postgres.sql("select content from saved"), "draft");
    assert_eq!(postgres.sql("show fsync"), "on");
}

#[test]
fn a_frozen_postgres_goes_on_where_it_was() {
    let postgres = Postgres::start();
    postgres.freeze();
    thread::scope(|scope| {
        let query = scope.spawn(|| postgres.sql("select 42"));
        assert!(TcpStream::connect(postgres.socket_address()).is_ok());
        assert!(!query.is_finished());
        postgres.thaw();
        assert_eq!(query.join().unwrap(), "42");
    });
    // It can be killed in every state.
    postgres.freeze();
}

#[test]
fn postgres_speaks_tls() {
    let (postgres, root) = Postgres::start_with_tls();
    assert!(root.starts_with("-----BEGIN CERTIFICATE-----"));
    let is_encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    assert_eq!(postgres.sql(is_encrypted), "t");
}

#[test]
fn redis_keeps_what_it_acknowledged_when_it_is_killed() {
    let redis = Redis::start();
    assert_eq!(redis.cli(&["SET", "saved", "draft"]), "OK");
    redis.kill();
    assert!(TcpStream::connect(redis.socket_address()).is_err());
    redis.restart();
    assert_eq!(redis.cli(&["GET", "saved"]), "draft");

    let forgetful = Redis::start_without_persistence();
    forgetful.cli(&["SET", "saved", "draft"]);
    forgetful.kill();
    forgetful.restart();
    assert_eq!(forgetful.cli(&["GET", "saved"]), "");
}

#[test]
fn a_replica_of_redis_is_promoted() {
    let (primary, replica) = (Redis::start(), Redis::start());
    primary.cli(&["SET", "saved", "draft"]);
    replica.replica_of(&primary);
    assert_eq!(replica.cli(&["GET", "saved"]), "draft");
    assert!(
        replica
            .cli(&["SET", "saved", "other"])
            .starts_with("READONLY")
    );
    primary.kill();
    replica.promote();
    replica.kill();
    replica.restart();
    assert_eq!(replica.cli(&["SET", "saved", "other"]), "OK");
}

#[test]
fn redis_speaks_tls() {
    let (redis, root) = Redis::start_with_tls();
    assert!(root.starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(redis.address().starts_with("rediss://"));
    assert_eq!(redis.cli(&["PING"]), "PONG");
}

/// What a test starts is gone also if the test is killed.
#[test]
fn a_server_dies_with_its_test() {
    const CHILD: &str = "THINGSPACE_FLEET_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let redis = Redis::start();
        println!("child: {}", redis.socket_address());
        println!("child: {}", redis.socket().display());
        // Until it is killed.
        loop {
            thread::park();
        }
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_server_dies_with_its_test", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut lines = lines.map_while(Result::ok).filter_map(|line| {
        let (_, value) = line.split_once("child: ")?;
        Some(value.to_owned())
    });
    let address: SocketAddr = lines.next().unwrap().parse().unwrap();
    let socket = lines.next().unwrap();
    let folder = std::path::Path::new(&socket).parent().unwrap();
    assert!(TcpStream::connect(address).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    soon(|| TcpStream::connect(address).is_err() && !folder.exists());
}

#[test]
fn a_link_that_is_cut_drops_connections_and_refuses_new_ones() {
    let link = Link::to(echo());
    let mut before = TcpStream::connect(link.address()).unwrap();
    assert_eq!(ask(&mut before, b"hello"), b"hello");
    link.cut();
    assert!(matches!(before.read(&mut [0]), Ok(0) | Err(_)));
    let refused = TcpStream::connect(link.address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    link.mend();
    let mut after = TcpStream::connect(link.address()).unwrap();
    assert_eq!(ask(&mut after, b"again"), b"again");
}

#[test]
fn a_link_that_is_stalled_holds_bytes_back_until_it_is_mended() {
    let link = Link::to(echo());
    let mut before = TcpStream::connect(link.address()).unwrap();
    assert_eq!(ask(&mut before, b"hello"), b"hello");
    link.stall();
    let mut during = TcpStream::connect(link.address()).unwrap();
    for stream in [&mut before, &mut during] {
        stream.write_all(b"held").unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let nothing = stream.read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        stream.set_read_timeout(None).unwrap();
    }
    link.mend();
    for stream in [&mut before, &mut during] {
        let mut held = [0; 4];
        stream.read_exact(&mut held).unwrap();
        assert_eq!(&held, b"held");
    }
    // Also one that is stalled can be cut.
    link.stall();
    link.cut();
    assert!(matches!(before.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn a_link_takes_its_time_each_way() {
    let link = Link::to(echo());
    link.delay(Duration::from_millis(20));
    let mut stream = TcpStream::connect(link.address()).unwrap();
    let start = Instant::now();
    assert_eq!(ask(&mut stream, b"hello"), b"hello");
    assert!(start.elapsed() >= Duration::from_millis(40));
}

#[test]
fn a_link_leads_new_connections_elsewhere() {
    let (old, new) = (greeter(b"old"), greeter(b"new"));
    let link = Link::to(old);
    let greeting = || {
        let mut greeting = Vec::new();
        let mut stream = TcpStream::connect(link.address()).unwrap();
        stream.read_to_end(&mut greeting).unwrap();
        greeting
    };
    assert_eq!(greeting(), b"old");
    link.point_at(new);
    assert_eq!(greeting(), b"new");
}

/// A server that returns what it is sent.
fn echo() -> SocketAddr {
    serve(|mut stream| {
        let mut reader = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut reader, &mut stream);
    })
}

/// A server that says one thing and goes.
fn greeter(greeting: &'static [u8]) -> SocketAddr {
    serve(move |mut stream| stream.write_all(greeting).unwrap())
}

fn serve(handle: impl Fn(TcpStream) + Copy + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || handle(stream));
        }
    });
    address
}

fn ask(stream: &mut TcpStream, question: &[u8]) -> Vec<u8> {
    stream.write_all(question).unwrap();
    let mut answer = vec![0; question.len()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// Waits for something that happens soon.
fn soon(happens: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happens() {
        assert!(Instant::now() < deadline, "it did not happen");
        thread::sleep(Duration::from_millis(10));
    }
}
