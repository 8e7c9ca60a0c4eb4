//! A client without an HTTP stack: the configuration, the lock, the reports, the loop.

#![cfg(test)]

use std::{
    error::Error as _,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
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
    blocking::Blocking,
    core::{
        AppCredentials, Call, Credentials, Environment, ErrorKind, Session, SessionBuilder,
        StoreError, Timestamp, TransportError, UserCredentials,
        session::{
            CallId, CallResult, Event, Exchange, ExchangeResult, Loaded, Observer, OperationKind,
            OtherSession, Revision, Saved, SharedStep, Snapshot, Store, Transmit, Wait, WaitReason,
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
    /// True if no request of a call's own gets a response.
    is_silent: Arc<AtomicBool>,
}

impl Service {
    /// Builds a client of this service and its time.
    fn client(&self, config: Config) -> Client<Self> {
        let config = config.clock(self.clock());
        Client::new(config, |_| self.clone()).unwrap()
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
            None if self.is_silent.load(Ordering::Relaxed) => pending().await,
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

/// A place that several processes share.
#[derive(Clone, Default)]
struct Register(Arc<Contents>);

#[derive(Default)]
struct Contents {
    saved: Mutex<Option<Snapshot>>,
    loads: AtomicU64,
    saves: AtomicU64,
    /// The number of the load and of the save that panics, if any does.
    load_that_panics: AtomicU64,
    save_that_panics: AtomicU64,
}

impl Register {
    fn with(snapshot: Snapshot) -> Self {
        let register = Self::default();
        *register.0.saved.lock().unwrap() = Some(snapshot);
        register
    }

    fn count(accesses: &AtomicU64, panics: &AtomicU64) {
        let number = accesses.fetch_add(1, Ordering::Relaxed) + 1;
        assert_ne!(number, panics.load(Ordering::Relaxed), "on purpose");
    }
}

impl Store for Register {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Self::count(&self.0.loads, &self.0.load_that_panics);
        let saved = self.0.saved.lock().unwrap().clone();
        let age = Duration::ZERO;
        Ok(saved.map(|snapshot| Loaded { snapshot, age }))
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        Self::count(&self.0.saves, &self.0.save_that_panics);
        let mut saved = self.0.saved.lock().unwrap();
        if saved.as_ref().map(Snapshot::revision) != seen {
            return Ok(Saved::Conflict);
        }
        *saved = Some(snapshot.clone());
        Ok(Saved::Saved)
    }
}

/// A client of this service that shares its session by this register.
fn sharing(service: &Service, session: SessionBuilder, register: &Register) -> Client<Service> {
    service.client(Config::new(session).store(Blocking(register.clone())))
}

/// A snapshot of a session that was opened by this service just now.
fn opened(service: &Service) -> Snapshot {
    let client = service.client(Config::new(builder()));
    block_on(client.log_in()).unwrap();
    service.timeouts.lock().unwrap().clear();
    client.session(|session| session.snapshot(client.now()))
}

fn version<R: Runtime>(client: &Client<R>) -> u64 {
    client.session(|session| session.version())
}

#[test]
fn a_session_continues_from_a_given_snapshot_or_else_from_the_saved_one() {
    let service = Service::default();
    let snapshot = opened(&service);
    let given = builder().snapshot(snapshot.clone(), Duration::ZERO, Timestamp::default());
    let alone = service.client(Config::new(given.clone()));
    let joining = sharing(&service, builder(), &Register::with(snapshot));
    let first = sharing(&service, given, &Register::default());
    for client in [alone, joining, first] {
        block_on(client.log_in()).unwrap();
        assert!(service.timeouts.lock().unwrap().is_empty());
    }
    let fresh = sharing(&service, builder(), &Register::default());
    block_on(fresh.log_in()).unwrap();
    assert_eq!(service.timeouts.lock().unwrap().len(), 2);
}

#[test]
fn a_saved_session_of_another_user_is_refused() {
    let service = Service::default();
    let register = Register::with(opened(&service));
    let other = SessionBuilder::new(credentials("tmcmillan")).environment(Environment::mock());
    let client = sharing(&service, other, &register);
    for _ in 0..2 {
        let error = block_on(client.log_in()).unwrap_err();
        let ErrorKind::Store(by) = error.kind() else {
            panic!("{error:?}");
        };
        let reason = by.source().unwrap().to_string();
        assert_eq!(reason, OtherSession::User.to_string());
        assert!(error.is_never_sent());
    }
    assert!(service.timeouts.lock().unwrap().is_empty());
    // Nothing of it is overwritten.
    assert_eq!(register.0.saves.load(Ordering::Relaxed), 0);
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
    fn event(&self, event: &Event, _: Option<CallId>) {
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
fn a_call_has_one_name_from_its_beginning_to_its_end() {
    #[derive(Clone, Default)]
    struct Names(Arc<Mutex<Vec<String>>>);
    impl Names {
        fn note(&self, call: Option<CallId>, what: &str) {
            let call = call.map_or("no call".to_owned(), |call| format!("call {call}"));
            self.0.lock().unwrap().push(format!("{call}: {what}"));
        }
    }
    impl Observer for Names {
        fn began(&self, call: &Call) {
            self.note(call.id(), call.path().unwrap_or(call.purpose()));
        }

        fn ended(&self, call: &Call, result: &CallResult<'_>) {
            let result = match result {
                CallResult::Done(status) => format!("done, {status:?}"),
                CallResult::Failed(error) => error.to_string(),
                other => format!("{other:?}"),
            };
            let attempts = call.attempts();
            self.note(call.id(), &format!("{result} after {attempts} requests"));
        }

        fn event(&self, event: &Event, call: Option<CallId>) {
            self.note(call, event.name());
        }

        fn sending(&self, exchange: &Exchange) {
            let attempt = exchange.attempt();
            self.note(
                Some(attempt.call()),
                &format!("attempt {}", attempt.number()),
            );
        }
    }
    let service = Service::default();
    let names = Names::default();
    let client = service.client(Config::new(builder()).observer(names.clone()));
    let take = || std::mem::take(&mut *names.0.lock().unwrap());

    block_on(client.call(request())).unwrap();
    let opening = [
        "call 1: /api/m2m/v1/accounts",
        "call 1: attempt 1",
        "call 1: bearer_fetched",
        "call 1: attempt 2",
        "call 1: logged_in",
        "call 1: attempt 3",
        "call 1: done, Some(200) after 3 requests",
    ];
    assert_eq!(take(), opening);

    // One that is given up on its way has an end as well, and one that never began has none.
    service.is_silent.store(true, Ordering::Relaxed);
    drop(client.call(request()));
    assert!(block_on(poll_once(pin!(client.call(request())))).is_none());
    let given_up = [
        "call 2: /api/m2m/v1/accounts",
        "call 2: attempt 1",
        "call 2: GivenUp after 1 requests",
    ];
    assert_eq!(take(), given_up);

    // What the owner of the session does is no call's.
    let new = block_on(client.request_reset());
    drop(new);
    client.session(Session::unblock);
    let last = take();
    assert_eq!(
        last.last().unwrap(),
        "no call: logins_unblocked",
        "{last:?}"
    );
}

#[test]
fn a_wait_is_reported_when_it_begins_and_when_it_has_ended() {
    /// An observer that notes each wait: its reason, the time for which it would last,
    /// and the time that it took.
    #[derive(Clone)]
    struct Waits(Service, Arc<Mutex<Vec<Noted>>>);
    type Noted = (WaitReason, Duration, Option<Duration>);
    impl Observer for Waits {
        fn waiting(&self, wait: &Wait) {
            let left = wait.until.since(self.0.clock()());
            self.1.lock().unwrap().push((wait.reason, left, None));
        }

        fn waited(&self, wait: &Wait, took: Duration) {
            let mut noted = self.1.lock().unwrap();
            let last = noted.last_mut().unwrap();
            assert_eq!((last.0, last.2), (wait.reason, None));
            last.2 = Some(took);
        }
    }
    let service = Service::default();
    service.is_full.store(true, Ordering::Relaxed);
    let waits = Waits(service.clone(), Arc::default());
    let client = service.client(Config::new(builder()).observer(waits.clone()));
    block_on(client.log_in()).unwrap_err();
    let noted = waits.1.lock().unwrap();
    assert_eq!(noted.len(), 2, "between three attempts");
    for (reason, left, took) in &*noted {
        assert_eq!(*reason, WaitReason::Backoff);
        assert!(!left.is_zero());
        assert_eq!(*took, Some(*left));
    }
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
        fn event(&self, event: &Event, _: Option<CallId>) {
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
fn law_14_a_store_that_panics_harms_its_own_call_alone() {
    // The first save begins the token fetch, and the second has its result. The third
    // and fourth are the login's, the fifth and sixth the logout's.
    for number in 1..=8 {
        for is_load in [true, false] {
            let service = Service::default();
            let register = Register::default();
            let panics = if is_load {
                &register.0.load_that_panics
            } else {
                &register.0.save_that_panics
            };
            panics.store(number, Ordering::Relaxed);
            let client = sharing(&service, builder(), &register);
            let panicked = AtomicU64::new(0);
            let insist = |call: &dyn Fn()| {
                while catch_unwind(AssertUnwindSafe(call)).is_err() {
                    panicked.fetch_add(1, Ordering::Relaxed);
                }
            };
            insist(&|| drop(block_on(client.log_in()).unwrap()));
            insist(&|| drop(block_on(client.log_out()).unwrap()));
            assert!(panicked.into_inner() <= 1);
            // Each operation was sent once, and no lease had to expire.
            assert_eq!(service.timeouts.lock().unwrap().len(), 3, "{number}");
            let lease = Timestamp::from_millis(35_000);
            assert!(client.now() < lease, "{number}: {}", client.now());
            client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));

            // Others learn of all of it.
            panics.store(0, Ordering::Relaxed);
            block_on(client.sync()).unwrap();
            let other = sharing(&service, builder(), &register);
            block_on(other.sync()).unwrap();
            other.session(|session| {
                assert_eq!(session.operation(), None);
                assert_eq!(session.login_guard().failed_logins, 0);
                assert!(session.bearer_token().is_some() && session.session_token().is_none());
            });
        }
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
    let client = Client::new(builder().into(), |_| late.clone()).unwrap();
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
    let client = Client::new(config, |_| Service::default()).unwrap();
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

#[test]
fn a_thread_that_slept_after_it_had_read_the_time_takes_nobody_back() {
    let service = Service::default();
    let reads = Arc::new(AtomicU64::new(0));
    let (time, counted) = (service.clock(), Arc::clone(&reads));
    let clock = move || {
        let now = time();
        counted.fetch_add(1, Ordering::Relaxed);
        now
    };
    let config = Config::new(builder()).clock(clock);
    let client = Client::new(config, |_| service.clone()).unwrap();
    block_on(client.log_in()).unwrap();
    thread::scope(|scope| {
        let late = client.session(|session| {
            let before = reads.load(Ordering::Relaxed);
            let late = scope.spawn(|| block_on(client.call(request())));
            // It has read the time, and can't go on before this is over.
            while reads.load(Ordering::Relaxed) == before {
                thread::yield_now();
            }
            let mut call = Call::to(request(), session.environment()).unwrap();
            service.pass(20_000);
            let SharedStep::Send(transmit) = call.step_shared(session, client.now()) else {
                panic!("the session is open");
            };
            let response = Ok(Response::new(Bytes::new()));
            call.receive(session, client.now(), transmit.attempt, response);
            late
        });
        late.join().unwrap().unwrap();
    });
    client.session(|session| assert_eq!(session.last_used(), Some(client.now())));
}
