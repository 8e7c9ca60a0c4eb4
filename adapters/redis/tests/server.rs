//! The store against a real server: the hash, its age, what others are told, replicas and
//! failovers, and what is said of what fails.

#![cfg(test)]
#![cfg(feature = "servers")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use thingspace_core::{
    AppCredentials, Credentials, SessionBuilder, Timestamp, UserCredentials,
    session::{Saved, Snapshot, Store},
};
use thingspace_fleet::{Link, PASSWORD, Redis as Server};
use thingspace_redis::{Limits, Redis, RemoteStore};

/// A time longer than any server takes, even on the busiest machine.
const LONG: Duration = Duration::from_secs(20);

const KEY: &str = Redis::KEY;

fn place(server: &Server) -> Redis {
    at(&server.address())
}

/// A place where nobody gives up because the machine is busy.
fn at(address: &str) -> Redis {
    let mut limits = Limits::default();
    limits.access = LONG;
    Redis::at(address).unwrap().limits(limits)
}

fn store(server: &Server) -> RemoteStore {
    place(server).store().unwrap()
}

/// A store that reaches a server through a link.
fn through(link: &Link, server: &Server) -> Redis {
    at(&server.address_at(link.address()))
}

/// Limits for tests of a server that does not respond.
fn short() -> Limits {
    let mut limits = Limits::default();
    limits.access = Duration::from_millis(800);
    limits
}

/// A snapshot of this version, by the process of this test.
fn snapshot(version: u64) -> Snapshot {
    snapshot_by(7, version)
}

/// A snapshot of this version, by the process with this number. It holds a token.
fn snapshot_by(process: u64, version: u64) -> Snapshot {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let session = SessionBuilder::new(Credentials::new(app, user)).seed(42);
    let session = session.build().unwrap();
    let snapshot = session.snapshot(Timestamp::from_millis(1_700_000_000_000));
    let snapshot = snapshot.seal("token-of-a-session".to_owned());
    let mut json = serde_json::to_value(snapshot).unwrap();
    let (_, content) = json.as_object_mut().unwrap().iter_mut().next().unwrap();
    content["revision"] = serde_json::json!({ "version": version, "nonce": process });
    serde_json::from_value(json).unwrap()
}

/// Saves a version in place of the one before it.
fn try_save(store: &RemoteStore, version: u64) -> Result<Saved, String> {
    let seen = version.checked_sub(1).filter(|before| *before > 0);
    let seen = seen.map(|before| snapshot(before).revision());
    let saved = Store::save(store, seen, &snapshot(version));
    saved.map_err(|error| format!("{} {error:?}", chain(&error)))
}

fn save(store: &RemoteStore, version: u64) {
    assert_eq!(try_save(store, version), Ok(Saved::Saved));
}

/// Loads the version that is saved; 0 if nothing is.
fn try_load(store: &RemoteStore) -> Result<u64, String> {
    let loaded = Store::load(store);
    let loaded = loaded.map_err(|error| format!("{} {error:?}", chain(&error)))?;
    Ok(loaded.map_or(0, |loaded| loaded.snapshot.revision().version))
}

fn load(store: &RemoteStore) -> u64 {
    try_load(store).unwrap()
}

/// The error and its causes.
fn chain(error: &dyn Error) -> String {
    let cause = error.source().map(chain);
    let all = [Some(error.to_string()), cause];
    all.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// Repeats an access until it succeeds, which is soon.
fn soon<T>(access: impl Fn() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match access() {
            Ok(done) => return done,
            Err(error) => assert!(started.elapsed() < LONG, "{error}"),
        }
    }
}

