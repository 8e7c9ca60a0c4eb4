//! Every fault of the simulator, on every kind of call.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use thingspace_core::{
    Error, Outcome,
    session::{BlockReason, LONGEST_REQUESTED_BACKOFF},
};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{
    Client,
    stage::{IDLE, Stage, account, devices, settings, settings_with_short_timeouts},
};

/// The effect of a fault, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// The right response.
    Success,
    /// No response.
    Lost,
    /// A response that breaks off.
    BrokenOff,
    /// A success with an invalid response.
    InvalidResponse,
    /// A success with an endless response.
    TooLong,
    /// An outage of the service or of a gateway before it, with this status.
    Outage(u16),
    /// Too many calls, for a moment.
    Throttled,
    /// Too many calls, for an hour.
    ThrottledForLong,
    /// A redirect with this status.
    Redirect(u16),
    /// A refusal of the request with this status.
    Refusal(u16),
}

/// Returns one fault of every kind, and its effect. Faults that leave the outcome
/// unknown come twice: before the service executes the request, and after. (A refusal
/// of an executed request would be wrong.)
fn faults() -> Vec<(Fault, Effect)> {
    let without_acting = [
        (Fault::Drop, Effect::Lost),
        (Fault::Hang, Effect::Lost),
        // HTTP/1.1, which these clients use, has no such frame.
        (Fault::RefusedStream, Effect::Lost),
        (Fault::Garbage, Effect::InvalidResponse),
        (Fault::Empty, Effect::InvalidResponse),
        (Fault::Endless, Effect::TooLong),
        (Fault::Html(StatusCode::BAD_GATEWAY), Effect::Outage(502)),
        (
            Fault::Status(StatusCode::REQUEST_TIMEOUT),
            Effect::Outage(408),
        ),
        (
            Fault::Status(StatusCode::SERVICE_UNAVAILABLE),
            Effect::Outage(503),
        ),
        (
            Fault::Redirect(HeaderValue::from_static("/elsewhere")),
            Effect::Redirect(307),
        ),
    ];
    let after_acting = without_acting
        .clone()
        .map(|(fault, effect)| (fault.after_acting(), effect));
    let others = [
        (Fault::Delay(Duration::from_millis(20)), Effect::Success),
        (Fault::GoAway, Effect::Success),
        (Fault::CutShort, Effect::BrokenOff),
        (Fault::RefusedMidway, Effect::BrokenOff),
        (Fault::Stall, Effect::BrokenOff),
        (Fault::Throttled { retry_after: None }, Effect::Throttled),
        (retry_after("0"), Effect::Throttled),
        (Fault::ThrottledOut, Effect::Throttled),
        (retry_after("3600"), Effect::ThrottledForLong),
        (Fault::Status(StatusCode::CONFLICT), Effect::Refusal(409)),
        (Fault::Replace(teapot()), Effect::Refusal(418)),
    ];
    [&without_acting[..], &after_acting, &others].concat()
}

fn hangs(fault: &Fault) -> bool {
    match fault {
        Fault::Hang | Fault::Stall => true,
        Fault::AfterActing(fault) => hangs(fault),
        _ => false,
    }
}

/// Returns one fault of every kind that takes little time and memory. Faults after
/// execution are left out, since a client can't tell them from those before.
pub(crate) fn cheap_faults() -> impl Iterator<Item = Fault> {
    let faults = faults().into_iter().filter(|(fault, effect)| {
        !hangs(fault) && !matches!(fault, Fault::AfterActing(_)) && *effect != Effect::TooLong
    });
    faults.map(|(fault, _)| fault)
}

fn retry_after(when: &'static str) -> Fault {
    Fault::Throttled {
        retry_after: Some(HeaderValue::from_static(when)),
    }
}

fn teapot() -> Response<Bytes> {
    Response::builder()
        .status(StatusCode::IM_A_TEAPOT)
        .body(Bytes::from_static(b"I am a teapot"))
        .unwrap()
}

/// Runs a scenario once for each fault of the next `call`. A session is open, unless
/// the call is one of those that open it.
fn for_each_fault<C: Client>(call: Call, scenario: impl Fn(&Stage<C>, &C, Effect)) {
    for (fault, effect) in faults() {
        println!("{fault:?}");
        let stage = Stage::<C>::new();
        let settings = if hangs(&fault) {
            settings_with_short_timeouts()
        } else {
            settings()
        };
        let builder = stage.builder().observer(stage.impatience());
        let client = builder.settings(settings).build().unwrap();
        if !matches!(call, Call::BearerToken | Call::LogIn) {
            client.log_in().unwrap();
        }
        stage.inject(call, fault);
        scenario(&stage, &client, effect);
        assert!(!stage.is_locked());
    }
}

