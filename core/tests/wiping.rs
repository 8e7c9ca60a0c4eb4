//! Passwords and secrets are wiped before their memory is given back.
//!
//! An allocator looks at what is given back. That needs `unsafe`, which the
//! crate itself forbids.

#![cfg(test)]
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    slice,
};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, UserCredentials,
};

const APP_SECRET: &str = "Xq7hJ2vWz9kP4";
/// `key:` and the secret in base64, without its ends.
const BASIC: &str = "lhxN2hKMnZXejlrU";
const OLD_PASSWORD: &str = "Rb5mT8cYs1dN3";
const NEW_PASSWORD: &str = "Fw6gL1zKxoH9e";

/// Counts, for each thread, the blocks that are given back with a secret in them.
struct Watching;

#[global_allocator]
static ALLOCATOR: Watching = Watching;

thread_local! {
    static UNWIPED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all of it is the system's allocator, whose blocks are read, but not
// saved, for as long as they are the caller's.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that nothing is read that was never written.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let bytes = unsafe { slice::from_raw_parts(block, layout.size()) };
        let holds = |secret: &str| {
            let mut windows = bytes.windows(secret.len());
            windows.any(|window| window == secret.as_bytes())
        };
        if [APP_SECRET, BASIC, OLD_PASSWORD, NEW_PASSWORD]
            .into_iter()
            .any(holds)
        {
            let _ = UNWIPED.try_with(|unwiped| unwiped.set(unwiped.get() + 1));
        }
        unsafe { System.dealloc(block, layout) }
    }
}

/// The number of blocks that `act` gives back with a secret in them.
fn unwiped(act: impl FnOnce()) -> usize {
    let before = UNWIPED.get();
    act();
    UNWIPED.get() - before
}

/// The body of the response to a request, which belongs to the HTTP stack.
fn body_for(request: Request<Bytes>) -> &'static str {
    let body = match request.uri().path().rsplit('/').next() {
        Some("token") => r#"{"access_token":"b"}"#,
        Some("login") => r#"{"sessionToken":"s"}"#,
        _ => r#"{"newPassword":"Fw6gL1zKxoH9e"}"#,
    };
    std::mem::forget(request);
    body
}

fn credentials() -> Credentials {
    Credentials::new(
        AppCredentials::new("key", APP_SECRET).unwrap(),
        UserCredentials::new("user", OLD_PASSWORD).unwrap(),
    )
}

#[test]
fn a_secret_that_is_not_wiped_is_noticed() {
    for secret in [APP_SECRET, "a2V5OlhxN2hKMnZXejlrUDQ=", OLD_PASSWORD] {
        assert_eq!(unwiped(|| drop(secret.to_owned())), 1);
    }
}

/// A driver that lost its call, or a reset that nobody confirmed.
#[test]
fn a_new_password_that_nobody_took_is_wiped() {
    let now = Timestamp::from_millis(1_700_000_000_000);
    assert_eq!(
        unwiped(|| {
            let mut session = Session::new(Environment::mock(), credentials(), 1);
            let mut call = Call::reset_password();
            while let Step::Send(transmit) = call.step(&mut session, now) {
                let operation = transmit.attempt.operation().unwrap();
                let body = body_for(transmit.request);
                let response = Response::new(Bytes::from_static(body.as_bytes()));
                session.receive(now, operation, Ok(response));
                if session.new_password().is_some() {
                    break;
                }
            }
            assert!(session.new_password().is_some());
            let other = UserCredentials::new("user", NEW_PASSWORD).unwrap();
            let other = Credentials::new(credentials().app, other);
            session.set_credentials(other).unwrap();
        }),
        0
    );
}

#[test]
fn credentials_are_wiped() {
    assert_eq!(
        unwiped(|| {
            let first = credentials();
            let second = first.clone();
            drop(first);
            drop(second);
        }),
        0
    );
}

#[test]
fn credentials_that_are_refused_are_wiped() {
    assert_eq!(
        unwiped(|| {
            AppCredentials::new("key:", APP_SECRET).unwrap_err();
            AppCredentials::new("key", [APP_SECRET, "\n"].concat()).unwrap_err();
            UserCredentials::new("", OLD_PASSWORD).unwrap_err();
        }),
        0
    );
}

/// All is wiped but the requests, which belong to the HTTP stack.
#[test]
fn a_session_leaves_no_password_behind() {
    let now = Timestamp::from_millis(1_700_000_000_000);
    assert_eq!(
        unwiped(|| {
            let mut session = Session::new(Environment::mock(), credentials(), 1);
            let mut call = Call::reset_password();
            let completion = loop {
                match call.step(&mut session, now) {
                    Step::Send(transmit) => {
                        let body = body_for(transmit.request);
                        let response = Response::new(Bytes::from_static(body.as_bytes()));
                        call.receive(&mut session, now, transmit.attempt, Ok(response));
                    }
                    Step::Done(result) => break result.unwrap(),
                    other @ Step::Wait(_) => panic!("{other:?}"),
                }
            };
            let new = completion.into_new_password().unwrap();
            assert_eq!(new.password().expose(), NEW_PASSWORD);
            session.confirm(&new).unwrap();
            assert_eq!(new.into_password().expose(), NEW_PASSWORD);
            drop(serde_json::to_string(&session.snapshot(now)).unwrap());
        }),
        0
    );
}
