//! Logins, and the state of the guard and the session.

use std::time::Duration;

use thingspace_scenarios::{EventSender, LONG, MINUTE, account, credentials};
use thingspace_simulator::{Call, Fault, Simulator};
use thingspace_ureq::core::{Session, session::Event};

use crate::story::Story;

const SUCCEEDED: &str = r#"thingspace.logins{outcome="succeeded"}"#;
const REFUSED: &str = r#"thingspace.logins{outcome="refused"}"#;
const LOST: &str = r#"thingspace.logins{outcome="lost"}"#;

#[test]
fn a_day_of_a_session_is_counted() {
    let story = Story::new();
    let client = story.client();
    client.call(account()).unwrap();
    story.assert_counted("thingspace.token_fetches", 1);
    story.assert_counted(SUCCEEDED, 1);
    client.reset_password().unwrap();
    story.assert_counted("thingspace.resets", 1);
    client.log_out().unwrap();
    story.assert_counted("thingspace.logouts", 1);
    client.log_in().unwrap();
    story.assert_counted(SUCCEEDED, 2);
    story.assert_counted(r#"thingspace.events{event="logged_in"}"#, 2);
    story.assert_counted(r#"thingspace.events{event="password_changed"}"#, 1);
    for never in [REFUSED, LOST, "thingspace.replays", "thingspace.retries"] {
        story.assert_counted(never, 0);
    }
}

#[test]
fn the_state_of_a_session_is_recorded_as_of_now() {
    let story = Story::new();
    let client = story.client();
    story.record(&client);
    story.assert_gauge("thingspace.guard.open", 1.0);

    client.log_in().unwrap();
    story.assert_counted(SUCCEEDED, 1);
    story.stage.pass(5 * MINUTE);
    story.record(&client);
    let gauges = [
        ("guard.open", 1.0..=1.0),
        ("guard.attempts_left", 2.0..=2.0),
        ("guard.failed_logins", 0.0..=0.0),
        ("session.open", 1.0..=1.0),
        ("session.age", 300.0..=330.0),
        // It is renewed a minute before the hour is over.
        ("bearer.time_left", 54.0 * 60.0 - 30.0..=54.0 * 60.0),
        ("login.delay", 0.0..=0.0),
    ];
    let seen = gauges.clone().map(|(gauge, _)| gauge);
    // The first look takes them all.
    let values = story.gauges(seen.map(|gauge| format!("thingspace.{gauge}")));
    for ((gauge, range), value) in gauges.into_iter().zip(values) {
        assert!(range.contains(&value), "{gauge}: {value}");
    }
}

#[test]
fn a_login_that_is_refused_blocks_the_guard_until_somebody_opens_it() {
    let story = Story::new();
    let wrong = story.client_of(story.stage.options_with("not-the-one"));
    story.record(&wrong);
    story.assert_gauge("thingspace.guard.open", 1.0);
    wrong.log_in().unwrap_err();
    story.assert_counted(REFUSED, 1);
    story.assert_counted(
        r#"thingspace.logins.blocked{reason="wrong_credentials"}"#,
        1,
    );
    story.record(&wrong);
    let names = ["open", "attempts_left", "failed_logins"];
    let values = story.gauges(names.map(|name| format!("thingspace.guard.{name}")));
    assert_eq!(values, [0.0, 0.0, 1.0]);

    let right = credentials(Simulator::PASSWORD);
    wrong
        .session(|session| session.set_credentials(right))
        .unwrap();
    // Nobody has recorded it: the event sets it.
    story.assert_gauge("thingspace.guard.open", 1.0);
    wrong.log_in().unwrap();
    story.assert_counted(SUCCEEDED, 1);
}

#[test]
fn a_blocked_guard_is_seen_without_a_record() {
    let story = Story::new();
    let (sender, events) = EventSender::new();
    let client = story
        .builder(story.stage.options(), sender)
        .build()
        .unwrap();
    client.log_in().unwrap();
    story.record(&client);
    story.stage.inject(Call::ResetPassword, Fault::Drop);
    client.reset_password().unwrap_err();
    let blocked = |event: Event| matches!(event, Event::LoginsBlocked { .. });
    while !blocked(events.recv_timeout(LONG).unwrap()) {}
    // It was recorded as 1.
    assert_eq!(story.gauges(["thingspace.guard.open".to_owned()]), [0.0]);
    story.assert_counted(
        r#"thingspace.logins.blocked{reason="password_in_doubt"}"#,
        1,
    );
    client.session(Session::unblock);
    story.assert_gauge("thingspace.guard.open", 1.0);
}

#[test]
fn a_login_that_is_lost_delays_the_next() {
    let story = Story::new();
    let mut options = story.stage.options();
    options.settings.longest_wait = Duration::ZERO;
    let client = story.client_of(options);
    story.stage.inject(Call::LogIn, Fault::Drop.after_acting());
    client.log_in().unwrap_err();
    // The event says how many are left.
    story.assert_gauge("thingspace.guard.attempts_left", 1.0);
    story.assert_counted(LOST, 1);
    story.record(&client);
    let names = ["guard.attempts_left", "guard.failed_logins", "login.delay"];
    let [left, failed, delay] = story.gauges(names.map(|name| format!("thingspace.{name}")));
    assert_eq!((left, failed), (1.0, 1.0));
    assert!((1.0..=30.0).contains(&delay), "{delay}");

    story.stage.pass(MINUTE);
    client.log_in().unwrap();
    story.assert_counted(SUCCEEDED, 1);
    story.assert_counted(REFUSED, 0);
}

#[test]
fn a_pause_that_the_service_asks_for_delays_the_next_login() {
    let story = Story::new();
    let mut options = story.stage.options();
    options.settings.longest_wait = Duration::ZERO;
    let client = story.client_of(options);
    let retry_after = Some("600".parse().unwrap());
    let throttled = Fault::Throttled { retry_after };
    story.stage.inject(Call::BearerToken, throttled);
    client.log_in().unwrap_err();
    story.record(&client);
    let [delay] = story.gauges(["thingspace.login.delay".to_owned()]);
    assert!((570.0..=660.0).contains(&delay), "{delay}");
}

#[test]
fn every_counter_is_there_before_anything_is_counted() {
    let story = Story::new();
    story.record(&story.client());
    let counters = story.counters();
    assert!(counters.values().all(|count| *count == 0));
    let blocked = |reason| format!("thingspace.logins.blocked{{reason={reason:?}}}");
    for counter in [
        SUCCEEDED,
        REFUSED,
        LOST,
        "thingspace.token_fetches",
        "thingspace.logouts",
        "thingspace.resets",
        "thingspace.replays",
        "thingspace.retries",
        "thingspace.store.conflicts",
        "thingspace.store.failures",
        &blocked("wrong_credentials"),
        &blocked("cant_be_sent"),
        &blocked("budget_spent"),
        &blocked("password_in_doubt"),
        &blocked("awaiting_confirmation"),
        &blocked("password_outdated"),
    ] {
        assert!(counters.contains_key(counter), "{counter}");
    }
    assert_eq!(counters.len(), 16);
}
