//! The parts of a client without a client: the configuration, the lock, the reports.

#![cfg(test)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use thingspace_driver::{
    Config, Ended, Shared, Started,
    core::{
        AppCredentials, Call, Credentials, Environment, Session, SessionBuilder, Step, Timestamp,
        TransportError, UserCredentials,
        session::{Event, Exchange, ExchangeResult, Observer, OtherSession, Snapshot, Transmit},
    },
};

fn credentials(username: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new("key", "secret").unwrap(),
        UserCredentials::new(username, "IMgr8").unwrap(),
    )
}

fn builder() -> SessionBuilder {
    SessionBuilder::new(credentials("zbeeblebrox")).environment(Environment::mock())
}

/// A snapshot of a session that was changed so many times.
fn snapshot(changes: u64) -> Snapshot {
    let mut session = builder().build().unwrap();
    (0..changes).for_each(|_| session.unblock());
    assert_eq!(session.version(), changes);
    session.snapshot()
}

fn version(shared: &Shared) -> u64 {
    shared.lock().version()
}

#[test]
fn a_session_continues_from_a_given_snapshot_or_else_from_the_saved_one() {
    let fresh = Config::new(builder()).build(None, || ()).unwrap();
    assert_eq!(version(&fresh), 0);
    let saved = Config::new(builder())
        .build(Some(snapshot(2)), || ())
        .unwrap();
    assert_eq!(version(&saved), 2);
    let given = Config::new(builder().snapshot(snapshot(3)));
    let given = given.build(Some(snapshot(2)), || ()).unwrap();
    assert_eq!(version(&given), 3);
}

#[test]
fn a_saved_session_of_another_user_is_refused() {
    let other = SessionBuilder::new(credentials("tmcmillan")).environment(Environment::mock());
    let refused = Config::new(other).build(Some(snapshot(1)), || ());
    assert_eq!(refused.err(), Some(OtherSession::User));
}

/// An observer that logs every report, and that the session is not locked meanwhile.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    shared: Arc<OnceLock<Arc<Shared>>>,
}

impl Log {
    fn write(&self, line: String) {
        if let Some(shared) = self.shared.get() {
            shared.lock().version();
        }
        self.lines.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

impl Observer for Log {
    fn event(&self, event: &Event) {
        self.write(event.name().to_owned());
    }

    fn sending(&self, exchange: &Exchange) {
        self.write(format!("sending {}", exchange.path()));
    }

    fn received(&self, _: &Exchange, result: &ExchangeResult<'_>) {
        let took = result.took.as_millis();
        self.write(match result.result {
            Ok(status) => format!("{} after {took} ms", status.as_u16()),
            Err(error) => format!("{error} after {took} ms"),
        });
    }
}

/// A shared session, its log, and its time in milliseconds.
fn shared() -> (Arc<Shared>, Log, Arc<AtomicU64>) {
    let (log, time) = (Log::default(), Arc::new(AtomicU64::new(1000)));
    let clock = Arc::clone(&time);
    let config = Config::new(builder())
        .clock(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)))
        .observer(log.clone());
    let shared = Arc::new(config.build(None, || ()).unwrap());
    log.shared.set(Arc::clone(&shared)).unwrap();
    (shared, log, time)
}

/// Begins a token fetch.
fn begin(shared: &Shared) -> Transmit {
    let now = shared.now();
    let step = shared.step(|session| Call::log_in().step(session, now));
    let Step::Send(transmit) = step else {
        panic!("it has nothing to send");
    };
    transmit
}

/// Ends a token fetch with a bearer token, and reports that.
fn end(shared: &Shared, transmit: &Transmit, started: Started) -> Ended {
    let body = r#"{"access_token":"cf1b","expires_in":3600}"#;
    let result = Ok(Response::new(Bytes::from(body)));
    let ended = started.end(shared, &result);
    let operation = transmit.attempt.operation().unwrap();
    shared.finish(shared.observer(), &ended, |session| {
        session.receive(ended.at(), operation, result);
        assert!(session.bearer_token().is_some());
    });
    ended
}

