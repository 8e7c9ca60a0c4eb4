//! Probes: after two logins of which nobody knows whether they were judged, only few
//! more are made, and none on a service that is down.

use std::time::Duration;

use http::Method;
use thingspace_core::{Step, Timestamp, session::Operation};

use super::*;

/// The first probe, and the next one after it.
const FIRST_PROBE: Duration = Duration::from_secs(30 * 60);
const NEXT_PROBE: Duration = Duration::from_secs(2 * 60 * 60);

/// The pauses before the service checks of an outage.
const PAUSES: [u64; 9] = [30, 30, 60, 120, 240, 480, 600, 600, 600];

/// A call that may wait for as long as it takes.
fn patient() -> Settings {
    settings(|s| s.longest_wait = 30 * DAY)
}

/// A session after two lost logins, whose calls wait for as long as it takes.
fn patient_after_two_lost_logins() -> Scenario {
    let mut s = before_login_with(patient());
    let mut call = Actor::log_in().until(s.now + MINUTE);
    call.loses_login(&mut s);
    call.waits_out(&mut s);
    call.loses_login(&mut s);
    s.events();
    s
}

/// Drives a call until it sends a login. The API responds to all service checks.
#[track_caller]
fn checks_until_the_login(call: &mut Actor, s: &mut Scenario) {
    for _ in 0..100 {
        match call.step(s) {
            Step::Wait(wait) => sits_out(s, wait),
            Step::Send(sent) if Purpose::of(&sent.request) == Purpose::LogIn => return,
            Step::Send(sent) => {
                assert_eq!(Purpose::of(&sent.request), Purpose::Check);
                call.receives(s, api_responds());
            }
            other @ Step::Done(_) => panic!("expected to check or log in, got {other:?}"),
        }
    }
    panic!("no login comes");
}

#[test]
fn law_2_after_two_lost_logins_the_api_is_asked_before_the_next() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::reads();
    call.waits_out(&mut s);
    let check = call.sends(&mut s, Purpose::Check);
    assert_eq!(check.request.method(), Method::POST);
    assert_eq!(
        check.request.uri(),
        "https://mock.thingspace.verizon.com/api/m2m/v1/session/logout"
    );
    let headers = check.request.headers();
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "authorization", "content-length", "user-agent"]
    );
    assert_eq!(headers["content-length"], "0");
    assert_eq!(tokens(&check), ("Bearer bearer-1", ""));
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(body(&check), "");
    assert_eq!(check.deadline, s.now + 30 * SECOND);
    let operation = check.attempt.operation().unwrap();
    assert_eq!(operation.kind(), OperationKind::ServiceCheck);
    assert_eq!(s.session.operation(), Some(OperationKind::ServiceCheck));
    assert_eq!(s.session.login_guard().failed_logins, 2, "it is no login");
}

/// Checks that a response to a service check says whether the API responds: it was seen
/// to be down before, so that the next login is made at once if it does.
#[track_caller]
fn assert_responds(received: Received, responds: bool) {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.checks(&mut s, response(503, ""));
    call.waits_out(&mut s);
    let case = format!("{received:?}");
    call.checks(&mut s, received);
    match call.step(&mut s) {
        Step::Send(sent) => {
            assert_eq!(Purpose::of(&sent.request), Purpose::LogIn, "{case}");
            assert!(responds, "{case}");
        }
        Step::Wait(_) => assert!(!responds, "{case}"),
        other @ Step::Done(_) => panic!("{other:?} after {case}"),
    }
    assert_eq!(
        s.session.login_guard().failed_logins,
        2 + u32::from(responds)
    );
}

