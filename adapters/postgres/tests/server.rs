//! The store against a real server: the row, its age, its notifications, and what is said
//! of what fails.

#![cfg(test)]
#![cfg(feature = "servers")]

use std::{
    error::Error,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use thingspace_core::{
    AppCredentials, Credentials, SessionBuilder, Timestamp, UserCredentials,
    session::{Revision, Saved, Snapshot, Store, StoreFuture},
};
use thingspace_fleet::{Link, Postgres as Server};
use thingspace_postgres::{Limits, Postgres, RemoteStore};

/// A time longer than any server takes, even on the busiest machine.
const LONG: Duration = Duration::from_secs(20);

fn place(server: &Server) -> Postgres {
    Postgres::at(&server.address()).unwrap().create_table()
}

/// A snapshot of a session that was never saved.
fn snapshot() -> Snapshot {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let session = SessionBuilder::new(Credentials::new(app, user)).seed(42);
    let session = session.build().unwrap();
    session.snapshot(Timestamp::from_millis(1_700_000_000_000))
}

fn save(store: &RemoteStore, seen: Option<Revision>) -> Saved {
    Store::save(store, seen, &snapshot()).unwrap()
}

/// The error and its causes.
fn chain(error: &dyn Error) -> String {
    let cause = error.source().map(chain);
    [Some(error.to_string()), cause]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(": ")
}

fn refused(store: &RemoteStore) -> String {
    let error = Store::load(store).unwrap_err();
    format!("{} {error:?}", chain(&error))
}

#[test]
fn a_row_holds_the_session_and_the_time_of_its_saving() {
    let server = Server::start();
    let store = place(&server).store().unwrap();
    assert_eq!(Store::load(&store).unwrap(), None);
    assert_eq!(save(&store, None), Saved::Saved);
    let text = server.sql("SELECT snapshot FROM thingspace_session WHERE name = 'default'");
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot());

    // By the server's clock alone.
    server.sql("UPDATE thingspace_session SET saved_at = saved_at - interval '1 hour'");
    let age = Store::load(&store).unwrap().unwrap().age;
    assert!(age >= Duration::from_secs(3600) && age < Duration::from_secs(3600) + LONG);
    server.sql("UPDATE thingspace_session SET saved_at = saved_at + interval '1 day'");
    assert_eq!(Store::load(&store).unwrap().unwrap().age, Duration::ZERO);

    // Another name is another session.
    let other = place(&server).name("staging").unwrap().store().unwrap();
    assert_eq!(Store::load(&other).unwrap(), None);
}

#[test]
fn a_save_that_is_sent_again_is_no_conflict() {
    let server = Server::start();
    let store = place(&server).store().unwrap();
    assert_eq!(save(&store, None), Saved::Saved);
    // Nothing was heard of it, as it seems to who saves.
    assert_eq!(save(&store, None), Saved::Saved);
    let other = Revision {
        version: 7,
        nonce: 7,
    };
    let seen = snapshot().revision();
    server.sql("UPDATE thingspace_session SET revision = '7-0000000000000007'");
    assert_eq!(save(&store, None), Saved::Conflict);
    assert_eq!(save(&store, Some(seen)), Saved::Conflict);
    assert_eq!(save(&store, Some(other)), Saved::Saved);
}

#[test]
fn a_damaged_row_is_refused_and_left_as_it_is() {
    let server = Server::start();
    let store = place(&server).store().unwrap();
    save(&store, None);
    server.sql("UPDATE thingspace_session SET snapshot = '{\"hush\":1}'");
    let error = refused(&store);
    assert!(
        error.contains("holds no session that can be read"),
        "{error}"
    );
    assert!(!error.contains("hush"), "{error}");
    assert_eq!(server.sql("SELECT count(*) FROM thingspace_session"), "1");
}

#[test]
fn a_table_is_made_once_by_many_and_by_nobody_who_may_not() {
    let server = Server::start();
    let without = Postgres::at(&server.address()).unwrap().store().unwrap();
    let error = refused(&without);
    assert!(error.contains("thingspace_session"), "{error}");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let place = place(&server).name(format!("session {number}")).unwrap();
            scope.spawn(move || assert_eq!(save(&place.store().unwrap(), None), Saved::Saved));
        }
    });
    assert_eq!(Store::load(&without).unwrap(), None);
    assert_eq!(server.sql("SELECT count(*) FROM thingspace_session"), "8");
}

#[test]
fn a_table_that_somebody_else_makes_at_the_same_moment_is_used() {
    // What the second is told depends on how far the server had come with the first.
    for told in ["unique_violation", "duplicate_table", "duplicate_object"] {
        let server = Server::start();
        let other = format!(
            "SET session_replication_role = replica; {}; CREATE TABLE met ()",
            Postgres::TABLE
        );
        server.sql(&format!(
            "CREATE EXTENSION dblink;
            CREATE FUNCTION other() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM dblink_exec('{}', '{other}');
                RAISE {told};
            END $$;
            CREATE EVENT TRIGGER other ON ddl_command_start
                WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION other()",
            server.address(),
        ));
        let store = place(&server).store().unwrap();
        assert_eq!(save(&store, None), Saved::Saved, "{told}");
        assert_eq!(
            server.sql("SELECT count(to_regclass('met'))"),
            "1",
            "{told}"
        );
    }
}