/// Asserts that the service asked for an hour, and that the wait is this long.
fn assert_throttled<C>(stage: &Stage<C>, error: &Error, length: Duration) {
    assert!(error.is_throttled(), "{error}");
    let wait = error.retry_at().unwrap().since(stage.server.now());
    let lengths = length.saturating_sub(Duration::from_secs(10))..=length + Duration::from_secs(1);
    assert!(lengths.contains(&wait), "{wait:?}");
}

fn assert_throttled_for_an_hour<C>(stage: &Stage<C>, error: &Error) {
    assert_throttled(stage, error, Duration::from_secs(3600));
}

/// A token fetch or login of all calls waits no longer than the longest backoff.
fn assert_throttled_for_the_longest<C>(stage: &Stage<C>, error: &Error) {
    assert_throttled(stage, error, LONGEST_REQUESTED_BACKOFF);
}

pub(crate) fn an_idempotent_call_survives_every_transient_fault<C: Client>() {
    for_each_fault::<C>(Call::Account, |stage, client, effect| {
        let result = client.call(account());
        let seen = stage.seen(Call::Account);
        match effect {
            // A plain request accepts any success.
            Effect::Success | Effect::InvalidResponse => {
                result.unwrap();
                assert_eq!(seen, 1);
            }
            Effect::Lost | Effect::BrokenOff | Effect::Outage(_) | Effect::Throttled => {
                result.unwrap();
                assert_eq!(seen, 2);
            }
            Effect::TooLong => {
                let error = result.unwrap_err();
                assert!(
                    error.is_invalid_response() && error.is_outcome_unknown(),
                    "{error}"
                );
                assert_eq!(seen, 1);
            }
            Effect::ThrottledForLong => {
                let error = result.unwrap_err();
                assert_throttled_for_an_hour(stage, &error);
                assert_eq!(error.outcome(), Outcome::Refused);
                assert_eq!(seen, 1);
            }
            Effect::Redirect(status) | Effect::Refusal(status) => {
                assert_eq!(result.unwrap_err().status().unwrap(), status);
                assert_eq!(seen, 1);
            }
        }
        assert_eq!(stage.seen(Call::LogIn), 1);
    });
}

pub(crate) fn law_6_a_call_that_is_not_idempotent_is_executed_once_at_most<C: Client>() {
    for_each_fault::<C>(Call::Devices, |stage, client, effect| {
        let result = client.call(devices());
        let seen = stage.seen(Call::Devices);
        match effect {
            Effect::Success | Effect::InvalidResponse => {
                result.unwrap();
                assert_eq!(seen, 1);
            }
            // A refused request was not executed.
            Effect::Throttled => {
                result.unwrap();
                assert_eq!(seen, 2);
            }
            Effect::Lost => {
                let error = result.unwrap_err();
                assert!(
                    error.is_outcome_unknown() && error.status().is_none(),
                    "{error}"
                );
                assert_eq!(seen, 1);
            }
            Effect::BrokenOff => {
                let error = result.unwrap_err();
                assert!(error.is_outcome_unknown(), "{error}");
                assert!(error.transport().is_some());
                // What came is there.
                let part = error.response().unwrap();
                assert_eq!(part.status(), StatusCode::OK);
                assert!(!part.body().is_empty());
                assert_eq!(seen, 1);
            }
            Effect::TooLong => {
                let error = result.unwrap_err();
                assert!(
                    error.is_invalid_response() && error.is_outcome_unknown(),
                    "{error}"
                );
                assert_eq!(seen, 1);
            }
            Effect::Outage(status) | Effect::Redirect(status) => {
                let error = result.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert!(error.is_outcome_unknown(), "{error}");
                assert_eq!(seen, 1);
            }
            Effect::Refusal(status) => {
                let error = result.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert_eq!(error.outcome(), Outcome::Refused);
                assert_eq!(seen, 1);
            }
            Effect::ThrottledForLong => {
                let error = result.unwrap_err();
                assert_throttled_for_an_hour(stage, &error);
                assert_eq!(error.outcome(), Outcome::Refused);
                assert_eq!(seen, 1);
            }
        }
        assert!(stage.done(Call::Devices) <= 1);
    });
}