#[test]
fn only_a_code_about_the_session_token_is_the_apis_response_to_a_check() {
    for received in [
        refused("INPUT_INVALID.SessionToken.Missing"),
        refused("REQUEST_FAILED.SessionToken.Expired"),
        refused("REQUEST_FAILED.SessionToken.Format"),
        response(401, r#"{"errorCode":"S.INPUT_INVALID.SessionToken"}"#),
        response(
            404,
            r#"{"errorCode":"S.INPUT_INVALID.sessiontoken.Unknown"}"#,
        ),
        response(
            200,
            r#"{"errorCode":"S.INPUT_INVALID.SessionToken.Missing"}"#,
        ),
    ] {
        assert_responds(received, true);
    }
    for received in [
        lost(),
        not_sent(),
        response(200, ""),
        response(200, r#"{"sessionToken":"session-1"}"#),
        response(401, ""),
        response(404, "<html>"),
        response(503, ""),
        throttled("1"),
        unclear(),
        wrong_password(),
        response(403, r#"{"fault":{"code":900908}}"#),
        response(503, r#"{"fault":{"code":900802}}"#),
    ] {
        assert_responds(received, false);
    }
}

#[test]
fn the_pauses_between_service_checks_grow_up_to_ten_minutes() {
    for down in [true, false] {
        let mut s = patient_after_two_lost_logins();
        let start = s.now;
        let mut call = Actor::log_in();
        for pause in PAUSES {
            let until = call.waits(&mut s).until;
            let due = start + FIRST_PROBE;
            if !down && until == due {
                break;
            }
            assert_eq!(until.since(s.now).as_secs(), pause);
            s.pass_until(until);
            call.checks(&mut s, if down { lost() } else { api_responds() });
        }
        assert_eq!(s.session.login_guard().failed_logins, 2);
        assert_eq!(s.events(), []);
    }
}

#[test]
fn law_2_while_the_api_responds_a_probe_is_made_after_half_an_hour_and_one_two_hours_later() {
    let mut s = patient_after_two_lost_logins();
    for (after, failed) in [(FIRST_PROBE, 3), (NEXT_PROBE, 4)] {
        let due = s.now + after;
        let guard = s.session.login_guard();
        assert_eq!((guard.next_login, guard.attempts_left), (Some(due), 0));
        let mut call = Actor::log_in().until(due + MINUTE);
        checks_until_the_login(&mut call, &mut s);
        assert_eq!(s.now, due);
        assert_eq!(s.session.login_guard().failed_logins, failed);
        call.receives(&mut s, lost());
    }
    // That was the fourth.
    assert_eq!(
        s.session.login_guard().blocked,
        Some(BlockReason::BudgetSpent)
    );
    s.pass(30 * DAY);
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
}

#[test]
fn law_2_a_probe_that_is_due_is_not_made_on_a_service_that_is_down() {
    let mut s = after_two_lost_logins();
    s.pass(FIRST_PROBE);
    let mut call = Actor::log_in();
    call.checks(&mut s, response(503, ""));
    call.waits_out(&mut s);
    call.checks(&mut s, lost());
    assert_eq!(s.session.login_guard().failed_logins, 2);
    call.waits_out(&mut s);
    call.checks(&mut s, api_responds());
    call.logs_in(&mut s, "session-1");
    call.ends(&mut s).unwrap();
}

#[test]
fn the_first_probe_is_made_early_when_the_api_was_down_and_responds_again() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.checks(&mut s, response(503, ""));
    call.waits_out(&mut s);
    call.checks(&mut s, api_responds());
    call.sends(&mut s, Purpose::LogIn);
    // If it is lost as well, the next one is not early.
    call.receives(&mut s, lost());
    let next = s.now + NEXT_PROBE;
    assert_eq!(s.session.login_guard().next_login, Some(next));
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.checks(&mut s, response(503, ""));
    call.waits_out(&mut s);
    call.checks(&mut s, api_responds());
    call.waits(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 3);
}

#[test]
fn the_first_probe_is_not_early_if_the_api_was_never_seen_to_be_down() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    for _ in 0..2 {
        call.waits_out(&mut s);
        call.checks(&mut s, api_responds());
    }
    call.waits(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 2);
}

/// What a check found before a login does not hold after it.
#[test]
fn law_2_an_outage_before_the_last_login_makes_no_probe_early() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.checks(&mut s, response(503, ""));
    s.unblocks();
    Actor::log_in().logs_in(&mut s, "session-1");
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, done());
    failed_login(&mut s, lost());
    s.pass(LOGIN_INTERVAL);
    failed_login(&mut s, lost());
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.checks(&mut s, api_responds());
    call.waits(&mut s);
}

#[test]
fn a_check_holds_for_half_a_minute() {
    for (age, holds) in [(29, true), (30, false)] {
        let mut s = after_two_lost_logins();
        s.pass(FIRST_PROBE);
        let mut call = Actor::log_in();
        call.checks(&mut s, api_responds());
        s.pass(age * SECOND);
        let purpose = if holds {
            Purpose::LogIn
        } else {
            Purpose::Check
        };
        call.sends(&mut s, purpose);
    }
}

