//! Sharing: any number of threads share one session, one login and its failure.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use thingspace_core::session::{Event, Exchange, Observer, Outcome};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    held::HeldLogin,
    stage::{IDLE, LONG, Stage, account},
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

pub(crate) fn a_thread_that_panics_during_the_login_leaves_it_to_another<C: Client>() {
    let stage = Stage::<C>::new();
    let login = HeldLogin::new();
    let client = stage.builder().observer(login.watch).build().unwrap();

    let start = Instant::now();
    thread::scope(|scope| {
        let unlucky = scope.spawn(|| client.call(account()));
        login.is_held.recv().unwrap();
        let (starts, started) = mpsc::channel();
        let others = [(); 10].map(|()| {
            let (client, starts) = (&client, starts.clone());
            scope.spawn(move || {
                starts.send(()).unwrap();
                client.call(account())
            })
        });
        assert_eq!(started.iter().take(others.len()).count(), others.len());
        login.go_on.send(|| panic!("during the login")).unwrap();
        assert!(unlucky.join().is_err());
        for other in others {
            other.join().unwrap().unwrap();
        }
    });
    assert!(start.elapsed() < LONG, "a thread was left waiting");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 10);
}

/// The moment at which an observer panics, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panics {
    /// In the same step that begins the next login.
    WhenIdle,
    BeforeTheLogin,
    AfterTheLogin,
}

struct PanicsOnce {
    panics: Panics,
    has_panicked: AtomicBool,
}

impl PanicsOnce {
    fn panic_at(&self, moment: Panics) {
        let panics = self.panics == moment && !self.has_panicked.swap(true, Ordering::Relaxed);
        assert!(!panics, "{moment:?}");
    }
}

impl Observer for PanicsOnce {
    fn event(&self, event: &Event) {
        if *event == Event::SessionIdle {
            self.panic_at(Panics::WhenIdle);
        }
    }

    fn sending(&self, exchange: &Exchange) {
        if exchange.path().ends_with("/login") {
            self.panic_at(Panics::BeforeTheLogin);
        }
    }

    fn received(&self, exchange: &Exchange, _: &Outcome<'_>) {
        if exchange.path().ends_with("/login") {
            self.panic_at(Panics::AfterTheLogin);
        }
    }
}

pub(crate) fn an_observer_that_panics_leaves_the_login_to_others<C: Client>() {
    let logins_after = [
        (Panics::WhenIdle, 2),
        (Panics::BeforeTheLogin, 2),
        // The service has executed the login, and its response was lost.
        (Panics::AfterTheLogin, 3),
    ];
    for (panics, logins) in logins_after {
        let stage = Stage::<C>::new();
        let first = stage.client();
        first.log_in().unwrap();
        let opened = first.session(|session| session.snapshot());
        let has_panicked = AtomicBool::new(false);
        let client = stage
            .builder()
            .restore(opened)
            .observer(PanicsOnce {
                panics,
                has_panicked,
            })
            .build()
            .unwrap();
        stage.pass(IDLE);

        let start = Instant::now();
        let unlucky = catch_unwind(AssertUnwindSafe(|| client.call(account())));
        assert!(unlucky.is_err(), "{panics:?}");
        crowd(&client);
        assert!(
            start.elapsed() < LONG,
            "{panics:?}: a thread was left waiting"
        );
        assert_eq!(stage.seen(Call::LogIn), logins, "{panics:?}");
        assert_eq!(stage.done(Call::Account), CROWD);
    }
}

pub(crate) fn an_observer_that_always_panics_ends_calls_and_nothing_else<C: Client>() {
    struct Broken;
    impl Observer for Broken {
        fn event(&self, event: &Event) {
            panic!("{event}");
        }

        fn received(&self, exchange: &Exchange, _: &Outcome<'_>) {
            assert!(!exchange.path().ends_with("/login"));
        }
    }
    let stage = Stage::<C>::new();
    let client = stage.builder().observer(Broken).build().unwrap();
    for _ in 0..5 {
        let outcome = catch_unwind(AssertUnwindSafe(|| client.log_in()));
        assert!(!matches!(outcome, Ok(Ok(_))));
    }
    assert!(stage.seen(Call::LogIn) <= 2);
    assert!(!stage.is_locked());
}
