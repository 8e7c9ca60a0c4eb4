//! Limits: no response takes more memory or time than the settings allow.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use http::StatusCode;
use thingspace_core::{Fate, session};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    held::HeldLogin,
    stage::{LONG, Stage, account, devices, server_that, settings, settings_with_short_timeouts},
};

/// The time to a near deadline. It is long enough for a request to be sent.
const SOON: Duration = Duration::from_secs(1);

pub(crate) fn law_10_an_endless_response_is_cut<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    stage.inject(Call::Account, Fault::Endless);
    let error = client.call(account()).unwrap_err();
    assert!(error.is_malformed(), "{error}");
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
    assert!(client.log_in().unwrap_err().is_fate_unknown());
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
    assert!(error.is_malformed(), "{error}");
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
    assert!(error.is_fate_unknown(), "{error}");
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
    let call = session::Call::new(account()).with_deadline(client.now() + SOON);
    let error = client.run(call).unwrap_err();
    assert!(error.is_timed_out() && error.is_fate_unknown(), "{error}");
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen(Call::Account), 1);
}

pub(crate) fn law_12_a_deadline_that_has_passed_sends_nothing<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let call = session::Call::new(account()).with_deadline(client.now());
    let error = client.run(call).unwrap_err();
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");
    assert_eq!(stage.seen_in_all(), 0);
}

pub(crate) fn law_12_a_deadline_ends_a_call_that_waits_for_the_login_of_another<C: Client>() {
    let stage = Stage::<C>::new();
    let login = HeldLogin::new();
    let client = stage.builder().observer(login.watch).build().unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| client.call(account()));
        login.is_held.recv().unwrap();
        let deadline = client.now() + Duration::from_millis(50);
        let call = session::Call::new(account()).with_deadline(deadline);
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
    let call = session::Call::new(account()).with_deadline(client.now() + SOON * 10);
    let error = client.run(call).unwrap_err();
    assert_eq!(error.fate(), Fate::Unknown, "{error}");
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen(Call::Account), 1);
}