#[test]
fn law_1_a_hundred_calls_make_one_service_check() {
    let mut s = after_two_lost_logins();
    let mut calls: Vec<_> = (0..100).map(|_| Actor::reads()).collect();
    for call in &mut calls {
        call.waits(&mut s);
    }
    s.pass(LOGIN_INTERVAL);
    let (first, others) = calls.split_first_mut().unwrap();
    first.sends(&mut s, Purpose::Check);
    let kind = OperationKind::ServiceCheck;
    for call in others.iter_mut() {
        assert_eq!(call.waits(&mut s).reason, WaitReason::Operation(kind));
    }
    first.receives(&mut s, response(503, ""));
    for call in &mut calls {
        assert_eq!(call.waits(&mut s).reason, WaitReason::Backoff);
    }
}

#[test]
fn law_16_a_call_that_can_not_wait_for_a_probe_says_what_came_before() {
    let mut s = before_login();
    failed_login(&mut s, lost());
    s.pass(LOGIN_INTERVAL);
    failed_login(
        &mut s,
        response(503, r#"{"errorCode":"S.REQUEST_FAILED.Down"}"#),
    );
    let failed = s.now;
    let mut call = Actor::reads();
    let error = loop {
        match call.step(&mut s) {
            Step::Wait(wait) => sits_out(&mut s, wait),
            Step::Send(_) => call.receives(&mut s, response(503, "")),
            Step::Done(result) => break result.unwrap_err(),
        }
    };
    assert!(matches!(error.kind(), ErrorKind::BackingOff { .. }));
    assert!(error.is_never_sent() && !error.is_blocked(), "{error}");
    assert!(
        error.retry_at().unwrap() > s.now + MINUTE,
        "longer than it waits"
    );
    let because = error.because().unwrap();
    assert_eq!(because.operation(), Some(OperationKind::LogIn));
    assert_eq!(
        (because.at(), because.status().unwrap().as_u16()),
        (failed, 503)
    );
    assert!(because.code().unwrap().is("REQUEST_FAILED.Down"));
    let due = failed + FIRST_PROBE;
    assert_eq!(
        s.session.login_guard().to_string(),
        format!(
            "logins had no usable response; the next one is made from {due} on, as soon as the API responds (2 failed since the last success; the platform locks the user name at 5)"
        )
    );
}

#[test]
fn law_7_a_check_that_nothing_is_heard_of_ends_with_its_lease() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    let check = call.begins(&mut s, Purpose::Check);
    s.pass(MINUTE);
    call.waits_out(&mut s);
    let kind = OperationKind::ServiceCheck;
    assert_eq!(s.reported(), [event::lease_expired(kind)]);
    let second = call.begins(&mut s, Purpose::Check);
    // What comes of the first one is of no use any more.
    s.receives(check, api_responds());
    assert_eq!(s.session.operation(), Some(kind));
    s.abandons(second);
    assert_eq!(s.session.operation(), None);
    call.waits(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 2);
}

/// The first one was found to be down when its lease expired.
#[test]
fn a_check_that_is_lost_has_found_the_api_down() {
    let lose: [fn(&mut Scenario, Operation); 2] = [
        |s, check| s.abandons(check),
        |s, _| {
            s.pass(MINUTE);
            s.watch(Session::expire);
        },
    ];
    for lose in lose {
        let mut s = after_two_lost_logins();
        Actor::log_in().waits_out(&mut s);
        let check = Actor::log_in().begins(&mut s, Purpose::Check);
        lose(&mut s, check);
        let mut call = Actor::log_in();
        call.waits_out(&mut s);
        call.checks(&mut s, api_responds());
        call.logs_in(&mut s, "session-1");
    }
}

#[test]
fn a_bearer_is_fetched_before_a_check_if_there_is_none() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("bearer-1", 60 + 45));
    call.loses_login(&mut s);
    call.waits_out(&mut s);
    call.loses_login(&mut s);
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.fetches(&mut s, "bearer-2");
    let check = call.sends(&mut s, Purpose::Check);
    assert_eq!(tokens(&check), ("Bearer bearer-2", ""));
}

#[test]
fn law_4_a_bearer_that_is_refused_at_a_check_costs_a_bearer() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    call.checks(&mut s, bearer_fault());
    assert_eq!(s.reported(), [event::bearer_refused()]);
    assert_eq!(call.waits(&mut s).until, s.now + SECOND);
    s.pass(SECOND);
    call.fetches(&mut s, "bearer-2");
    let check = call.sends(&mut s, Purpose::Check);
    assert_eq!(tokens(&check), ("Bearer bearer-2", ""));
    // It was not down.
    call.receives(&mut s, api_responds());
    call.waits(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 2);
}