#[test]
fn the_end_of_an_exchange_is_reported_before_the_events_that_it_brought() {
    let (shared, log, time) = shared();
    let transmit = begin(&shared);
    let started = Started::new(&shared, shared.observer(), &transmit);
    assert_eq!(log.take(), ["sending /api/ts/v1/oauth2/token"]);
    time.fetch_add(42, Ordering::Relaxed);
    let ended = end(&shared, &transmit, started);
    assert_eq!(ended.at(), Timestamp::from_millis(1042));
    assert_eq!(log.take(), ["200 after 42 ms", "bearer_fetched"]);
}

#[test]
fn the_time_before_an_exchange_starts_is_not_left_for_it() {
    struct Slow(Arc<AtomicU64>, u64);
    impl Observer for Slow {
        fn sending(&self, _: &Exchange) {
            self.0.fetch_add(self.1, Ordering::Relaxed);
        }
    }
    let all = 30_000;
    for (takes, left) in [(0, Some(all)), (10_000, Some(all - 10_000)), (all, None)] {
        let (shared, _, time) = shared();
        let transmit = begin(&shared);
        let started = Started::new(&shared, &Slow(time, takes), &transmit);
        match (started.time_left(), left) {
            (Ok(time), Some(left)) => assert_eq!(time, Duration::from_millis(left)),
            (Err(error), None) => assert!(!error.may_have_left(), "{error}"),
            (time, _) => panic!("{takes}: {time:?}"),
        }
    }
}

#[test]
fn a_panic_of_a_quiet_observer_ends_nothing() {
    struct Broken;
    impl Observer for Broken {
        fn event(&self, event: &Event) {
            panic!("{event}");
        }

        fn sending(&self, exchange: &Exchange) {
            panic!("{exchange:?}");
        }

        fn received(&self, exchange: &Exchange, _: &ExchangeResult<'_>) {
            panic!("{exchange:?}");
        }
    }
    let shared = Config::new(builder())
        .observer(Broken)
        .build(None, || ())
        .unwrap();
    let transmit = begin(&shared);
    let started = Started::new(&shared, &shared.quiet_observer(), &transmit);
    let failed = Err(TransportError::not_sent("no network"));
    let ended = started.end(&shared, &failed);
    let operation = transmit.attempt.operation().unwrap();
    shared.finish(&shared.quiet_observer(), &ended, |session| {
        session.receive(ended.at(), operation, failed);
    });

    // Otherwise a panic ends the call, and leaves the session usable.
    let transmit = || Started::new(&shared, shared.observer(), &transmit);
    assert!(catch_unwind(AssertUnwindSafe(transmit)).is_err());
    shared.lock().unblock();
}

#[test]
fn a_change_wakes_those_who_wait_and_a_look_does_not() {
    let woken = Arc::new(AtomicU64::new(0));
    let wakes = Arc::clone(&woken);
    let wake = move || {
        wakes.fetch_add(1, Ordering::Relaxed);
    };
    let shared = Config::new(builder()).build(None, wake).unwrap();
    shared.session(|session| session.version());
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    shared.session(Session::unblock);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}

#[test]
fn a_panic_while_the_session_is_locked_leaves_it_usable() {
    let (shared, log, _) = shared();
    let look = catch_unwind(AssertUnwindSafe(|| {
        let mut session = shared.lock();
        Session::unblock(&mut session);
        panic!("on purpose");
    }));
    assert!(look.is_err());
    assert_eq!(version(&shared), 1);
    assert!(format!("{shared:?}").starts_with("Session"));
    let held = shared.lock();
    assert_eq!(format!("{shared:?}"), "in use");
    drop(held);
    assert!(log.take().is_empty());
}

#[test]
fn the_time_of_many_threads_never_runs_backwards() {
    // Each look is at another time, up and down.
    let looks = AtomicU64::new(0);
    let clock = move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_millis(look * 7919 % 10_007)
    };
    let shared = Config::new(builder())
        .clock(clock)
        .build(None, || ())
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut latest = shared.now();
                for _ in 0..1000 {
                    let now = shared.now();
                    assert!(now >= latest);
                    latest = now;
                }
            });
        }
    });
}
