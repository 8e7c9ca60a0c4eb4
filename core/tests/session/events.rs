//! What a session tells of itself.

use thingspace_core::{
    ErrorCode,
    session::{Event, FlightKind, GateReason, MAX_EVENTS},
};

use crate::scenario::*;

/// A call that finds its session refused and logs in anew.
fn relogs_in(s: &mut Scenario) {
    let mut call = Actor::reads();
    call.sends(s, What::Work);
    call.hears(s, session_expired());
    call.logs_in(s, "another");
    call.works(s);
}

#[test]
fn a_day_in_the_life_of_a_session_is_told_in_order() {
    let mut s = Scenario::new();
    let morning = s.now;
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.works(&mut s);
    relogs_in(&mut s);

    s.pass(20 * MINUTE);
    let mut call = Actor::reads();
    call.logs_in(&mut s, "session-3");
    call.sends(&mut s, What::Work);
    call.hears(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    let noon = s.now;
    call.works(&mut s);

    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, new_password("Wh0a"));
    let mut out = Actor::log_out();
    out.sends(&mut s, What::LogOut);
    out.hears(&mut s, session("session-3"));

    let renew_at = |asked| Event::BearerFetched {
        renew_at: asked + 59 * MINUTE,
    };
    assert_eq!(
        s.events(),
        [
            renew_at(morning),
            Event::LoggedIn,
            Event::SessionRefused,
            Event::LoggedIn,
            Event::SessionIdle,
            Event::LoggedIn,
            Event::BearerRefused,
            renew_at(noon),
            Event::PasswordChanged,
            Event::LoggedOut,
        ]
    );
}

#[test]
fn a_bad_day_in_the_life_of_a_session_is_told_in_order() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, answer(503, ""));
    let until = call.waits(&mut s).until;
    assert_eq!(s.events(), [Event::Paused { until }]);

    s.pass_until(until);
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer_for("bearer-1", 24 * 3600));
    call.sends(&mut s, What::LogIn);
    s.events();
    call.hears(&mut s, refused("REQUEST_FAILED.Unclear"));
    let mut call = Actor::log_in();
    call.sends(&mut s, What::LogIn);
    call.hears(&mut s, wrong_password());
    let code = |code: &str| ErrorCode::read(&format!("UnifiedWebService.{code}"));
    assert_eq!(
        s.events(),
        [
            Event::LoginRefused {
                code: code("REQUEST_FAILED.Unclear"),
                attempts_left: 1
            },
            Event::LoginRefused {
                code: code("INPUT_INVALID.Password.Incorrect"),
                attempts_left: 0
            },
            Event::GateClosed {
                reason: GateReason::WrongCredentials {
                    code: code("INPUT_INVALID.Password.Incorrect")
                }
            },
        ]
    );

    s.session.set_credentials(credentials("right"));
    let mut call = Actor::log_in();
    let sent = call.sends(&mut s, What::LogIn);
    drop(call);
    s.pass_until(sent.deadline + MINUTE);
    let mut call = Actor::log_in();
    call.logs_in(&mut s, "session-1");
    relogs_in(&mut s);
    relogs_in(&mut s);
    assert_eq!(
        s.events()[..5],
        [
            Event::GateOpened,
            Event::FlightLapsed {
                kind: FlightKind::LogIn
            },
            Event::LoginLost { attempts_left: 1 },
            Event::LoggedIn,
            Event::SessionRefused,
        ]
    );
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, session_expired());
    let until = s.now + MINUTE;
    assert_eq!(s.events(), [Event::SessionRefused, Event::Braked { until }]);
}

#[test]
fn a_budget_that_is_spent_is_told_after_the_login_that_spent_it() {
    for (heard, event) in [
        (
            refused("REQUEST_FAILED.Unclear"),
            Event::LoginRefused {
                code: ErrorCode::read("UnifiedWebService.REQUEST_FAILED.Unclear"),
                attempts_left: 0,
            },
        ),
        (lost(), Event::LoginLost { attempts_left: 0 }),
        (answer(200, "{}"), Event::LoginLost { attempts_left: 0 }),
    ] {
        let mut s = Scenario::new();
        let mut call = Actor::log_in();
        call.fetches(&mut s, "bearer-1");
        for _ in 0..2 {
            s.events();
            s.pass(MINUTE);
            let mut call = Actor::log_in();
            call.sends(&mut s, What::LogIn);
            call.hears(&mut s, heard.clone());
        }
        let events = s.events();
        assert_eq!(
            events[..2],
            [
                event,
                Event::GateClosed {
                    reason: GateReason::BudgetSpent
                }
            ]
        );
    }
}