/// A gateway that takes no bearer: neither does a call wait for ever, nor are bearer
/// tokens fetched all the time.
#[test]
fn law_12_a_check_whose_bearer_is_refused_again_and_again_comes_to_an_end() {
    let mut s = after_two_lost_logins();
    let start = s.now;
    let mut call = Actor::log_in();
    let mut fetches = 0;
    let error = loop {
        match call.step(&mut s) {
            Step::Wait(wait) => sits_out(&mut s, wait),
            Step::Send(sent) if Purpose::of(&sent.request) == Purpose::TokenFetch => {
                fetches += 1;
                assert!(fetches < 10, "a loop");
                call.receives(&mut s, bearer("another"));
            }
            Step::Send(_) => call.receives(&mut s, bearer_fault()),
            Step::Done(result) => break result.unwrap_err(),
        }
    };
    assert!(error.is_never_sent(), "{error}");
    assert!(s.now.since(start) < 10 * MINUTE);
}

#[test]
fn a_check_does_not_disturb_a_session_that_is_open() {
    let mut s = after_two_lost_logins();
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    let check = call.begins(&mut s, Purpose::Check);
    let late = s.clone();
    s.receives(check, api_responds());
    s.unblocks();
    call.logs_in(&mut s, "session-1");
    s.receives(check, api_responds());
    Actor::reads().works(&mut s);

    // Nor if its result comes after the login.
    let mut s = late;
    s.unblocks();
    s.pass(MINUTE);
    Actor::log_in().logs_in(&mut s, "session-1");
    s.receives(check, session_expired());
    Actor::reads().works(&mut s);
}

#[test]
fn other_credentials_need_no_probe() {
    let mut s = after_two_lost_logins();
    s.is_given("other");
    let guard = s.session.login_guard();
    assert_eq!((guard.attempts_left, guard.next_login), (2, None));
    Actor::log_in().logs_in(&mut s, "session-1");
}

#[test]
fn law_12_a_clock_set_back_does_not_prolong_the_wait_for_a_check_or_a_probe() {
    let mut s = patient_after_two_lost_logins();
    s.now = Timestamp::from_millis(1);
    let mut call = Actor::log_in();
    let start = s.now;
    call.waits_out(&mut s);
    assert!(s.now.since(start) <= 30 * SECOND);
    call.checks(&mut s, api_responds());
    checks_until_the_login(&mut call, &mut s);
    assert!(s.now.since(start) <= FIRST_PROBE + MINUTE, "{:?}", s.now);
}

/// What a program and its service did.
#[derive(Default)]
struct Story {
    logins: Vec<Duration>,
    checks: Vec<Duration>,
    /// The time at which the first call succeeded.
    opened: Option<Duration>,
}

/// How the process of a story lives.
#[derive(Clone, Copy, Debug)]
enum Process {
    /// It runs all the time.
    Lasting,
    /// It starts again after every step, from a snapshot.
    Restarted,
    /// It starts again after every step, with a store.
    Shared,
}

const PROCESSES: [Process; 3] = [Process::Lasting, Process::Restarted, Process::Shared];

/// A call a minute for as long as `hours`. The service responds as `service` says, at
/// the time since the start, after `takes`.
fn a_call_a_minute(
    process: Process,
    hours: u32,
    takes: Duration,
    service: impl Fn(Duration, Purpose) -> Received,
) -> Story {
    let store = Register::new();
    let mut s = match process {
        Process::Shared => Scenario::sharing(&store),
        _ => Scenario::new(),
    };
    fetches_bearer(&mut Actor::log_in(), &mut s, "bearer-1");
    s.saves_what_is_unsaved();
    let start = s.now;
    let mut history = Story::default();
    let mut next = start;
    while next.since(start) < hours * HOUR && history.opened.is_none() {
        s.pass_until(next);
        next = next + MINUTE;
        let mut call = Actor::reads();
        loop {
            match call.step(&mut s) {
                Step::Send(sent) => {
                    let (purpose, since) = (Purpose::of(&sent.request), s.now.since(start));
                    match purpose {
                        Purpose::LogIn => history.logins.push(since),
                        Purpose::Check => history.checks.push(since),
                        Purpose::Work => {
                            history.opened = Some(since);
                            break;
                        }
                        _ => {}
                    }
                    s.pass(takes);
                    call.receives(&mut s, service(since, purpose));
                    starts_again(process, &mut s, &store, &mut call);
                }
                Step::Wait(wait) => {
                    sits_out(&mut s, wait);
                    starts_again(process, &mut s, &store, &mut call);
                }
                Step::Done(result) => {
                    let error = result.unwrap_err();
                    assert!(!error.is_blocked(), "{error}");
                    break;
                }
            }
        }
    }
    history
}

