//! Limits: no response takes more memory or time than the settings allow.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use http::StatusCode;
use thingspace_core::{
    Outcome, Timestamp,
    session::{Exchange, MaxFailedLogins, Observer},
};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{
    Client,
    held::HeldRequest,
    stage::{
        LONG, MINUTE, Stage, account, devices, server_that, settings, settings_with_short_timeouts,
    },
    time::ClientsTime,
    watch::EventSender,
};

/// The time to a near deadline. It is long enough for a request to be sent.
pub(crate) const SOON: Duration = Duration::from_secs(1);

pub(crate) fn law_10_an_endless_response_is_cut<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    stage.inject(Call::Account, Fault::Endless);
    let error = client.call(account()).unwrap_err();
    assert!(error.is_invalid_response(), "{error}");
    let length = error.response().unwrap().body().len();
    assert_eq!(length, settings().max_body + 1);
    assert_eq!(stage.seen(Call::Account), 1);

    client.call(account()).unwrap();
}

pub(crate) fn law_10_an_endless_refusal_is_cut<C: Client>() {
    let stage = Stage::<C>::new();
    let endless = server_that(|mut stream, _| {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    let client = stage.builder().environment(endless).build().unwrap();
    let error = client.log_in().unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    let length = error.response().unwrap().body().len();
    assert_eq!(length, settings().max_body + 1);
}

pub(crate) fn law_10_endless_headers_are_cut<C: Client>() {
    let stage = Stage::<C>::new();
    let endless = server_that(|mut stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        while stream.write_all(b"x-more: and more\r\n").is_ok() {}
    });
    let client = stage.builder().environment(endless).build().unwrap();
    let start = Instant::now();
    let error = client.log_in().unwrap_err();
    assert!(error.transport().unwrap().may_have_left(), "{error}");
    assert!(start.elapsed() < LONG);
}

pub(crate) fn a_response_of_the_largest_size_is_accepted_and_no_larger_one<C: Client>() {
    let stage = Stage::<C>::new();
    let length = stage.client().call(account()).unwrap().body().len();
    let with_max_body = |max_body| {
        let mut settings = settings();
        settings.max_body = max_body;
        stage.builder().settings(settings).build().unwrap()
    };
    let response = with_max_body(length).call(account()).unwrap();
    assert_eq!(response.body().len(), length);
    let error = with_max_body(length - 1).call(account()).unwrap_err();
    assert!(error.is_invalid_response(), "{error}");
}

pub(crate) fn law_12_a_request_to_a_service_that_hangs_times_out<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage
        .builder()
        .settings(settings_with_short_timeouts())
        .build()
        .unwrap();
    client.log_in().unwrap();
    stage.inject(Call::Devices, Fault::Hang);
    let start = Instant::now();
    let error = client.call(devices()).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen(Call::Devices), 1);

    client.call(devices()).unwrap();
}

pub(crate) fn law_12_a_deadline_ends_a_call_that_hangs<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    stage.inject(Call::Account, Fault::Hang);
    let start = Instant::now();
    let call = stage.call(account()).with_deadline(client.now() + SOON);
    let error = client.run(call).unwrap_err();
    assert!(
        error.is_timed_out() && error.is_outcome_unknown(),
        "{error}"
    );
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen(Call::Account), 1);
}

pub(crate) fn law_12_a_deadline_that_has_passed_sends_nothing<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let call = stage.call(account()).with_deadline(client.now());
    let error = client.run(call).unwrap_err();
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
    assert_eq!(stage.seen_in_all(), 0);
}

/// An observer that takes a long time before a request is sent.
struct Slow {
    end: &'static str,
    time: ClientsTime,
    takes: Duration,
    is_first: AtomicBool,
}

impl Observer for Slow {
    fn sending(&self, exchange: &Exchange) {
        if exchange.path().ends_with(self.end) && self.is_first.swap(false, Ordering::Relaxed) {
            self.time.pass(self.takes);
        }
    }
}

impl Slow {
    fn new<C>(stage: &Stage<C>, end: &'static str, takes: Duration) -> Self {
        Self {
            end,
            time: stage.clients_time(),
            takes,
            is_first: AtomicBool::new(true),
        }
    }
}

pub(crate) fn law_12_a_call_whose_deadline_passes_before_it_is_sent_is_not_sent<C: Client>() {
    let stage = Stage::<C>::new();
    let slow = Slow::new(&stage, Simulator::ACCOUNT, MINUTE);
    let client = stage.builder().observer(slow).build().unwrap();
    client.log_in().unwrap();
    let call = stage.call(account()).with_deadline(client.now() + MINUTE);
    let error = client.run(call).unwrap_err();
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
    assert_eq!(stage.seen(Call::Account), 0);

    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::Account), 1);
}