#[test]
fn a_key_holds_the_session_and_the_time_of_its_saving() {
    let server = Server::start();
    let store = store(&server);
    assert_eq!(load(&store), 0);
    save(&store, 1);
    assert_eq!(load(&store), 1);
    let text = server.cli(&["HGET", KEY, "snapshot"]);
    assert_eq!(
        serde_json::from_str::<Snapshot>(&text).unwrap(),
        snapshot(1)
    );
    // Nothing else is in the database, and nothing that ends.
    assert_eq!(server.cli(&["DBSIZE"]), "1");
    assert_eq!(server.cli(&["TTL", KEY]), "-1");

    // By the server's clock alone.
    let hour = Duration::from_secs(3600);
    let shift = |micros: &str| server.cli(&["HINCRBY", KEY, "saved_at", micros]);
    shift("-3600000000");
    let age = || Store::load(&store).unwrap().unwrap().age;
    assert!(age() >= hour && age() < hour + LONG);
    shift("86400000000");
    assert_eq!(age(), Duration::ZERO);

    // Another key, or database, is another session.
    let other = place(&server).key("staging").store().unwrap();
    assert_eq!(load(&other), 0);
    let address = format!("{}/5", server.address());
    assert_eq!(load(&at(&address).store().unwrap()), 0);
}

#[test]
fn only_what_was_seen_is_replaced_and_a_save_that_is_sent_again_is_no_conflict() {
    let server = Server::start();
    let (here, there) = (store(&server), store(&server));
    assert_eq!(try_save(&here, 2), Ok(Saved::Conflict));
    save(&here, 1);
    save(&there, 2);
    // Nothing was heard of it, as it seems to who saves.
    save(&there, 2);
    assert_eq!(try_save(&here, 1), Ok(Saved::Conflict));
    save(&here, 3);
    assert_eq!(try_save(&there, 2), Ok(Saved::Conflict));
    assert_eq!(load(&there), 3);
    // The server forgets the scripts when it likes.
    server.cli(&["SCRIPT", "FLUSH"]);
    save(&there, 4);
    server.cli(&["SCRIPT", "FLUSH"]);
    assert_eq!(load(&here), 4);
}

#[test]
fn of_many_that_save_at_once_one_does() {
    let server = Server::start();
    let stores: Vec<_> = (0..8).map(|_| store(&server)).collect();
    for round in 1..=10 {
        let save = |process: u64, store: &RemoteStore| {
            let seen = Store::load(store).unwrap();
            let seen = seen.map(|loaded| loaded.snapshot.revision());
            // Those that come later see what the first one saved.
            let is_first = seen.is_none_or(|seen| seen.version < round);
            let mine = snapshot_by(process, round);
            is_first && Store::save(store, seen, &mine).unwrap() == Saved::Saved
        };
        let results = std::thread::scope(|scope| {
            let all = (0..).zip(&stores);
            let all = all.map(|(process, store)| scope.spawn(move || save(process, store)));
            let all: Vec<_> = all.collect();
            let ends = all.into_iter().map(|thread| thread.join().unwrap());
            ends.filter(|saved| *saved).count()
        });
        assert_eq!(results, 1);
    }
}

