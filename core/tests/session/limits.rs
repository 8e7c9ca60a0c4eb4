//! The limits in the guide, row by row: at the limit all is well, and one beyond it is
//! refused.

use std::{num::NonZeroU32, time::Duration};

use thingspace_core::{
    Endpoint, MAX_TOKEN_LENGTH, Refusal,
    api::{Error, LogIn},
    response::MAX_CODE_LENGTH,
    session::{LONGEST_REQUESTED_BACKOFF, MAX_EVENTS, MaxFailedLogins, Settings},
};

use crate::scenario::*;

/// The page.
const LIMITS: &str = include_str!("../../src/guide/limits.md");

/// The limit in the row that is called so, or that is set by this.
#[track_caller]
fn documented(row: &str) -> &'static str {
    let link = format!("[`{row}`]");
    let rows = LIMITS.lines().filter_map(|line| {
        let columns = line.strip_prefix("| ")?.strip_suffix('|')?;
        let columns: Vec<_> = columns.split('|').map(str::trim).collect();
        <[&str; 4]>::try_from(columns).ok()
    });
    let mut limits = rows.filter_map(|[what, limit, _source, set_by]| {
        let is_row = set_by.contains(&link) || what == row;
        is_row.then_some(limit)
    });
    let limit = limits.next().expect("no such row");
    assert_eq!(limits.next(), None, "a second row");
    limit
}

/// A success with a body of this length.
fn of_length(length: usize) -> Received {
    response(200, &"x".repeat(length))
}

const MIB: usize = 1024 * 1024;

#[test]
fn the_guide_has_the_defaults_of_the_settings() {
    let defaults = Settings::default();
    for (row, opening, default) in [
        ("clock_skew", "60 seconds", defaults.clock_skew),
        ("idle_timeout", "19 minutes", defaults.idle_timeout),
        ("login_interval", "30 seconds", defaults.login_interval),
        (
            "first_probe_after",
            "30 minutes",
            defaults.first_probe_after,
        ),
        ("next_probe_after", "2 hours", defaults.next_probe_after),
        (
            "longest_check_pause",
            "10 minutes",
            defaults.longest_check_pause,
        ),
    ] {
        let limit = documented(&format!("Settings::{row}"));
        let (number, unit) = opening.split_once(' ').unwrap();
        let unit = match unit {
            "seconds" => SECOND,
            "minutes" => MINUTE,
            _ => HOUR,
        };
        assert!(limit.starts_with(opening), "{row}: {limit}");
        assert_eq!(default, number.parse::<u32>().unwrap() * unit, "{row}");
    }
}

#[test]
fn law_10_the_body_of_a_response() {
    assert_eq!(documented("Settings::max_body"), "16 MiB");
    for (length, taken) in [(16 * MIB, true), (16 * MIB + 1, false)] {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        let sent = call.sends(&mut s, Purpose::Work);
        assert_eq!(sent.read_limit, 16 * MIB + 1);
        call.receives(&mut s, of_length(length));
        assert_eq!(call.ends(&mut s).is_ok(), taken, "{length}");
    }
}

#[test]
fn law_10_a_token() {
    assert_eq!(documented("MAX_TOKEN_LENGTH"), "8 KiB of visible ASCII");
    assert_eq!(MAX_TOKEN_LENGTH, 8 * 1024);
    for (length, taken) in [(MAX_TOKEN_LENGTH, true), (MAX_TOKEN_LENGTH + 1, false)] {
        let token = "t".repeat(length);
        let mut s = Scenario::new();
        let mut login = Actor::log_in();
        login.fetches(&mut s, &token);
        assert_eq!(s.session.bearer_token().is_some(), taken, "{length}");

        let mut s = Scenario::new();
        let mut login = Actor::log_in();
        login.fetches(&mut s, "bearer-1");
        login.logs_in(&mut s, &token);
        assert_eq!(s.session.session_token().is_some(), taken, "{length}");
    }
    for invisible in [" ", "\u{7f}", "\u{e9}"] {
        let mut s = Scenario::new();
        Actor::log_in().fetches(&mut s, invisible);
        assert!(s.session.bearer_token().is_none(), "{invisible:?}");
    }
}

#[test]
fn law_10_an_error_code() {
    assert_eq!(documented("MAX_CODE_LENGTH"), "256 bytes of visible ASCII");
    assert_eq!(MAX_CODE_LENGTH, 256);
    let known = |code: &str| {
        let refusal = Refusal::read(refused(code).unwrap());
        refusal.code().is_some()
    };
    let service = "UnifiedWebService.".len();
    let rest = MAX_CODE_LENGTH - service;
    assert!(known(&"C".repeat(rest)));
    assert!(!known(&"C".repeat(rest + 1)));
    assert!(!known("REQUEST FAILED"));
}

