//! What the tokens cost: nothing to stamp, one copy to read.
#![cfg(test)]

use allocation_counter::measure;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use thingspace_core::{
    AppCredentials, BearerToken, Call, Credentials, Endpoint, Environment, Session, SessionToken,
    Step, Timestamp, UserCredentials,
    api::{LogIn, ResetPassword},
    endpoint::{Auth, WithSession},
    session::OpenSession,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LOGIN: &str = r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#;

#[test]
fn reading_a_login_answer_copies_the_token_once() {
    let answer = Response::new(Bytes::from_static(LOGIN.as_bytes()));
    let cost = measure(|| {
        let token = LogIn::parse(answer).unwrap().into_body().session_token;
        std::mem::forget(token);
    });
    assert_eq!(cost.count_total, 1);
}

/// One for the body, two for the headers.
#[test]
fn a_request_with_a_body_is_built_in_three_allocations() {
    let (environment, user) = (Environment::mock(), user());
    let bearer = BearerToken::new("b").unwrap();
    let session = SessionToken::new("s").unwrap();
    let log_in = || LogIn::new(&user).request(&environment, &bearer);
    let reset = || ResetPassword::new(user.password()).request(&environment, (&bearer, &session));
    for build in [&log_in as &dyn Fn() -> _, &reset] {
        // The first copy of an address or a header value begins to count its copies.
        drop(build());
        let cost = measure(|| std::mem::forget(build()));
        assert_eq!(cost.count_total, 3);
    }
}

#[test]
fn stamping_a_request_with_ready_made_tokens_allocates_nothing_for_them() {
    let bearer = BearerToken::new(&"b".repeat(1000)).unwrap();
    let session = SessionToken::new("bcce3ea6-fe4f-4952-bacf-eadd80718e83").unwrap();
    // The first copy of a header value begins to count its copies.
    drop((bearer.authorization(), session.header()));
    let mut headers = HeaderMap::with_capacity(2);
    let cost = measure(|| WithSession::stamp((&bearer, &session), &mut headers));
    assert_eq!(headers["authorization"].len(), "Bearer ".len() + 1000);
    assert_eq!(cost.count_total, 0);
}

#[test]
fn the_machine_adds_no_allocation_to_a_call_with_an_open_session() {
    let mut session = open_session();
    let request = Request::get("/m2m/v1/work").body(Bytes::new()).unwrap();
    let environment = Environment::mock();
    let (bearer, token) = (
        session.bearer_token().unwrap().clone(),
        session.session_token().unwrap().clone(),
    );
    let build = || {
        let request = Endpoint::request(&request, &environment, (&bearer, &token));
        std::mem::forget(request);
    };
    build();
    let alone = measure(build);

    let mut call = Call::new(request.clone());
    let driven = measure(|| {
        let Step::Send(transmit) = call.step(&mut session, NOW) else {
            panic!("nothing to send");
        };
        call.receive(&mut session, NOW, transmit.attempt, Ok(Response::default()));
        let Step::Done(Ok(answer)) = call.step(&mut session, NOW) else {
            panic!("not done");
        };
        std::mem::forget((transmit, answer));
    });
    assert_eq!(driven.count_total, alone.count_total);
}

fn user() -> UserCredentials {
    UserCredentials::new("zbeeblebrox", "IMgr8").unwrap()
}

fn open_session() -> Session {
    let app = AppCredentials::new("key", "secret").unwrap();
    let credentials = Credentials::new(app, user());
    let mut session = Session::new(Environment::mock(), credentials, 0);
    let mut call = Call::new(OpenSession);
    loop {
        match call.step(&mut session, NOW) {
            Step::Send(transmit) => {
                let body = if transmit.request.uri().path().ends_with("/token") {
                    r#"{"access_token":"cf1b"}"#
                } else {
                    LOGIN
                };
                let answer = Response::new(Bytes::from_static(body.as_bytes()));
                call.receive(&mut session, NOW, transmit.attempt, Ok(answer));
            }
            Step::Wait(wait) => panic!("{wait:?}"),
            Step::Done(token) => {
                token.unwrap();
                return session;
            }
        }
    }
}