pub(crate) fn a_login_is_retried_once_after_a_transient_fault<C: Client>() {
    for_each_fault::<C>(Call::LogIn, |stage, client, effect| {
        let result = client.log_in();
        let seen = stage.seen(Call::LogIn);
        let guard = client.session(|session| session.login_guard());
        match effect {
            Effect::Success => {
                result.unwrap();
                assert_eq!((seen, guard.failed_logins), (1, 0));
            }
            Effect::Lost
            | Effect::BrokenOff
            | Effect::InvalidResponse
            | Effect::TooLong
            | Effect::Outage(_)
            | Effect::Throttled => {
                result.unwrap();
                assert_eq!((seen, guard.failed_logins), (2, 0));
            }
            Effect::ThrottledForLong => {
                assert_throttled_for_the_longest(stage, &result.unwrap_err());
                assert_eq!((seen, guard.failed_logins), (1, 1));
            }
            Effect::Redirect(status) | Effect::Refusal(status) => {
                assert_eq!(result.unwrap_err().status().unwrap(), status);
                assert_eq!((seen, guard.failed_logins), (1, 1));
            }
        }
        assert_eq!(guard.blocked, None);
    });
}

pub(crate) fn a_token_fetch_is_retried_after_a_transient_fault<C: Client>() {
    for_each_fault::<C>(Call::BearerToken, |stage, client, effect| {
        let result = client.call(account());
        let seen = stage.seen(Call::BearerToken);
        match effect {
            Effect::Success => {
                result.unwrap();
                assert_eq!(seen, 1);
            }
            Effect::Lost
            | Effect::BrokenOff
            | Effect::InvalidResponse
            | Effect::TooLong
            | Effect::Outage(_)
            | Effect::Throttled => {
                result.unwrap();
                assert_eq!(seen, 2);
            }
            Effect::ThrottledForLong => {
                let error = result.unwrap_err();
                assert_throttled_for_the_longest(stage, &error);
                assert!(error.is_never_sent(), "{error}");
                assert_eq!((seen, stage.seen_in_all()), (1, 1));
            }
            Effect::Redirect(status) | Effect::Refusal(status) => {
                let error = result.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert!(error.is_never_sent(), "{error}");
                assert_eq!((seen, stage.seen_in_all()), (1, 1));
            }
        }
        assert_eq!(
            client.session(|session| session.login_guard().failed_logins),
            0
        );
    });
}

pub(crate) fn law_8_a_reset_is_sent_once_and_if_lost_blocks_the_login_guard<C: Client>() {
    for_each_fault::<C>(Call::ResetPassword, |stage, client, effect| {
        let result = client.reset_password();
        assert_eq!(stage.seen(Call::ResetPassword), 1);
        // The open session stays usable.
        client.call(account()).unwrap();
        stage.pass(IDLE);
        let next = client.call(account());
        match effect {
            Effect::Success => {
                let password = result.unwrap();
                stage
                    .server
                    .with(|service| assert_eq!(service.reveal_password(), password.expose()));
                next.unwrap();
            }
            Effect::Lost
            | Effect::BrokenOff
            | Effect::InvalidResponse
            | Effect::TooLong
            | Effect::Outage(_)
            | Effect::Redirect(_) => {
                let error = result.unwrap_err();
                assert!(error.is_password_in_doubt(), "{error}");
                assert!(error.is_outcome_unknown());
                let guard = next.unwrap_err().login_guard().cloned().unwrap();
                assert_eq!(guard.blocked, Some(BlockReason::PasswordInDoubt));
                assert_eq!(stage.seen(Call::LogIn), 1);
            }
            Effect::Throttled | Effect::ThrottledForLong | Effect::Refusal(_) => {
                assert_eq!(result.unwrap_err().outcome(), Outcome::Refused);
                stage
                    .server
                    .with(|service| assert_eq!(service.reveal_password(), Simulator::PASSWORD));
                next.unwrap();
            }
        }
        assert_eq!(stage.failed_logins(), 0);
    });
}

pub(crate) fn a_persistent_fault_is_tried_three_times<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    for _ in 0..10 {
        stage.inject(Call::Account, Fault::Drop);
    }
    assert!(client.call(account()).unwrap_err().is_outcome_unknown());
    assert_eq!(stage.seen(Call::Account), 3);
}

pub(crate) fn a_retry_after_of_an_hour_is_not_waited_for<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let outage = Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .header("retry-after", "3600")
        .body(Bytes::new())
        .unwrap();
    stage.inject(Call::Account, Fault::Replace(outage));
    let error = client.call(account()).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(stage.seen(Call::Account), 1);
}
