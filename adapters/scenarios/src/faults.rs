//! Every fault that the simulator knows, on every kind of call.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use thingspace_core::{Error, Fate, session::GateReason};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{
    Client,
    stage::{IDLE, Stage, account, devices, impatient, settings},
};

/// What a fault looks like from the client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The right answer.
    Fine,
    /// No whole answer came.
    Lost,
    /// A success that says nothing.
    Nonsense,
    /// A success without an end.
    TooLong,
    /// Something on the way is broken, and says so with this status.
    Outage(u16),
    /// Too many calls for the moment.
    TooMany,
    /// Too many calls for the next hour.
    TooManyForLong,
    /// This status, which asks to go elsewhere.
    Redirect(u16),
    /// This status, which blames the request.
    Refusal(u16),
}

/// One of every fault that there is, and after acting, if that leaves it open
/// what was done. (To refuse what was carried out would be a lie.)
fn faults() -> Vec<(Fault, Look)> {
    let not_carried_out = [
        (Fault::Drop, Look::Lost),
        (Fault::Hang, Look::Lost),
        // What these clients speak has no word for it.
        (Fault::RefusedStream, Look::Lost),
        (Fault::Garbage, Look::Nonsense),
        (Fault::Empty, Look::Nonsense),
        (Fault::Endless, Look::TooLong),
        (Fault::Html(StatusCode::BAD_GATEWAY), Look::Outage(502)),
        (
            Fault::Status(StatusCode::REQUEST_TIMEOUT),
            Look::Outage(408),
        ),
        (
            Fault::Status(StatusCode::SERVICE_UNAVAILABLE),
            Look::Outage(503),
        ),
        (
            Fault::Redirect(HeaderValue::from_static("/elsewhere")),
            Look::Redirect(307),
        ),
    ];
    let carried_out = not_carried_out
        .clone()
        .map(|(fault, look)| (fault.after_acting(), look));
    let others = [
        (Fault::Delay(Duration::from_millis(20)), Look::Fine),
        (Fault::GoAway, Look::Fine),
        (Fault::CutShort, Look::Lost),
        (Fault::Throttled { retry_after: None }, Look::TooMany),
        (retry_after("0"), Look::TooMany),
        (Fault::ThrottledOut, Look::TooMany),
        (retry_after("3600"), Look::TooManyForLong),
        (Fault::Status(StatusCode::CONFLICT), Look::Refusal(409)),
        (Fault::Replace(teapot()), Look::Refusal(418)),
    ];
    [&not_carried_out[..], &carried_out, &others].concat()
}

fn hangs(fault: &Fault) -> bool {
    match fault {
        Fault::Hang => true,
        Fault::AfterActing(fault) => hangs(fault),
        _ => false,
    }
}

