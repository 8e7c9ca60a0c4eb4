//! Sharing: any number of threads share one session, one login and its failure.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    Completion, Endpoint, Environment, Error, InvalidResponse, RequestError, WithSession,
    session::{CallId, Event, Exchange, ExchangeResult, Observer, OperationKind, Wait, WaitReason},
};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    held::HeldRequest,
    stage::{IDLE, LONG, Stage, account},
    watch::EventSender,
};

const CROWD: u64 = 50;

/// Calls for the account on many threads at once.
fn crowd(client: &impl Client) {
    thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| client.call(account()).unwrap());
        }
    });
}

pub(crate) fn law_1_a_crowd_that_opens_a_session_makes_one_login<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    // Long enough for all threads to need the login.
    stage.inject(Call::LogIn, Fault::Delay(Duration::from_millis(100)));
    let start = Instant::now();
    crowd(&client);
    assert!(start.elapsed() < LONG, "a thread was not woken");
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), CROWD);
    assert_eq!(stage.seen(Call::Account), CROWD);
}

pub(crate) fn law_1_a_crowd_whose_session_is_idle_makes_one_login<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    stage.pass(IDLE);
    stage.inject(Call::LogIn, Fault::Delay(Duration::from_millis(100)));
    crowd(&client);
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.seen(Call::Account), CROWD);
}

pub(crate) fn law_7_a_crowd_whose_session_is_refused_makes_one_login<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    // The client's clock stands still.
    stage.server.advance(IDLE);
    crowd(&client);
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.done(Call::Account), CROWD);
}

pub(crate) fn law_1_a_crowd_with_an_expired_bearer_fetches_one_bearer<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    stage.pass(IDLE * 3);
    stage.inject(Call::BearerToken, Fault::Delay(Duration::from_millis(100)));
    crowd(&client);
    assert_eq!(stage.seen(Call::BearerToken), 2);
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.seen(Call::Account), CROWD);
}

pub(crate) fn clones_share_the_session<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let clone = client.clone();
    let token = clone.log_in().unwrap();
    assert_eq!(client.log_in().unwrap(), token);
    drop(clone);
    assert_eq!(client.log_out().unwrap(), Some(token));
    assert_eq!(stage.seen(Call::LogIn), 1);
}

pub(crate) fn a_client_can_be_formatted_while_its_session_is_in_use<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let shown = client.session(|_| format!("{client:?}"));
    assert!(shown.contains("Client(in use)"), "{shown}");
    assert!(format!("{client:?}").contains("Client(Session"));
}

/// An observer that panics once, on the thread of a call that waits for the login.
struct PanicsDuringTheLogin(AtomicBool);

impl Observer for PanicsDuringTheLogin {
    fn waiting(&self, wait: &Wait) {
        let is_login = wait.reason == WaitReason::Operation(OperationKind::LogIn);
        assert!(!is_login || self.0.swap(true, Ordering::Relaxed));
    }
}

pub(crate) fn law_14_a_thread_that_panics_during_the_login_does_not_end_it<C: Client>() {
    let stage = Stage::<C>::new();
    let login = HeldRequest::login();
    let panics = PanicsDuringTheLogin(AtomicBool::new(false));
    let builder = stage.builder().observer((login.watch, panics));
    let client = builder.build().unwrap();

    let start = Instant::now();
    thread::scope(|scope| {
        let unlucky = scope.spawn(|| client.call(account()));
        login.is_held.recv().unwrap();
        assert!(unlucky.join().is_err());
        let (starts, started) = mpsc::channel();
        let others = [(); 10].map(|()| {
            let (client, starts) = (&client, starts.clone());
            scope.spawn(move || {
                starts.send(()).unwrap();
                client.call(account())
            })
        });
        assert_eq!(started.iter().take(others.len()).count(), others.len());
        assert_eq!(stage.seen(Call::LogIn), 0);
        login.go_on.send(|| ()).unwrap();
        for other in others {
            other.join().unwrap().unwrap();
        }
    });
    assert!(start.elapsed() < LONG, "a thread was left waiting");
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 10);
    client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
}

