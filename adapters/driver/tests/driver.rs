//! A client without an HTTP stack: the configuration, the lock, the reports, the loop.

#![cfg(test)]

use std::{
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures_lite::future::{block_on, poll_once};
use http::{Method, Request, Response};
use thingspace_driver::{
    Client, Config, Operating, Runtime,
    core::{
        AppCredentials, Credentials, Environment, Session, SessionBuilder, StoreError, Timestamp,
        TransportError, UserCredentials,
        session::{
            Event, Exchange, ExchangeResult, Observer, OperationKind, OtherSession, Saved,
            Snapshot, Store, Transmit,
        },
    },
    event_listener::EventListener,
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

/// A service that responds at once, and the time that passes while it is called.
#[derive(Clone, Default)]
struct Service {
    /// The time, in milliseconds.
    time: Arc<AtomicU64>,
    /// The time that each response takes, in milliseconds.
    takes: u64,
    /// The timeouts of all requests that were sent.
    timeouts: Arc<Mutex<Vec<Duration>>>,
    /// True if no operation can be run.
    is_full: Arc<AtomicBool>,
}

impl Service {
    /// Builds a client of this service and its time.
    fn client(&self, config: Config) -> Client<Self> {
        let config = config.clock(self.clock());
        Client::new(config, None, |_| self.clone()).unwrap()
    }

    fn clock(&self) -> impl Fn() -> Timestamp + use<> {
        let time = Arc::clone(&self.time);
        move || Timestamp::from_millis(time.load(Ordering::Relaxed))
    }

    fn pass(&self, millis: u64) {
        self.time.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Runtime for Service {
    async fn send(
        &self,
        transmit: &mut Transmit,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        self.timeouts.lock().unwrap().push(timeout);
        self.pass(self.takes);
        let body = match transmit
            .attempt
            .operation()
            .map(|operation| operation.kind())
        {
            Some(OperationKind::TokenFetch) => r#"{"access_token":"cf1b","expires_in":3600}"#,
            Some(OperationKind::LogIn) => r#"{"sessionToken":"d2c4"}"#,
            _ => "{}",
        };
        Ok(Response::new(Bytes::from(body)))
    }

    async fn wait(&self, _: EventListener, timeout: Duration) {
        self.pass(u64::try_from(timeout.as_millis()).unwrap());
    }

    fn spawn(&self, operation: Operating) -> Result<(), TransportError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(TransportError::not_sent("no thread is left"));
        }
        // As on a thread of its own.
        let _ = catch_unwind(AssertUnwindSafe(|| block_on(operation)));
        Ok(())
    }
}

/// A request of a call's own.
fn request() -> Request<Bytes> {
    let segments = &["m2m", "v1", "accounts"];
    Environment::mock()
        .request(Method::GET, segments, Bytes::new())
        .unwrap()
}

/// A snapshot of a session that was changed so many times.
fn snapshot(changes: u64) -> Snapshot {
    let mut session = builder().build().unwrap();
    (0..changes).for_each(|_| session.unblock());
    assert_eq!(session.version(), changes);
    session.snapshot()
}

/// A store with a snapshot that stays as it is.
struct Fixed(Option<Snapshot>);

impl Store for Fixed {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.0.clone())
    }

    fn save(&self, _: Option<u64>, _: &Snapshot) -> Result<Saved, StoreError> {
        Err(StoreError::new("it stays as it is"))
    }
}

/// Builds a client that continues what is saved.
fn joining(
    session: SessionBuilder,
    saved: Option<Snapshot>,
) -> Result<Client<Service>, OtherSession> {
    let store = Box::new(Fixed(saved));
    Client::new(Config::new(session), Some(store), |_| Service::default())
}

fn version<R: Runtime>(client: &Client<R>) -> u64 {
    client.session(|session| session.version())
}