#[test]
fn others_are_told_of_a_save_and_who_saved_is_not() {
    let server = Server::start();
    let (here, there) = (
        place(&server).store().unwrap(),
        place(&server).store().unwrap(),
    );
    let elsewhere = place(&server).name("staging").unwrap().store().unwrap();
    let watched = |store: &RemoteStore| {
        let (tell, told) = mpsc::channel();
        let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(move || tell.send(()).unwrap());
        // To connect is to be told: something may have been missed.
        Store::watch(store, Arc::downgrade(&watcher));
        Store::load(store).unwrap();
        told.recv_timeout(LONG).unwrap();
        (watcher, told)
    };
    let (_watcher, heard_here) = watched(&here);
    let (_other, told_there) = watched(&there);
    let (_third, elsewhere_told) = watched(&elsewhere);
    assert_eq!(save(&here, None), Saved::Saved);
    told_there.recv_timeout(LONG).unwrap();
    // What comes after it on the same connections comes later.
    for store in [&here, &elsewhere] {
        Store::load(store).unwrap();
    }
    assert!(heard_here.try_recv().is_err() && elsewhere_told.try_recv().is_err());
}

#[test]
fn what_is_saved_is_on_the_disk_also_where_that_is_turned_off() {
    let server = Server::start();
    server.sql("ALTER SYSTEM SET synchronous_commit = off");
    server.sql("SELECT pg_reload_conf()");
    let store = place(&server).store().unwrap();
    save(&store, None);
    server.kill();
    server.restart();
    assert_eq!(Store::load(&store).unwrap().unwrap().snapshot, snapshot());
}

#[test]
fn a_server_that_was_restarted_is_used_again_at_once() {
    let server = Server::start();
    let store = place(&server).store().unwrap();
    save(&store, None);
    for _ in 0..3 {
        server.kill();
        server.restart();
        assert_eq!(Store::load(&store).unwrap().unwrap().snapshot, snapshot());
        server.kill();
        server.restart();
        assert_eq!(save(&store, None), Saved::Saved);
    }
}

#[test]
fn no_wait_is_longer_than_its_limit() {
    let server = Server::start();
    let link = Link::to(server.socket_address());
    let mut limits = Limits::default();
    limits.access = Duration::from_millis(500);
    let place = Postgres::at(&server.address_at(link.address())).unwrap();
    let store = place.create_table().limits(limits).store().unwrap();
    // The table takes its time where the disk is busy.
    while Store::load(&store).is_err() {}
    for hang in [
        |link: &Link, _: &Server| link.stall(),
        |_: &Link, server: &Server| server.freeze(),
    ] {
        hang(&link, &server);
        for _ in 0..2 {
            let started = Instant::now();
            let error = refused(&store);
            assert!(error.contains("no response within 500ms"), "{error}");
            assert!(started.elapsed() < LONG);
        }
        link.mend();
        server.thaw();
        let started = Instant::now();
        while Store::load(&store).is_err() {
            assert!(started.elapsed() < LONG);
        }
    }
}

#[test]
fn a_future_that_is_dropped_breaks_nothing_off() {
    use futures_lite::future::{block_on, poll_once};
    use thingspace_core::session::AsyncStore;

    let server = Server::start();
    let store = place(&server).store().unwrap();
    for _ in 0..20 {
        let mut load: StoreFuture<'_, _> = AsyncStore::load(&store);
        assert!(block_on(poll_once(&mut load)).is_none());
        drop(load);
    }
    assert_eq!(block_on(AsyncStore::load(&store)).unwrap(), None);
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'thingspace'";
    assert_eq!(server.sql(backends), "1");
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Server::start();
    let mut limits = Limits::default();
    limits.idle = Duration::from_millis(1);
    let store = place(&server).limits(limits).store().unwrap();
    Store::load(&store).unwrap();
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'thingspace'";
    let started = Instant::now();
    while server.sql(backends) != "0" {
        assert!(started.elapsed() < LONG);
    }
    assert_eq!(Store::load(&store).unwrap(), None);
}

#[test]
fn a_certificate_is_verified() {
    let (server, root) = Server::start_with_tls();
    let address = server.address().replace("127.0.0.1", "localhost");
    let place = Postgres::at(&format!("{address}?sslmode=require"))
        .unwrap()
        .create_table();
    let error = refused(&place.clone().store().unwrap());
    assert!(error.contains("UnknownIssuer"), "{error}");

    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let store = place.tls(config).store().unwrap();
    assert_eq!(save(&store, None), Saved::Saved);
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'thingspace'";
    assert_eq!(server.sql(encrypted), "t");
}

#[test]
fn law_10_an_error_names_the_server_and_no_password() {
    let server = Server::start();
    let wrong = Postgres::at(&server.address())
        .unwrap()
        .password("hush-hush");
    let shown = format!("{wrong:?}");
    let error = refused(&wrong.store().unwrap());
    assert!(error.contains("password authentication failed"), "{error}");
    let nobody = Postgres::at("postgres://zaphod:hush-hush@127.0.0.1:1/db").unwrap();
    let unreachable = refused(&nobody.store().unwrap());
    assert!(
        unreachable.contains("PostgreSQL at 127.0.0.1:1/db, session \"default\""),
        "{unreachable}"
    );
    for text in [shown, error, unreachable] {
        assert!(!text.contains("hush"), "{text}");
    }
}