/// The moment at which an observer panics, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panics {
    /// In the same step that begins the next login.
    WhenIdle,
    BeforeTheLogin,
    AfterTheLogin,
    WhenLoggedIn,
}

struct PanicsOnce {
    panics: Panics,
    has_panicked: Arc<AtomicBool>,
}

impl PanicsOnce {
    fn panic_at(&self, moment: Panics) {
        let panics = self.panics == moment && !self.has_panicked.swap(true, Ordering::Relaxed);
        assert!(!panics, "{moment:?}");
    }
}

impl Observer for PanicsOnce {
    fn event(&self, event: &Event, _: Option<CallId>) {
        match event {
            Event::SessionIdle => self.panic_at(Panics::WhenIdle),
            Event::LoggedIn => self.panic_at(Panics::WhenLoggedIn),
            _ => {}
        }
    }

    fn sending(&self, exchange: &Exchange) {
        if exchange.path().ends_with("/login") {
            self.panic_at(Panics::BeforeTheLogin);
        }
    }

    fn received(&self, exchange: &Exchange, _: &ExchangeResult<'_>) {
        if exchange.path().ends_with("/login") {
            self.panic_at(Panics::AfterTheLogin);
        }
    }
}

pub(crate) fn law_14_an_observer_that_panics_during_a_login_does_not_end_it<C: Client>() {
    let moments = [
        Panics::WhenIdle,
        Panics::BeforeTheLogin,
        Panics::AfterTheLogin,
        Panics::WhenLoggedIn,
    ];
    for panics in moments {
        let stage = Stage::<C>::new();
        let first = stage.client();
        first.log_in().unwrap();
        let opened = first.session(|session| session.snapshot(first.now()));
        let has_panicked = Arc::new(AtomicBool::new(false));
        let client = stage
            .builder()
            .snapshot(opened)
            .observer(PanicsOnce {
                panics,
                has_panicked: Arc::clone(&has_panicked),
            })
            .build()
            .unwrap();
        stage.pass(IDLE);

        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| client.call(account())));
        let calls = u64::from(result.is_ok());
        if let Ok(response) = result {
            assert_eq!(response.unwrap().status(), 200, "{panics:?}");
        } else {
            // Only the call to which this is reported may end.
            assert_eq!(panics, Panics::WhenIdle);
        }
        crowd(&client);
        assert!(
            start.elapsed() < LONG,
            "{panics:?}: a thread was left waiting"
        );
        assert!(has_panicked.load(Ordering::Relaxed), "{panics:?}");
        assert_eq!(stage.seen(Call::LogIn), 2, "{panics:?}");
        assert_eq!(stage.done(Call::Account), CROWD + calls);
        client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
    }
}

/// An observer that always panics, without a message.
struct Broken;

impl Broken {
    fn panic() {
        resume_unwind(Box::new("the observer is broken"));
    }
}

impl Observer for Broken {
    fn event(&self, _: &Event, _: Option<CallId>) {
        Self::panic();
    }

    fn waiting(&self, _: &Wait) {
        Self::panic();
    }

    fn sending(&self, _: &Exchange) {
        Self::panic();
    }

    fn received(&self, _: &Exchange, _: &ExchangeResult<'_>) {
        Self::panic();
    }
}

/// Runs a call again and again, until it does not panic.
fn insist<T>(call: impl Fn() -> T) -> T {
    loop {
        if let Ok(result) = catch_unwind(AssertUnwindSafe(&call)) {
            return result;
        }
    }
}