#[test]
fn a_session_continues_from_a_given_snapshot_or_else_from_the_saved_one() {
    let fresh = joining(builder(), None).unwrap();
    assert_eq!(version(&fresh), 0);
    let saved = joining(builder(), Some(snapshot(2))).unwrap();
    assert_eq!(version(&saved), 2);
    let given = joining(builder().snapshot(snapshot(3)), Some(snapshot(2))).unwrap();
    assert_eq!(version(&given), 3);
}

#[test]
fn a_saved_session_of_another_user_is_refused() {
    let other = SessionBuilder::new(credentials("tmcmillan")).environment(Environment::mock());
    let refused = joining(other, Some(snapshot(1)));
    assert_eq!(refused.err(), Some(OtherSession::User));
}

/// An observer that logs every report, and that the session is not locked meanwhile.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    client: Arc<OnceLock<Client<Service>>>,
}

impl Log {
    fn write(&self, line: String) {
        if let Some(client) = self.client.get() {
            version(client);
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

/// A client of this service, and its log.
fn logged(service: &Service) -> (Client<Service>, Log) {
    let log = Log::default();
    let client = service.client(Config::new(builder()).observer(log.clone()));
    assert!(log.client.set(client.clone()).is_ok());
    (client, log)
}

#[test]
fn the_end_of_an_exchange_is_reported_before_the_events_that_it_brought() {
    let service = Service {
        takes: 42,
        ..Service::default()
    };
    let (client, log) = logged(&service);
    block_on(client.call(request())).unwrap();
    assert_eq!(client.now(), Timestamp::from_millis(3 * 42));
    assert_eq!(
        log.take(),
        [
            "sending /api/ts/v1/oauth2/token",
            "200 after 42 ms",
            "bearer_fetched",
            "sending /api/m2m/v1/session/login",
            "200 after 42 ms",
            "logged_in",
            "sending /api/m2m/v1/accounts",
            "200 after 42 ms",
        ]
    );
}

#[test]
fn the_time_before_an_exchange_starts_is_not_left_for_it() {
    struct Slow(Service, u64);
    impl Observer for Slow {
        fn sending(&self, _: &Exchange) {
            self.0.pass(self.1);
        }
    }
    let all = 30_000;
    for takes in [0, 10_000, all] {
        let service = Service::default();
        let slow = Slow(service.clone(), takes);
        let client = service.client(Config::new(builder()).observer(slow));
        let result = block_on(client.log_in());
        let timeouts = service.timeouts.lock().unwrap();
        match result {
            Ok(_) => {
                assert!(takes < all);
                assert_eq!(*timeouts, [Duration::from_millis(all - takes); 2]);
            }
            Err(error) => {
                assert!(takes == all && error.is_never_sent(), "{takes}: {error}");
                assert!(timeouts.is_empty());
            }
        }
    }
}

#[test]
fn a_panic_of_an_observer_ends_no_operation_but_the_call_that_it_is_called_from() {
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
    let service = Service::default();
    let client = service.client(Config::new(builder()).observer(Broken));
    block_on(client.log_in()).unwrap();

    let call = || block_on(client.call(request()));
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    // It leaves the session usable.
    assert!(client.session(|session| session.session_token().is_some()));
}

#[test]
fn an_operation_that_can_not_be_run_was_never_sent() {
    let service = Service::default();
    let (client, log) = logged(&service);
    block_on(client.log_in()).unwrap();
    block_on(client.log_out()).unwrap();
    log.take();
    service.is_full.store(true, Ordering::Relaxed);
    let error = block_on(client.log_in()).unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    // Nothing of it is taken for lost.
    assert_eq!(log.take(), ["backing_off"; 3]);
    // It does not count, and another one may be sent.
    client.session(|session| {
        assert_eq!(session.operation(), None);
        assert_eq!(session.login_guard().failed_logins, 0);
    });
    service.is_full.store(false, Ordering::Relaxed);
    block_on(client.log_in()).unwrap();
}

#[test]
fn an_operation_whose_result_makes_the_store_panic_is_abandoned_or_else_ends_with_its_lease() {
    /// A store whose saves of these numbers panic.
    struct Fragile {
        saved: Mutex<Option<Snapshot>>,
        saves: AtomicU64,
        panics: RangeInclusive<u64>,
    }
    impl Store for Fragile {
        fn load(&self) -> Result<Option<Snapshot>, StoreError> {
            Ok(self.saved.lock().unwrap().clone())
        }

        fn save(&self, _: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
            let save = self.saves.fetch_add(1, Ordering::Relaxed) + 1;
            assert!(!self.panics.contains(&save), "on purpose");
            *self.saved.lock().unwrap() = Some(snapshot.clone());
            Ok(Saved::Saved)
        }
    }
    // The first save begins the token fetch, the second has its result, and the third
    // abandons it.
    let lease = Duration::from_secs(35);
    for (panics, passes) in [(2..=2, Duration::ZERO), (2..=3, lease)] {
        let service = Service::default();
        let store = Fragile {
            saved: Mutex::default(),
            saves: AtomicU64::new(0),
            panics,
        };
        let config = Config::new(builder()).clock(service.clock());
        let client = Client::new(config, Some(Box::new(store)), |_| service.clone()).unwrap();
        block_on(client.log_in()).unwrap();
        let passed = client.now().since(Timestamp::from_millis(0));
        assert!(passed >= passes && passed < passes + lease, "{passed:?}");
        assert_eq!(service.timeouts.lock().unwrap().len(), 3);
    }
}

#[test]
fn a_change_wakes_those_who_wait_and_a_look_does_not() {
    /// A runtime that runs an operation only while a call waits for it.
    #[derive(Clone, Default)]
    struct Late {
        service: Service,
        client: Arc<OnceLock<Client<Self>>>,
        operation: Arc<Mutex<Option<Operating>>>,
    }
    impl Runtime for Late {
        async fn send(
            &self,
            transmit: &mut Transmit,
            timeout: Duration,
        ) -> Result<Response<Bytes>, TransportError> {
            self.service.send(transmit, timeout).await
        }

        async fn wait(&self, mut changed: EventListener, _: Duration) {
            let client = self.client.get().unwrap();
            version(client);
            assert!(poll_once(&mut changed).await.is_none());
            client.session(Session::unblock);
            assert!(poll_once(&mut changed).await.is_some());
            let operation = self.operation.lock().unwrap().take();
            operation.unwrap().await;
        }

        fn spawn(&self, operation: Operating) -> Result<(), TransportError> {
            *self.operation.lock().unwrap() = Some(operation);
            Ok(())
        }
    }
    let late = Late::default();
    let client = Client::new(builder().into(), None, |_| late.clone()).unwrap();
    assert!(late.client.set(client.clone()).is_ok());
    block_on(client.log_in()).unwrap();
    assert_eq!(late.service.timeouts.lock().unwrap().len(), 2);
}

#[test]
fn a_panic_while_the_session_is_locked_leaves_it_usable() {
    let (client, log) = logged(&Service::default());
    let look = || {
        client.session(|session| {
            session.unblock();
            panic!("on purpose");
        });
    };
    assert!(catch_unwind(AssertUnwindSafe(look)).is_err());
    assert!(log.take().is_empty());
    assert_eq!(version(&client), 1);
    assert!(format!("{client:?}").starts_with("Client(Session"));
    let shown = client.session(|_| format!("{client:?}"));
    assert_eq!(shown, "Client(in use)");
}

#[test]
fn the_time_of_many_threads_never_runs_backwards() {
    // Each look is at another time, up and down.
    let looks = AtomicU64::new(0);
    let clock = move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_millis(look * 7919 % 10_007)
    };
    let config = Config::new(builder()).clock(clock);
    let client = Client::new(config, None, |_| Service::default()).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut latest = client.now();
                for _ in 0..1000 {
                    let now = client.now();
                    assert!(now >= latest);
                    latest = now;
                }
            });
        }
    });
}