/// One of every fault that takes neither time nor room, as the client can tell
/// them apart: whether anything was carried out, it can't.
pub(crate) fn cheap_faults() -> impl Iterator<Item = Fault> {
    let faults = faults().into_iter().filter(|(fault, look)| {
        !matches!(fault, Fault::Hang | Fault::AfterActing(_)) && *look != Look::TooLong
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

/// Tells a story once for every fault, which befalls the next `call`; with a
/// session open, unless the call is one of those that open it.
fn whatever_befalls<C: Client>(call: Call, story: impl Fn(&Stage<C>, &C, Look)) {
    for (fault, look) in faults() {
        println!("{fault:?}");
        let stage = Stage::<C>::new();
        let settings = if hangs(&fault) {
            impatient()
        } else {
            settings()
        };
        let client = stage.builder().settings(settings).build().unwrap();
        if !matches!(call, Call::BearerToken | Call::LogIn) {
            client.log_in().unwrap();
        }
        stage.inject(call, fault);
        story(&stage, &client, look);
        assert!(!stage.is_locked());
    }
}

fn is_throttled_for_an_hour<C>(stage: &Stage<C>, error: &Error) {
    assert!(error.is_throttled(), "{error}");
    let wait = error.retry_at().unwrap().since(stage.server.now());
    let hour = Duration::from_secs(3590)..=Duration::from_secs(3601);
    assert!(hour.contains(&wait), "{wait:?}");
}

pub(crate) fn what_may_be_done_twice_survives_whatever_may_pass<C: Client>() {
    whatever_befalls::<C>(Call::Account, |stage, client, look| {
        let outcome = client.call(account());
        let seen = stage.seen(Call::Account);
        match look {
            // A plain request takes a success as it comes.
            Look::Fine | Look::Nonsense => {
                outcome.unwrap();
                assert_eq!(seen, 1);
            }
            Look::Lost | Look::Outage(_) | Look::TooMany => {
                outcome.unwrap();
                assert_eq!(seen, 2);
            }
            Look::TooLong => {
                let error = outcome.unwrap_err();
                assert!(error.is_malformed() && error.is_fate_unknown(), "{error}");
                assert_eq!(seen, 1);
            }
            Look::TooManyForLong => {
                let error = outcome.unwrap_err();
                is_throttled_for_an_hour(stage, &error);
                assert_eq!(error.fate(), Fate::Refused);
                assert_eq!(seen, 1);
            }
            Look::Redirect(status) | Look::Refusal(status) => {
                assert_eq!(outcome.unwrap_err().status().unwrap(), status);
                assert_eq!(seen, 1);
            }
        }
        assert_eq!(stage.seen(Call::LogIn), 1);
    });
}

pub(crate) fn law_6_what_must_not_be_done_twice_is_not<C: Client>() {
    whatever_befalls::<C>(Call::Devices, |stage, client, look| {
        let outcome = client.call(devices());
        let seen = stage.seen(Call::Devices);
        match look {
            Look::Fine | Look::Nonsense => {
                outcome.unwrap();
                assert_eq!(seen, 1);
            }
            // What was refused has not been done.
            Look::TooMany => {
                outcome.unwrap();
                assert_eq!(seen, 2);
            }
            Look::Lost => {
                let error = outcome.unwrap_err();
                assert!(
                    error.is_fate_unknown() && error.status().is_none(),
                    "{error}"
                );
                assert_eq!(seen, 1);
            }
            Look::TooLong => {
                let error = outcome.unwrap_err();
                assert!(error.is_malformed() && error.is_fate_unknown(), "{error}");
                assert_eq!(seen, 1);
            }
            Look::Outage(status) | Look::Redirect(status) => {
                let error = outcome.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert!(error.is_fate_unknown(), "{error}");
                assert_eq!(seen, 1);
            }
            Look::Refusal(status) => {
                let error = outcome.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert_eq!(error.fate(), Fate::Refused);
                assert_eq!(seen, 1);
            }
            Look::TooManyForLong => {
                let error = outcome.unwrap_err();
                is_throttled_for_an_hour(stage, &error);
                assert_eq!(error.fate(), Fate::Refused);
                assert_eq!(seen, 1);
            }
        }
        assert!(stage.done(Call::Devices) <= 1);
    });
}

pub(crate) fn a_login_is_made_once_more_after_whatever_may_pass<C: Client>() {
    whatever_befalls::<C>(Call::LogIn, |stage, client, look| {
        let outcome = client.log_in();
        let seen = stage.seen(Call::LogIn);
        let gate = client.session(|session| session.gate());
        match look {
            Look::Fine => {
                outcome.unwrap();
                assert_eq!((seen, gate.failed_logins), (1, 0));
            }
            Look::Lost | Look::Nonsense | Look::TooLong | Look::Outage(_) | Look::TooMany => {
                outcome.unwrap();
                assert_eq!((seen, gate.failed_logins), (2, 0));
            }
            Look::TooManyForLong => {
                is_throttled_for_an_hour(stage, &outcome.unwrap_err());
                assert_eq!((seen, gate.failed_logins), (1, 1));
            }
            Look::Redirect(status) | Look::Refusal(status) => {
                assert_eq!(outcome.unwrap_err().status().unwrap(), status);
                assert_eq!((seen, gate.failed_logins), (1, 1));
            }
        }
        assert_eq!(gate.closed, None);
    });
}

pub(crate) fn a_token_fetch_is_tried_again_after_whatever_may_pass<C: Client>() {
    whatever_befalls::<C>(Call::BearerToken, |stage, client, look| {
        let outcome = client.call(account());
        let seen = stage.seen(Call::BearerToken);
        match look {
            Look::Fine => {
                outcome.unwrap();
                assert_eq!(seen, 1);
            }
            Look::Lost | Look::Nonsense | Look::TooLong | Look::Outage(_) | Look::TooMany => {
                outcome.unwrap();
                assert_eq!(seen, 2);
            }
            Look::TooManyForLong => {
                let error = outcome.unwrap_err();
                is_throttled_for_an_hour(stage, &error);
                assert!(error.is_never_sent(), "{error}");
                assert_eq!((seen, stage.seen_in_all()), (1, 1));
            }
            Look::Redirect(status) | Look::Refusal(status) => {
                let error = outcome.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert!(error.is_never_sent(), "{error}");
                assert_eq!((seen, stage.seen_in_all()), (1, 1));
            }
        }
        assert_eq!(client.session(|session| session.gate().failed_logins), 0);
    });
}

pub(crate) fn law_8_a_reset_is_sent_once_and_if_lost_closes_the_gate<C: Client>() {
    whatever_befalls::<C>(Call::ResetPassword, |stage, client, look| {
        let outcome = client.reset_password();
        assert_eq!(stage.seen(Call::ResetPassword), 1);
        // The session that is open goes on.
        client.call(account()).unwrap();
        stage.pass(IDLE);
        let next = client.call(account());
        match look {
            Look::Fine => {
                let password = outcome.unwrap();
                stage
                    .server
                    .with(|service| assert_eq!(service.reveal_password(), password.expose()));
                next.unwrap();
            }
            Look::Lost | Look::Nonsense | Look::TooLong | Look::Outage(_) | Look::Redirect(_) => {
                let error = outcome.unwrap_err();
                assert!(matches!(error, Error::PasswordUnknown(_)), "{error}");
                assert!(error.is_fate_unknown());
                let gate = next.unwrap_err().gate().cloned().unwrap();
                assert_eq!(gate.closed, Some(GateReason::PasswordUnknown));
                assert_eq!(stage.seen(Call::LogIn), 1);
            }
            Look::TooMany | Look::TooManyForLong | Look::Refusal(_) => {
                assert_eq!(outcome.unwrap_err().fate(), Fate::Refused);
                stage
                    .server
                    .with(|service| assert_eq!(service.reveal_password(), Simulator::PASSWORD));
                next.unwrap();
            }
        }
        assert_eq!(stage.failed_logins(), 0);
    });
}

pub(crate) fn what_fails_for_ever_is_tried_three_times<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    for _ in 0..10 {
        stage.inject(Call::Account, Fault::Drop);
    }
    assert!(client.call(account()).unwrap_err().is_fate_unknown());
    assert_eq!(stage.seen(Call::Account), 3);
}

pub(crate) fn an_outage_for_an_hour_is_not_waited_for<C: Client>() {
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
    assert!(error.is_fate_unknown(), "{error}");
    assert_eq!(stage.seen(Call::Account), 1);
}
