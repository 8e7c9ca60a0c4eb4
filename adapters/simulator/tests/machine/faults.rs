//! Everything that can go wrong, checked from the service's side.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use thingspace_core::{Call as CoreCall, ErrorKind, session::BlockReason};
use thingspace_simulator::{Call, Fault, Form};

use crate::world::*;

/// Every fault that a service may have, instead of acting and after it. A response
/// that says that a request was not executed never comes after it was.
pub(crate) fn faults() -> Vec<Fault> {
    let fault = |body: &'static str, status: u16| {
        let response = Response::builder().status(status);
        Fault::Replace(response.body(Bytes::from_static(body.as_bytes())).unwrap())
    };
    let instead = [
        Fault::Drop,
        Fault::Hang,
        Fault::RefusedStream,
        Fault::Garbage,
        Fault::Html(StatusCode::OK),
        Fault::Html(StatusCode::BAD_GATEWAY),
        Fault::Empty,
        Fault::Endless,
        Fault::Throttled { retry_after: None },
        Fault::Throttled {
            retry_after: Some(HeaderValue::from_static("7")),
        },
        Fault::Throttled {
            retry_after: Some(HeaderValue::from_static("86400")),
        },
        Fault::ThrottledOut,
        Fault::TokensRefused(Form::GatewayXml),
        Fault::TokensRefused(Form::GatewayJson),
        Fault::TokensRefused(Form::GatewayChallenge),
        Fault::TokensRefused(Form::DeviceLocation),
        Fault::TokensRefused(Form::CloudConnector),
        Fault::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::Status(StatusCode::SERVICE_UNAVAILABLE),
        Fault::Status(StatusCode::REQUEST_TIMEOUT),
        Fault::Status(StatusCode::UNAUTHORIZED),
        Fault::Status(StatusCode::NOT_FOUND),
        Fault::Redirect(HeaderValue::from_static("https://evil.example/")),
        fault(
            r#"{"fault":{"code":"900901","message":"m","description":"d"}}"#,
            401,
        ),
        fault(
            r#"{"errorCode":"S.REQUEST_FAILED.SessionToken.Expired"}"#,
            400,
        ),
        fault(r#"{"errorCode":"S.REQUEST_FAILED.Unexplained"}"#, 400),
        fault(r#"{"error":"invalid_client"}"#, 401),
    ];
    let is_denial = |fault: &Fault| match fault {
        Fault::RefusedStream
        | Fault::Throttled { .. }
        | Fault::ThrottledOut
        | Fault::TokensRefused(_)
        | Fault::Replace(_) => true,
        Fault::Status(status) => status.is_client_error() && *status != 408,
        _ => false,
    };
    let open = instead.iter().filter(|fault| !is_denial(fault));
    let after: Vec<_> = open.cloned().map(Fault::after_acting).collect();
    let late = [
        Fault::Delay(Duration::from_secs(5)),
        Fault::Delay(Duration::from_secs(300)),
        Fault::CutShort,
        Fault::RefusedMidway,
        Fault::Stall,
        Fault::GoAway,
    ];
    [instead.to_vec(), after, late.to_vec()].concat()
}

pub(crate) const CALLS: [Call; 6] = [
    Call::BearerToken,
    Call::LogIn,
    Call::LogOut,
    Call::ResetPassword,
    Call::Account,
    Call::Devices,
];

/// Asserts what must be true of the service at any time.
fn assert_unharmed(world: &World, story: &str) {
    assert!(!world.service.is_locked(), "{story}");
    assert_eq!(world.service.counts().misdirected, 0, "{story}");
    let guard = world.session.login_guard();
    let failures = world.service.consecutive_failures();
    assert!(failures <= guard.failed_logins, "{story}: {guard}");
    assert!(guard.failed_logins <= 4, "{story}: {guard}");
}

#[test]
fn one_fault_anywhere_harms_nobody_and_what_may_be_retried_recovers() {
    for call in CALLS {
        for fault in faults() {
            let story = format!("{fault:?} on {call:?}");
            let mut world = World::new();
            world.service.inject(call, fault);
            let results = [
                world.read().map(drop),
                world.run(devices()).map(drop),
                world.change_password().map(drop),
                world.run(CoreCall::log_out()).map(drop),
                world.run(CoreCall::log_in()).map(drop),
            ];
            assert_unharmed(&world, &story);
            assert!(
                world.service.counts().done(Call::ResetPassword) <= 1,
                "{story}"
            );
            assert!(world.service.counts().done(Call::Devices) <= 1, "{story}");
            // A backoff that the service asks for is for all; any other harm is for one or two.
            let harmed = results.iter().filter_map(|result| result.as_ref().err());
            let harmed = harmed.filter(|error| error.retry_at().is_none()).count();
            assert!(harmed <= 2, "{story}: {results:?}");

            // Whatever it was, it passes; only what leaves the password in doubt does not.
            world.pass(HOUR * 48);
            match world.read() {
                Ok(_) => {}
                Err(error) => {
                    let ErrorKind::Blocked { guard, .. } = error.kind() else {
                        panic!("{story}: {error}");
                    };
                    assert_eq!(call, Call::ResetPassword, "{story}");
                    let reason = Some(BlockReason::PasswordInDoubt);
                    assert_eq!(guard.blocked, reason, "{story}");
                }
            }
        }
    }
}

#[test]
fn law_8_a_lost_reset_spends_no_login_on_a_password_that_may_be_wrong() {
    for fault in [
        Fault::Drop,
        Fault::Drop.after_acting(),
        Fault::CutShort,
        Fault::Hang,
    ] {
        let story = format!("{fault:?}");
        let mut world = World::new();
        world.service.inject(Call::ResetPassword, fault);
        let error = world.change_password().unwrap_err();
        assert!(error.is_password_in_doubt(), "{story}: {error}");
        assert_eq!(
            world.service.counts().seen(Call::ResetPassword),
            1,
            "{story}"
        );

        // The open session goes on, and ends at last.
        world.read().unwrap();
        world.pass(HOUR);
        assert!(world.read().unwrap_err().is_blocked(), "{story}");
        assert_eq!(world.service.counts().seen(Call::LogIn), 1, "{story}");
    }
}

#[test]
fn law_2_storms_of_faults_never_lock_the_user_name() {
    let faults = faults();
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        for turn in 0..40 {
            let story = format!("seed {seed}, turn {turn}");
            if random.u8(..4) > 0 {
                let call = CALLS[random.usize(..CALLS.len())];
                let fault = faults[random.usize(..faults.len())].clone();
                world.service.inject(call, fault);
            }
            let resets = world.service.counts().done(Call::ResetPassword);
            let listed = world.service.counts().done(Call::Devices);
            match random.u8(..10) {
                0 => world.change_password().map(drop).ok(),
                1 => world.run(CoreCall::log_out()).map(drop).ok(),
                2 => world.run(CoreCall::log_in()).map(drop).ok(),
                3..5 => world.run(devices()).map(drop).ok(),
                _ => world.read().map(drop).ok(),
            };
            assert_unharmed(&world, &story);
            assert!(
                world.service.counts().done(Call::ResetPassword) <= resets + 1,
                "{story}"
            );
            assert!(
                world.service.counts().done(Call::Devices) <= listed + 1,
                "{story}"
            );
            world.pass(Duration::from_secs(random.u64(..2000)));
        }
    }
}