pub(crate) fn law_12_a_call_whose_step_takes_longer_than_its_deadline_is_not_sent<C: Client>() {
    let stage = Stage::<C>::new();
    let (looks, looked) = mpsc::channel();
    let clock = stage.options().clock;
    let is_watched = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&is_watched);
    let watched_clock = move || {
        let now = clock();
        if watched.swap(false, Ordering::Relaxed) {
            looks.send(()).unwrap();
        }
        now
    };
    let client = stage.builder().clock(watched_clock).build().unwrap();
    client.log_in().unwrap();
    let call = stage.call(account()).with_deadline(client.now() + MINUTE);

    let error = thread::scope(|scope| {
        // While somebody looks at the session, no call steps.
        client
            .session(|_| {
                is_watched.store(true, Ordering::Relaxed);
                let late = scope.spawn(|| client.run(call));
                looked.recv().unwrap();
                stage.clients_time().pass(MINUTE);
                late
            })
            .join()
            .unwrap()
            .unwrap_err()
    });
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
    assert_eq!(stage.seen(Call::Account), 0);
}

pub(crate) fn law_2_a_login_whose_deadline_passes_before_it_is_sent_does_not_count<C: Client>() {
    let stage = Stage::<C>::new();
    // Its lease is longer by a few seconds.
    let takes = settings().attempt_timeout + Duration::from_secs(1);
    let slow = Slow::new(&stage, "/login", takes);
    let (events, reported) = EventSender::new();
    let mut settings = settings();
    // If it counted, there would be no other.
    settings.max_failed_logins = MaxFailedLogins::new(1).unwrap();
    let builder = stage.builder().settings(settings).observer((slow, events));
    let client = builder.build().unwrap();
    client.log_in().unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
    // The events of two operations may be reported at the same time.
    let reported: BTreeSet<_> = reported.iter().take(3).map(|event| event.name()).collect();
    let expected = ["bearer_fetched", "backing_off", "logged_in"];
    assert_eq!(reported, expected.into());
}

pub(crate) fn law_12_a_deadline_passes_though_the_clock_is_set_back_again_and_again<C: Client>() {
    let stage = Stage::<C>::new();
    let login = HeldRequest::login();
    let clock = stage.options().clock;
    let looks = AtomicU64::new(0);
    // Each time it is looked at, it is set back by up to ten seconds, or forward again.
    let restless = move || {
        let back = looks.fetch_add(1, Ordering::Relaxed) % 5 * 2500;
        Timestamp::from_millis(clock().as_millis() - back)
    };
    let builder = stage.builder().clock(restless).observer(login.watch);
    let client = builder.build().unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| client.call(account()));
        login.is_held.recv().unwrap();
        let start = client.now();
        let deadline = start + Duration::from_millis(50);
        let call = stage.call(account()).with_deadline(deadline);
        let error = client.run(call).unwrap_err();
        assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
        assert!(client.now() >= deadline);
        login.go_on.send(|| ()).unwrap();
        other.join().unwrap().unwrap();
    });
    let mut latest = client.now();
    for _ in 0..100 {
        let now = client.now();
        assert!(now >= latest, "time ran backwards");
        latest = now;
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
}

pub(crate) fn law_12_a_deadline_ends_a_call_that_waits_for_the_login_of_another<C: Client>() {
    let stage = Stage::<C>::new();
    let login = HeldRequest::login();
    let client = stage.builder().observer(login.watch).build().unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| client.call(account()));
        login.is_held.recv().unwrap();
        let deadline = client.now() + Duration::from_millis(50);
        let call = stage.call(account()).with_deadline(deadline);
        let error = client.run(call).unwrap_err();
        assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
        login.go_on.send(|| ()).unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::Account), 1);
}

pub(crate) fn law_12_a_deadline_ends_a_call_that_would_back_off_beyond_it<C: Client>() {
    let stage = Stage::<C>::new();
    let mut settings = settings();
    settings.first_backoff = LONG * 2;
    settings.longest_backoff = LONG * 2;
    let client = stage.builder().settings(settings).build().unwrap();
    client.log_in().unwrap();
    stage.inject(Call::Account, Fault::Drop);
    let start = Instant::now();
    let call = stage
        .call(account())
        .with_deadline(client.now() + SOON * 10);
    let error = client.run(call).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen(Call::Account), 1);
}
