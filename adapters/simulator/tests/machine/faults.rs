//! Everything that can go wrong, checked from the service's side.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use thingspace_core::{
    Error,
    session::{ChangePassword, EndSession, GateReason, OpenSession},
};
use thingspace_simulator::{Call, Fault};

use crate::world::*;

/// Every fault that a service may have, instead of acting and after it. One that
/// says that a request was not carried out is never told after it was.
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

/// What must be true of the service at any time.
fn assert_unharmed(world: &World, told: &str) {
    assert!(!world.service.is_locked(), "{told}");
    assert_eq!(world.service.counts().misdirected, 0, "{told}");
    let gate = world.session.gate();
    let failures = world.service.consecutive_failures();
    assert!(failures <= gate.failed_logins, "{told}: {gate}");
    assert!(gate.failed_logins <= 2, "{told}: {gate}");
}

#[test]
fn one_fault_anywhere_harms_nobody_and_what_may_be_repeated_recovers() {
    for call in CALLS {
        for fault in faults() {
            let told = format!("{fault:?} on {call:?}");
            let mut world = World::new();
            world.service.inject(call, fault);
            let answers = [
                world.read().map(drop),
                world.run(devices()).map(drop),
                world.run(ChangePassword).map(drop),
                world.run(EndSession).map(drop),
                world.run(OpenSession).map(drop),
            ];
            assert_unharmed(&world, &told);
            assert!(
                world.service.counts().done(Call::ResetPassword) <= 1,
                "{told}"
            );
            assert!(world.service.counts().done(Call::Devices) <= 1, "{told}");
            // A pause that the service asks for is for all; any other harm is for one or two.
            let harmed = answers.iter().filter_map(|answer| answer.as_ref().err());
            let harmed = harmed.filter(|error| error.retry_at().is_none()).count();
            assert!(harmed <= 2, "{told}: {answers:?}");

            // Whatever it was, it passes; only what leaves the password in doubt does not.
            world.pass(HOUR * 48);
            match world.read() {
                Ok(_) => {}
                Err(Error::GateClosed(gate)) => {
                    assert_eq!(call, Call::ResetPassword, "{told}");
                    assert_eq!(gate.closed, Some(GateReason::PasswordUnknown), "{told}");
                }
                Err(error) => panic!("{told}: {error}"),
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
        let told = format!("{fault:?}");
        let mut world = World::new();
        world.service.inject(Call::ResetPassword, fault);
        let error = world.run(ChangePassword).unwrap_err();
        assert!(
            matches!(error, Error::PasswordUnknown(_)),
            "{told}: {error}"
        );
        assert_eq!(
            world.service.counts().seen(Call::ResetPassword),
            1,
            "{told}"
        );

        // The open session goes on, and ends at last.
        world.read().unwrap();
        world.pass(HOUR);
        assert!(world.read().unwrap_err().is_gate_closed(), "{told}");
        assert_eq!(world.service.counts().seen(Call::LogIn), 1, "{told}");
    }
}

#[test]
fn law_2_storms_of_faults_never_lock_the_user_name() {
    let faults = faults();
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        for turn in 0..40 {
            let told = format!("seed {seed}, turn {turn}");
            if random.u8(..4) > 0 {
                let call = CALLS[random.usize(..CALLS.len())];
                let fault = faults[random.usize(..faults.len())].clone();
                world.service.inject(call, fault);
            }
            let resets = world.service.counts().done(Call::ResetPassword);
            let listed = world.service.counts().done(Call::Devices);
            match random.u8(..10) {
                0 => world.run(ChangePassword).map(drop).ok(),
                1 => world.run(EndSession).map(drop).ok(),
                2 => world.run(OpenSession).map(drop).ok(),
                3..5 => world.run(devices()).map(drop).ok(),
                _ => world.read().map(drop).ok(),
            };
            assert_unharmed(&world, &told);
            assert!(
                world.service.counts().done(Call::ResetPassword) <= resets + 1,
                "{told}"
            );
            assert!(
                world.service.counts().done(Call::Devices) <= listed + 1,
                "{told}"
            );
            world.pass(Duration::from_secs(random.u64(..2000)));
        }
    }
}