#[test]
fn a_key_that_holds_something_else_is_refused_and_left_as_it_is() {
    let server = Server::start();
    let store = store(&server);
    let damages: [&[&str]; 7] = [
        &["SET", KEY, "hush"],
        &["RPUSH", KEY, "hush"],
        &["HSET", KEY, "hush", "1"],
        &["HSET", KEY, "snapshot", "hush", "saved_at", "1"],
        &["HSET", KEY, "revision", "1-0", "snapshot", "hush"],
        &["HSET", KEY, "revision", "1-0", "saved_at", "1"],
        &[
            "HSET",
            KEY,
            "revision",
            "1-0",
            "snapshot",
            "{\"hush\":1}",
            "saved_at",
            "hush",
        ],
    ];
    for damage in damages {
        server.cli(damage);
        let before = server.cli(&["DUMP", KEY]);
        let error = try_load(&store).unwrap_err();
        assert!(error.contains("holds something"), "{error}");
        assert!(!error.contains("hush"), "{error}");
        assert!(!matches!(try_save(&store, 1), Ok(Saved::Saved)));
        assert_eq!(server.cli(&["DUMP", KEY]), before);
        server.cli(&["DEL", KEY]);
    }
    // What has all fields, and no session.
    server.cli(&[
        "HSET",
        KEY,
        "revision",
        "1-0",
        "snapshot",
        "{\"hush\":1}",
        "saved_at",
        "1",
    ]);
    let error = try_load(&store).unwrap_err();
    assert!(
        error.contains("holds no session that can be read"),
        "{error}"
    );
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn others_are_told_of_a_save_and_who_saved_is_not() {
    let server = Server::start();
    let (here, there) = (store(&server), store(&server));
    let elsewhere = place(&server).key("staging").store().unwrap();
    let watched = |store: &RemoteStore| {
        let (tell, told) = mpsc::channel();
        let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(move || tell.send(()).unwrap());
        // To connect is to be told: something may have been missed.
        Store::watch(store, Arc::downgrade(&watcher));
        Store::load(store).unwrap();
        told.recv_timeout(LONG).unwrap();
        (watcher, told)
    };
    let (_first, own) = watched(&here);
    let (_second, news) = watched(&there);
    let (_third, foreign) = watched(&elsewhere);
    save(&here, 1);
    news.recv_timeout(LONG).unwrap();
    // What comes after it on the same connections comes later.
    for store in [&here, &elsewhere] {
        Store::load(store).unwrap();
    }
    assert!(own.try_recv().is_err() && foreign.try_recv().is_err());
    // One connection hears and saves.
    let clients = server.cli(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    assert_eq!(clients.lines().count(), 3, "{clients}");
    assert_eq!(server.cli(&["CLIENT", "LIST"]).lines().count(), 4);
}

#[test]
fn a_server_that_was_restarted_is_used_again_at_once() {
    let server = Server::start();
    let store = store(&server);
    for version in 1..=3 {
        save(&store, version);
        server.kill();
        server.restart();
        assert_eq!(load(&store), version);
        server.kill();
        server.restart();
    }
}

#[test]
fn no_wait_is_longer_than_its_limit() {
    let server = Server::start();
    let link = Link::to(server.socket_address());
    let store = through(&link, &server).limits(short()).store().unwrap();
    save(&place(&server).store().unwrap(), 1);
    assert_eq!(soon(|| try_load(&store)), 1);
    for hang in [
        |link: &Link, _: &Server| link.stall(),
        |_: &Link, server: &Server| server.freeze(),
    ] {
        hang(&link, &server);
        for _ in 0..2 {
            let started = Instant::now();
            let error = try_load(&store).unwrap_err();
            assert!(error.contains("no response within 800ms"), "{error}");
            assert!(started.elapsed() < LONG);
        }
        link.mend();
        server.thaw();
        assert_eq!(soon(|| try_load(&store)), 1);
    }
    link.cut();
    let error = try_load(&store).unwrap_err();
    assert!(error.contains("could not be connected to"), "{error}");
    link.mend();
    assert_eq!(soon(|| try_load(&store)), 1);
}

#[test]
fn a_save_is_on_the_replicas_that_are_named() {
    let (primary, replica) = (Server::start(), Server::start());
    replica.replica_of(&primary);
    let link = Link::to(primary.socket_address());
    let store = through(&link, &primary).replicas(1).store().unwrap();
    for version in 1..=20 {
        save(&store, version);
        let there = replica.cli(&["HGET", KEY, "revision"]);
        assert_eq!(there, format!("{version}-0000000000000007"));
    }
    // The failover loses nothing, however sudden it is.
    primary.kill();
    replica.promote();
    link.point_at(replica.socket_address());
    assert_eq!(load(&store), 20);

    // There is no replica any more.
    let error = try_save(&store, 21).unwrap_err();
    assert!(
        error.contains("nothing is saved: fewer than 1 replicas"),
        "{error}"
    );
    assert_eq!(load(&store), 20);
}

#[test]
fn a_save_on_too_few_replicas_is_an_error_until_they_have_it() {
    let (primary, replica) = (Server::start(), Server::start());
    replica.replica_of(&primary);
    let strict = || at(&format!("{}?replicas=1", primary.address()));
    let (here, there) = (
        strict().limits(short()).store().unwrap(),
        strict().store().unwrap(),
    );
    save(&there, 1);
    replica.freeze();
    let too_few = "0 of the 1 replicas have confirmed";
    let error = try_save(&here, 2).unwrap_err();
    assert!(error.contains(too_few), "{error}");
    // Who saved it must not take it for saved. Others may act on it: whatever they do is
    // saved after it.
    let error = try_load(&here).unwrap_err();
    assert!(error.contains(too_few), "{error}");
    assert_eq!(load(&there), 2);
    replica.thaw();
    assert_eq!(soon(|| try_load(&here)), 2);
    let revision = replica.cli(&["HGET", KEY, "revision"]);
    assert_eq!(revision, "2-0000000000000007");
    save(&there, 3);
}

#[test]
fn a_primary_that_became_a_replica_is_left_for_the_new_one() {
    let (old, new) = (Server::start(), Server::start());
    let link = Link::to(old.socket_address());
    let store = through(&link, &old).store().unwrap();
    for _ in 0..2 {
        save(&store, 1);
        new.replica_of(&old);
        // A planned failover: nothing is down, and connections go on.
        new.promote();
        old.replica_of(&new);
        // Not yet known at the address that clients have.
        let error = try_save(&store, 2).unwrap_err();
        assert!(error.contains("READONLY"), "{error}");
        let error = try_load(&store).unwrap_err();
        assert!(error.contains("READONLY"), "{error}");
        link.point_at(new.socket_address());
        save(&store, 2);
        assert_eq!(load(&store), 2);
        // And the other way, where the old connection is still there.
        old.promote();
        new.replica_of(&old);
        link.point_at(old.socket_address());
        assert_eq!(load(&store), 2);
        old.cli(&["DEL", KEY]);
    }
}

#[test]
fn a_replica_that_lost_its_primary_is_not_used() {
    let primary = Server::start();
    let replica = Server::start_with("replica-serve-stale-data no\n");
    replica.replica_of(&primary);
    save(&place(&primary).replicas(1).store().unwrap(), 1);
    primary.kill();
    let store = store(&replica);
    for error in [
        try_load(&store).unwrap_err(),
        try_save(&store, 2).unwrap_err(),
    ] {
        let is_refused = error.contains("READONLY") || error.contains("MASTERDOWN");
        assert!(is_refused, "{error}");
    }
    replica.promote();
    assert_eq!(load(&store), 1);
}

#[test]
fn a_server_that_takes_no_writes_still_shows_what_it_holds() {
    let server = Server::start_with("maxmemory-policy noeviction\n");
    let store = store(&server);
    save(&store, 1);
    for (setting, value, without, code) in [
        ("maxmemory", "1", "0", "OOM"),
        ("min-replicas-to-write", "1", "0", "NOREPLICAS"),
    ] {
        server.cli(&["CONFIG", "SET", setting, value]);
        let error = try_save(&store, 2).unwrap_err();
        assert!(error.contains(code), "{error}");
        assert_eq!(load(&store), 1);
        server.cli(&["CONFIG", "SET", setting, without]);
    }
    save(&store, 2);
}

#[test]
fn a_user_that_may_do_little_is_enough() {
    const COMMANDS: &str =
        "hello evalsha script|load exists type hdel hget hmget hset hstrlen time";
    let (server, replica) = (Server::start(), Server::start());
    replica.replica_of(&server);
    let key = format!("~{KEY}");
    let user = |more: &[&str]| {
        let commands = COMMANDS.split(' ').map(|command| format!("+{command}"));
        let rules: Vec<_> = commands.collect();
        let mut command = vec!["ACL", "SETUSER", "fleet", "reset", "on", ">pass word", &key];
        command.extend(rules.iter().map(String::as_str));
        command.extend(more);
        assert_eq!(server.cli(&command), "OK");
        let address = server.address().replace(&format!(":{PASSWORD}"), "fleet");
        at(&address).password("pass word")
    };
    // Nobody is told, and nothing fails.
    let store = user(&[]).store().unwrap();
    assert_eq!(load(&store), 0);
    save(&store, 1);

    let channel = format!("&{KEY}:saved");
    let more = ["+subscribe", "+publish", "+info", "+wait", &channel];
    let store = user(&more).replicas(1).store().unwrap();
    save(&store, 2);
    let listening = server.cli(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    assert!(listening.contains("user=fleet"), "{listening}");

    // Without a right, it says so.
    let store = user(&["-hset"]).store().unwrap();
    let error = try_save(&store, 3).unwrap_err();
    let reason = "The user executing the script can't run this command";
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_server_is_reached_over_tls_and_its_certificate_is_verified() {
    let (server, root) = Server::start_with_tls();
    let address = server.address().replace("127.0.0.1", "localhost");
    let place = at(&address);
    let error = try_load(&place.clone().store().unwrap()).unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");

    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(root.as_bytes());
    roots.add(root.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    save(&place.tls(config.clone()).store().unwrap(), 1);
    let by_number = at(&server.address()).tls(config);
    assert_eq!(load(&by_number.store().unwrap()), 1);
}

#[test]
fn a_server_is_reached_through_its_socket() {
    let server = Server::start();
    let address = format!("unix://{}?pass={PASSWORD}", server.socket().display());
    save(&at(&address).store().unwrap(), 1);
    assert_eq!(load(&store(&server)), 1);
}

#[test]
fn law_10_an_error_names_the_server_and_no_secret() {
    let server = Server::start();
    let wrong = place(&server).password("hush-hush");
    let shown = format!("{wrong:?}");
    let error = try_load(&wrong.store().unwrap()).unwrap_err();
    assert!(error.contains("WRONGPASS"), "{error}");
    let nobody = Redis::at("redis://zaphod:hush-hush@127.0.0.1:1").unwrap();
    let unreachable = try_load(&nobody.store().unwrap()).unwrap_err();
    assert!(
        unreachable.contains("Redis at 127.0.0.1:1/0, key \"thingspace:session\""),
        "{unreachable}"
    );

    // A server repeats what it does not know.
    let server = Server::start_with("rename-command HELLO \"\"\n");
    let no_login = try_load(&store(&server)).unwrap_err();
    let server = Server::start_with("rename-command EVALSHA \"\"\n");
    let no_scripts = try_save(&store(&server), 1).unwrap_err();
    for text in [shown, error, unreachable, no_login, no_scripts] {
        for secret in ["hush", PASSWORD, "token-of"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// Of many that save one after the other, while the primary is killed again and again and
/// its replica takes over, none loses what was reported as saved.
#[test]
fn law_15_a_failover_loses_nothing_that_is_on_the_replicas() {
    let servers = [Server::start(), Server::start()];
    servers[1].replica_of(&servers[0]);
    let link = Link::to(servers[0].socket_address());
    let is_over = AtomicBool::new(false);
    // The highest version that anybody was told to be saved, and each by whom.
    let reported = Mutex::new(BTreeMap::new());
    let highest = || reported.lock().unwrap().keys().last().copied().unwrap_or(0);
    let work = |process: u64| {
        let store = through(&link, &servers[0]).replicas(1).limits(short());
        let store = store.store().unwrap();
        while !is_over.load(SeqCst) {
            let before = highest();
            let Ok(loaded) = Store::load(&store) else {
                continue;
            };
            let seen = loaded.map(|loaded| loaded.snapshot.revision());
            let version = seen.map_or(0, |seen| seen.version);
            assert!(version >= before, "{version} is saved, and {before} was");
            let mine = snapshot_by(process, version + 1);
            if let Ok(Saved::Saved) = Store::save(&store, seen, &mine) {
                let twice = reported.lock().unwrap().insert(version + 1, process);
                assert_eq!(twice, None, "two saved {}", version + 1);
            }
        }
    };
    std::thread::scope(|scope| {
        for process in 0..4 {
            scope.spawn(move || work(process));
        }
        let progress = || {
            let goal = highest() + 20;
            let started = Instant::now();
            while highest() < goal {
                assert!(started.elapsed() < LONG, "nothing is saved any more");
                std::thread::yield_now();
            }
        };
        for round in 0..6 {
            let (primary, replica) = (&servers[round % 2], &servers[(round + 1) % 2]);
            progress();
            primary.kill();
            replica.promote();
            link.point_at(replica.socket_address());
            primary.restart();
            primary.replica_of(replica);
        }
        progress();
        is_over.store(true, SeqCst);
    });
}