pub(crate) fn law_14_an_observer_that_always_panics_ends_calls_and_no_operation<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.builder().observer(Broken).build().unwrap();
    for logins in 1..=5 {
        let token = insist(|| client.log_in()).unwrap();
        assert_eq!(client.log_in().unwrap(), token);
        assert_eq!(stage.seen(Call::LogIn), logins);
        // A request of the call's own is reported to the call, before it is sent.
        let result = catch_unwind(AssertUnwindSafe(|| client.call(account())));
        assert!(result.is_err());
        // A call that did not have to wait learns of its own logout.
        let ended = insist(|| client.log_out()).unwrap();
        assert!(ended.is_none_or(|ended| ended == token));
        assert_eq!(client.log_out().unwrap(), None);
        assert_eq!(stage.seen(Call::LogOut), logins);
        client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
    }
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::Account), 0);
    assert_eq!(stage.failed_logins(), 0);
}

/// An observer that ends the unlucky threads as soon as they have to wait.
struct EndsTheUnlucky;

thread_local! {
    static IS_UNLUCKY: Cell<bool> = const { Cell::new(false) };
}

impl Observer for EndsTheUnlucky {
    fn waiting(&self, _: &Wait) {
        if IS_UNLUCKY.get() {
            resume_unwind(Box::new("unlucky"));
        }
    }
}

pub(crate) fn law_14_a_thousand_calls_that_give_up_early_harm_no_login<C: Client>() {
    const PATIENCE: Duration = Duration::from_millis(100);
    let stage = Stage::<C>::new();
    let login = Fault::Delay(Duration::from_millis(1500));
    stage.inject(Call::LogIn, login);
    let (events, reported) = EventSender::new();
    let observer = (EndsTheUnlucky, events);
    let client = stage.builder().observer(observer).build().unwrap();
    let hasty_call = || {
        let call = stage.call(account()).with_deadline(client.now() + PATIENCE);
        client.run(call)
    };
    // Only once the session is open may a call do anything but wait.
    let assert_harmless = |result: Result<Completion, Error>| {
        let has_waited =
            matches!(&result, Err(error) if error.is_timed_out() && error.is_never_sent());
        let is_open = client.session(|session| session.session_token().is_some());
        assert!(has_waited || is_open, "{result:?}");
    };

    thread::scope(|scope| {
        for number in 0..1000 {
            scope.spawn(move || {
                IS_UNLUCKY.set(number % 4 == 0);
                match catch_unwind(AssertUnwindSafe(hasty_call)) {
                    Ok(result) => assert_harmless(result),
                    Err(_) => assert!(IS_UNLUCKY.get()),
                }
            });
        }
    });
    // On a slow machine all of them may have been late. Others are as hasty.
    while !reported.try_iter().any(|event| event == Event::LoggedIn) {
        assert_harmless(hasty_call());
    }

    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.failed_logins(), 0);
    client.session(|session| {
        assert_eq!(session.operation(), None);
        let guard = session.login_guard();
        assert_eq!((guard.failed_logins, guard.last_failure), (0, None));
    });
}

thread_local! {
    /// The act to perform while a response is read on this thread.
    static WHILE_READING: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// An endpoint that makes another call while it builds, and one while it reads.
struct Nested<C>(C);

/// Calls for the account on another thread, and waits for it.
fn call_elsewhere<C: Client>(client: &C) {
    thread::scope(|scope| {
        let other = scope.spawn(|| client.call(account()).unwrap());
        other.join().unwrap();
    });
}

impl<C: Client> Endpoint for Nested<C> {
    type Auth = WithSession;
    type Output = Bytes;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        call_elsewhere(&self.0);
        let act = move || call_elsewhere(&self.0);
        WHILE_READING.set(Some(Box::new(act)));
        account().build(environment)
    }

    fn read(response: &Response<Bytes>) -> Result<Bytes, InvalidResponse> {
        WHILE_READING.take().expect("built on this thread")();
        Ok(response.body().clone())
    }
}

pub(crate) fn law_13_endpoints_build_and_read_with_nothing_locked<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(Nested(client.clone())).unwrap();
    assert_eq!(stage.done(Call::Account), 3);
}