/// Ends the process, if it is one that ends, and starts it again.
fn starts_again(
    process: Process,
    s: &mut Scenario,
    store: &std::sync::Arc<Register>,
    call: &mut Actor,
) {
    match process {
        Process::Lasting => return,
        Process::Restarted => s.restart("IMgr8"),
        Process::Shared => {
            let now = s.now;
            *s = Scenario::sharing(store);
            s.now = now;
        }
    }
    *call = Actor::reads();
}

impl Story {
    /// Checks that no fifth login was made, and no two within half a minute.
    #[track_caller]
    fn assert_harmless(&self, process: Process) {
        let logins = &self.logins;
        assert!(
            logins.len() <= 4 + usize::from(self.opened.is_some()),
            "{process:?}: {logins:?}"
        );
        let pauses = logins
            .windows(2)
            .map(|two| two[1].checked_sub(two[0]).unwrap());
        assert!(
            pauses.min() >= Some(LOGIN_INTERVAL),
            "{process:?}: {logins:?}"
        );
    }
}

/// The response to a request of a service that works.
fn works(purpose: Purpose) -> Received {
    match purpose {
        Purpose::TokenFetch => bearer("another"),
        Purpose::LogIn => session("session-1"),
        Purpose::Check => api_responds(),
        _ => done(),
    }
}

/// The failures of an outage: the service says so at once, or nothing is heard of it.
fn outages() -> [(Duration, fn() -> Received); 2] {
    [
        (10 * MILLISECOND, || response(503, "")),
        (30 * SECOND, lost),
    ]
}

#[test]
fn law_2_an_outage_of_eight_hours_heals_at_its_end_and_never_counts_more_than_four() {
    for ((takes, failure), process) in outages()
        .into_iter()
        .flat_map(|outage| PROCESSES.map(|process| (outage, process)))
    {
        let end = 8 * HOUR;
        let story = a_call_a_minute(process, 10, takes, |since, purpose| match purpose {
            Purpose::TokenFetch => works(purpose),
            _ if since < end => failure(),
            _ => works(purpose),
        });
        story.assert_harmless(process);
        let opened = story.opened.expect("it never opened");
        assert!(
            opened >= end && opened < end + 11 * MINUTE,
            "{process:?}: {opened:?}"
        );
        assert_eq!(story.logins.len(), 3, "{process:?}: {:?}", story.logins);
        assert!(
            story.checks.len() < 60,
            "{process:?}: {}",
            story.checks.len()
        );
    }
}

#[test]
fn law_2_an_outage_of_the_login_alone_heals_soon_after_its_end() {
    for ((takes, failure), process) in outages()
        .into_iter()
        .flat_map(|outage| PROCESSES.map(|process| (outage, process)))
    {
        let end = 2 * HOUR;
        let story = a_call_a_minute(process, 4, takes, |since, purpose| match purpose {
            Purpose::LogIn if since < end => failure(),
            _ => works(purpose),
        });
        story.assert_harmless(process);
        let opened = story.opened.expect("it never opened");
        assert!(opened < end + 35 * MINUTE, "{process:?}: {opened:?}");
        assert_eq!(story.logins.len(), 4, "{process:?}: {:?}", story.logins);
    }
}

#[test]
fn the_first_check_comes_half_a_minute_after_the_end_of_the_login() {
    let mut s = before_login();
    failed_login(&mut s, lost());
    s.pass(LOGIN_INTERVAL);
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    s.pass(20 * SECOND);
    call.receives(&mut s, lost());
    assert_eq!(call.waits(&mut s).until, s.now + 30 * SECOND);
}

#[test]
fn law_2_the_intervals_are_settings_and_the_budget_is_not_theirs() {
    let settings = settings(|s| {
        s.login_interval = Duration::ZERO;
        s.first_probe_after = MINUTE;
        s.next_probe_after = 2 * MINUTE;
        s.longest_check_pause = 10 * SECOND;
        s.longest_wait = 30 * DAY;
    });
    let mut s = before_login_with(settings);
    let mut logins = Vec::new();
    while s.session.login_guard().blocked.is_none() {
        let mut call = Actor::log_in();
        checks_until_the_login(&mut call, &mut s);
        logins.push(s.now);
        call.receives(&mut s, lost());
    }
    let pauses: Vec<_> = logins.windows(2).map(|two| two[1].since(two[0])).collect();
    assert_eq!(pauses, [SECOND, MINUTE, 2 * MINUTE]);
    let reason = s.session.login_guard().blocked;
    assert_eq!(reason, Some(BlockReason::BudgetSpent));
}