#[test]
fn law_10_the_depth_of_json() {
    assert!(documented("depth of JSON").starts_with("any"));
    let (open, close) = ("[".repeat(1_000_000), "]".repeat(1_000_000));
    let beside = format!(r#"{{"deep":{open}{close},"sessionToken":"session-1"}}"#);
    let read = LogIn::parse(response(200, &beside).unwrap()).unwrap();
    assert_eq!(read.body().session_token.expose(), "session-1");
    let instead = format!(r#"{{"sessionToken":{open}{close}}}"#);
    let error = LogIn::parse(response(200, &instead).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
}

#[test]
fn law_2_failed_logins() {
    assert_eq!(
        documented("Settings::max_failed_logins"),
        "2, with one password"
    );
    assert_eq!(Settings::default().max_failed_logins.number(), 2);
    assert!(MaxFailedLogins::new(4).is_ok() && MaxFailedLogins::new(5).is_err());
    let mut s = Scenario::new();
    for _ in 1..=2 {
        s.pass(LOGIN_INTERVAL);
        let mut call = Actor::log_in();
        call.fetches(&mut s, "bearer-1");
        call.sends(&mut s, Purpose::LogIn);
        call.receives(&mut s, unclear());
        call.fails(&mut s);
    }
    assert!(Actor::log_in().fails(&mut s).is_blocked());
}

#[test]
fn law_12_the_failures_of_one_call() {
    assert_eq!(documented("Settings::max_attempts"), "3");
    assert_eq!(
        Settings::default().max_attempts,
        const { NonZeroU32::new(3).unwrap() }
    );
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    for failure in 1..=3 {
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(503, ""));
        if failure < 3 {
            let wait = call.waits(&mut s);
            s.pass_until(wait.until);
        }
    }
    assert_eq!(call.fails(&mut s).status().unwrap(), 503);
}

#[test]
fn law_12_one_request() {
    assert_eq!(documented("Settings::attempt_timeout"), "30 seconds");
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    let fetch = call.sends(&mut s, Purpose::TokenFetch);
    assert_eq!(fetch.deadline, s.now + 30 * SECOND);
    call.receives(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, Purpose::LogIn);
    assert_eq!(login.deadline, s.now + 30 * SECOND);
    call.receives(&mut s, session("session-1"));
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(work.deadline, s.now + 30 * SECOND);
}

#[test]
fn law_12_one_wait_for_the_service() {
    assert_eq!(documented("Settings::longest_wait"), "60 seconds");
    // The jitter of up to half a second comes on top.
    for (asked, waits) in [("60", true), ("61", false)] {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, throttled(asked));
        if waits {
            let wait = call.waits(&mut s);
            assert!(wait.until.since(s.now) <= 60 * SECOND + 500 * MILLISECOND);
        } else {
            assert!(call.fails(&mut s).is_throttled());
        }
    }
}

#[test]
fn law_12_a_wait_that_is_just_as_long_as_may_be_is_made() {
    for (longest, waits) in [(HOUR, true), (HOUR.saturating_sub(MILLISECOND), false)] {
        // Without jitter the wait is known to the millisecond.
        let mut s = Scenario::open_with(settings(|s| {
            s.longest_wait = longest;
            s.first_backoff = Duration::ZERO;
        }));
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, throttled("3600"));
        if waits {
            assert_eq!(call.waits(&mut s).until, s.now + HOUR);
        } else {
            assert!(call.fails(&mut s).is_throttled());
        }
    }
}

#[test]
fn law_12_one_backoff_that_the_service_asks_all_calls_for() {
    let backoff = documented("LONGEST_REQUESTED_BACKOFF");
    assert_eq!(backoff, "10 minutes");
    assert_eq!(LONGEST_REQUESTED_BACKOFF, 10 * MINUTE);
    for (asked, until) in [("599", 599), ("601", 600), ("999999999", 600)] {
        let mut s = Scenario::with(settings(|s| s.first_backoff = Duration::ZERO));
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, throttled(asked));
        let error = call.fails(&mut s);
        assert_eq!(error.retry_at(), Some(s.now + until * SECOND), "{asked}");
    }
}

#[test]
fn law_10_events_that_nobody_drains() {
    assert_eq!(documented("MAX_EVENTS"), "the newest 64");
    assert_eq!(MAX_EVENTS, 64);
    let mut s = Scenario::open();
    for round in 0..MAX_EVENTS {
        let mut out = Actor::log_out();
        out.sends(&mut s, Purpose::LogOut);
        out.receives(&mut s, done());
        out.ends(&mut s).unwrap();
        Actor::log_in().logs_in(&mut s, &format!("session-{round}"));
    }
    assert_eq!(s.events().len(), MAX_EVENTS);
}
