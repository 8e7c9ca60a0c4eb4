//! The snapshots that the laws save.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use thingspace_core::{
    AppCredentials, Credentials, Environment, MAX_TOKEN_LENGTH, Session, SessionBuilder, Timestamp,
    UserCredentials,
    session::{Call, OperationKind, Revision, Snapshot, Step, Transmit},
};

/// A word in everything that is secret, and in nothing else.
pub(crate) const SECRET: &str = "hush";

/// The user of the session.
pub(crate) const USER: &str = "zbeeblebrox";

/// Somebody else.
pub(crate) const SOMEBODY_ELSE: &str = "tmcmillan";

/// The time by the clock of the first process, which is nobody else's.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A builder of a session of this user.
pub(crate) fn builder(user: &str) -> SessionBuilder {
    let app = AppCredentials::new("key", format!("{SECRET}-secret")).unwrap();
    let user = UserCredentials::new(user, format!("{SECRET}-password")).unwrap();
    SessionBuilder::new(Credentials::new(app, user)).environment(Environment::mock())
}

/// A snapshot of an open session that comes after what was seen, with a random number that
/// no other has.
pub(crate) fn next(seen: Option<Revision>) -> Snapshot {
    let version = seen.map_or(1, |seen| seen.version + 1);
    of_revision(&open(USER), version)
}

/// The same snapshot under this version, with a random number that no other has.
pub(crate) fn of_revision(snapshot: &Snapshot, version: u64) -> Snapshot {
    static NONCES: AtomicU64 = AtomicU64::new(1);
    // Spread over all that it may be: a number that is cut anywhere is another one.
    let count = NONCES.fetch_add(1, Ordering::Relaxed);
    let nonce = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut saved = serde_json::to_value(snapshot).unwrap();
    let contents = saved.as_object_mut().unwrap().values_mut().next().unwrap();
    contents["revision"] = json!({ "version": version, "nonce": nonce });
    serde_json::from_value(saved).unwrap()
}

/// A snapshot of a session of this user that is open.
pub(crate) fn open(user: &str) -> Snapshot {
    opened_with(user, &[SECRET, "-cf1b"].concat())
}

/// A snapshot of a session with the longest tokens that there may be, of which every
/// character is escaped in JSON.
pub(crate) fn largest() -> Snapshot {
    let token = r#"\""#.repeat(MAX_TOKEN_LENGTH / 2);
    assert_eq!(token.len(), MAX_TOKEN_LENGTH);
    opened_with(USER, &token)
}

/// A snapshot of a session whose password was refused.
pub(crate) fn refused() -> Snapshot {
    let mut session = builder(USER).seed(42).build().unwrap();
    let response = |transmit: &Transmit| match kind(transmit) {
        Some(OperationKind::LogIn) => response(400, INVALID_PASSWORD),
        _ => response_to(transmit, SECRET),
    };
    run(&mut session, Call::log_in(), response).expect_err("its password is wrong");
    session.snapshot(NOW)
}

const INVALID_PASSWORD: &str =
    r#"{"errorCode":"REQUEST_FAILED.InvalidPassword","errorMessage":"hush"}"#;

fn opened_with(user: &str, token: &str) -> Snapshot {
    let mut session = builder(user).seed(42).build().unwrap();
    run(&mut session, Call::log_in(), |transmit| {
        response_to(transmit, token)
    })
    .expect("it logs in");
    session.snapshot(NOW)
}

/// Drives a call of a session that nobody shares.
fn run(
    session: &mut Session,
    mut call: Call,
    respond: impl Fn(&Transmit) -> Response<Bytes>,
) -> Result<thingspace_core::Completion, thingspace_core::Error> {
    loop {
        match call.step(session, NOW) {
            Step::Send(transmit) => {
                let response = respond(&transmit);
                call.receive(session, NOW, transmit.attempt, Ok(response));
            }
            Step::Wait(wait) => panic!("{wait:?}"),
            Step::Done(result) => return result,
        }
    }
}

/// The operation that a request is of.
pub(crate) fn kind(transmit: &Transmit) -> Option<OperationKind> {
    transmit
        .attempt
        .operation()
        .map(|operation| operation.kind())
}

/// The response of a service that gives this token for any other.
pub(crate) fn response_to(transmit: &Transmit, token: &str) -> Response<Bytes> {
    let body: Value = match kind(transmit) {
        Some(OperationKind::TokenFetch) => json!({ "access_token": token, "expires_in": 3600 }),
        _ => json!({ "sessionToken": token }),
    };
    response(200, &body.to_string())
}

fn response(status: u16, body: &str) -> Response<Bytes> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    response
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}