#[test]
fn a_gate_that_a_reset_closed_is_told_to_be_closed_once() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, What::Reset);
    s.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut s);
    // Its carrier comes to the same end a little later.
    reset.fails(&mut s);
    let closed = s
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::GateClosed { .. }));
    assert_eq!(closed.count(), 1);
}

#[test]
fn what_changes_nothing_is_no_event() {
    let mut s = Scenario::open();
    Actor::reads().works(&mut s);
    Actor::log_in().ends(&mut s).unwrap();
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, answer(404, ""));
    call.fails(&mut s);
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.abandons(&mut s);
    s.session.set_credentials(credentials("IMgr8"));
    assert_eq!(s.events(), []);
}

#[test]
fn events_that_nobody_drains_are_kept_up_to_a_number_and_the_oldest_go_first() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session");
    for _ in 0..MAX_EVENTS {
        let mut out = Actor::log_out();
        out.sends(&mut s, What::LogOut);
        out.hears(&mut s, session("session"));
        Actor::log_in().logs_in(&mut s, "session");
    }
    let events = s.events();
    assert_eq!(events.len(), MAX_EVENTS);
    let oldest = |event: &Event| matches!(event, Event::BearerFetched { .. });
    assert!(!events.iter().any(oldest), "the oldest");
    assert_eq!(events.last(), Some(&Event::LoggedIn), "the newest");
    assert_eq!(s.session.poll_event(), None);
}

#[test]
fn every_event_says_what_happened_in_one_sentence() {
    let until = Scenario::new().now;
    let code = || ErrorCode::read("S.REQUEST_FAILED.Unclear");
    for (event, sentence) in [
        (
            Event::BearerFetched { renew_at: until },
            "a bearer token was fetched",
        ),
        (Event::BearerRefused, "the bearer token was refused"),
        (Event::LoggedIn, "logged in"),
        (Event::SessionIdle, "the session was idle for too long"),
        (Event::SessionRefused, "the session token was refused"),
        (
            Event::LoginRefused {
                code: code(),
                attempts_left: 1,
            },
            "a login was refused (S.REQUEST_FAILED.Unclear); 1 more may fail",
        ),
        (
            Event::LoginRefused {
                code: None,
                attempts_left: 0,
            },
            "a login was refused; 0 more may fail",
        ),
        (
            Event::LoginLost { attempts_left: 1 },
            "a login got no answer; 1 more may fail",
        ),
        (
            Event::GateClosed {
                reason: GateReason::BudgetSpent,
            },
            "no login will be made: as many logins failed or were lost as may; find out why, then give other credentials, or re-arm the guard if that does not open it",
        ),
        (
            Event::GateClosed {
                reason: GateReason::WrongCredentials { code: code() },
            },
            "no login will be made: the service says that the credentials are wrong (S.REQUEST_FAILED.Unclear); give other ones, or re-arm the guard if you know that they are right",
        ),
        (
            Event::GateClosed {
                reason: GateReason::PasswordUnknown,
            },
            "no login will be made: the answer to a password reset is lost, so the password may be wrong; give the one that is right, or re-arm the guard to try the old one",
        ),
        (Event::GateOpened, "logins are made again"),
        (Event::PasswordChanged, "the password was changed"),
        (Event::LoggedOut, "logged out"),
        (
            Event::Braked { until },
            "sessions keep dying after login; logins pause",
        ),
        (
            Event::Paused { until },
            "a token could not be had; a pause is made",
        ),
        (
            Event::FlightLapsed {
                kind: FlightKind::TokenFetch,
            },
            "the token fetch did not come back in time",
        ),
        (
            Event::FlightLapsed {
                kind: FlightKind::LogOut,
            },
            "the logout did not come back in time",
        ),
    ] {
        assert_eq!(event.to_string(), sentence);
        // The same as in the code, as metrics write it.
        let debug = format!("{event:?}");
        let camel = debug.split(' ').next().unwrap();
        let snake = camel.chars().flat_map(|c| {
            let parted = c.is_ascii_uppercase().then_some('_');
            parted.into_iter().chain([c.to_ascii_lowercase()])
        });
        assert!(snake.skip(1).eq(event.name().chars()), "{}", event.name());
    }
}
