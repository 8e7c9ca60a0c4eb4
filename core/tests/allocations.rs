//! The price of the tokens and of the machine: nothing to authorize, one copy to
//! read, and no more of the request that a replay may need than its text.
#![cfg(test)]

use std::cell::Cell;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header::CONTENT_TYPE};
use thingspace_core::{
    AppCredentials, BearerToken, Call, Credentials, Endpoint, Environment, Session, SessionToken,
    Step, Timestamp, UserCredentials, WithSession,
    api::{Authorization, LogIn, ResetPassword},
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LOGIN: &str = r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#;

#[test]
fn reading_the_response_to_a_login_copies_the_token_once() {
    let response = Response::new(Bytes::from_static(LOGIN.as_bytes()));
    let cost = measure(|| {
        let token = LogIn::parse(response).unwrap().into_body().session_token;
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
fn authorizing_a_request_with_ready_made_tokens_allocates_nothing_for_them() {
    let bearer = BearerToken::new(&"b".repeat(1000)).unwrap();
    let session = SessionToken::new("bcce3ea6-fe4f-4952-bacf-eadd80718e83").unwrap();
    // The first copy of a header value begins to count its copies.
    drop((bearer.authorization(), session.header()));
    let mut headers = HeaderMap::with_capacity(2);
    let cost = measure(|| WithSession::authorize((&bearer, &session), &mut headers));
    assert_eq!(headers["authorization"].len(), "Bearer ".len() + 1000);
    assert_eq!(cost.count_total, 0);
}

/// The text of the address is there from the call before. The copy begins to count the
/// copies of the body.
#[test]
fn a_call_to_the_same_path_again_costs_no_more_than_a_copy_of_its_body() {
    const ADDRESS: usize = "/api/m2m/v1/work".len();
    for (method, body, copies) in [
        (Method::GET, "", 0),
        (Method::POST, "", 0),
        (Method::POST, "the work", 1),
    ] {
        let own = || {
            let request = Request::builder().method(&method).uri("/m2m/v1/work");
            request.body(Bytes::from(body.to_owned())).unwrap()
        };
        let (alone, driven) = steady(own);
        assert_eq!(
            driven.count_total + 1,
            alone.count_total + copies,
            "{method}"
        );
        let address = u64::try_from(ADDRESS).unwrap();
        assert_eq!(
            driven.bytes_total + address,
            alone.bytes_total + copies * 24
        );
    }
}

#[test]
fn a_call_to_the_same_full_address_again_costs_no_allocation() {
    let address = Environment::mock().uri("/m2m/v1/work").unwrap();
    let request = Request::post(address).body(Bytes::from_static(b"the work"));
    let request = request.unwrap();
    let (alone, driven) = steady(|| request.clone());
    assert_eq!(driven.count_total, alone.count_total);
    assert_eq!(driven.bytes_total, alone.bytes_total);
}

/// As before: the address is put together, and its copy begins to count its copies.
#[test]
fn a_call_to_another_path_costs_one_small_allocation() {
    let number = Cell::new(0);
    let own = || {
        number.set(number.get() + 1);
        let request = Request::get(format!("/m2m/v1/work/{}", 1000 + number.get()));
        request.body(Bytes::new()).unwrap()
    };
    let (alone, driven) = steady(own);
    assert_eq!(driven.count_total, alone.count_total + 1);
    assert_eq!(driven.bytes_total, alone.bytes_total + 24);
}

/// The map of the headers is copied, with room for what the machine puts on it.
#[test]
fn headers_of_ones_own_cost_a_call_two_allocations_more() {
    for (body, extra) in [("", 1), ("the work", 2)] {
        let own = || {
            let request = Request::post("/m2m/v1/work");
            let text = HeaderValue::from_static("text/plain");
            let request = request.header(CONTENT_TYPE, text);
            request.body(Bytes::from(body.to_owned())).unwrap()
        };
        let (alone, driven) = steady(own);
        assert_eq!(driven.count_total - alone.count_total, extra);
    }
}

/// The allocations for a request that is built alone, and for a call that sends
/// it in an open session.
fn steady(own: impl Fn() -> Request<Bytes>) -> (AllocationInfo, AllocationInfo) {
    let mut session = open_session();
    let environment = Environment::mock();
    let bearer = session.bearer_token().unwrap().clone();
    let token = session.session_token().unwrap().clone();
    let alone = || {
        measure(|| {
            let request = Endpoint::request(own(), &environment, (&bearer, &token));
            std::mem::forget(request);
        })
    };
    let mut drive = || {
        measure(|| {
            let mut call = Call::to(own(), &environment).unwrap();
            let Step::Send(transmit) = call.step(&mut session, NOW) else {
                panic!("nothing to send");
            };
            call.receive(&mut session, NOW, transmit.attempt, Ok(Response::default()));
            let Step::Done(Ok(completion)) = call.step(&mut session, NOW) else {
                panic!("not done");
            };
            let response = completion.into_response().unwrap();
            std::mem::forget((transmit, response, call));
        })
    };
    // The first copy of a header value begins to count its copies.
    alone();
    drive();
    (alone(), drive())
}

fn user() -> UserCredentials {
    UserCredentials::new("zbeeblebrox", "IMgr8").unwrap()
}

fn open_session() -> Session {
    let app = AppCredentials::new("key", "secret").unwrap();
    let credentials = Credentials::new(app, user());
    let mut session = Session::new(Environment::mock(), credentials, 0);
    let mut call = Call::log_in();
    loop {
        match call.step(&mut session, NOW) {
            Step::Send(transmit) => {
                let body = if transmit.request.uri().path().ends_with("/token") {
                    r#"{"access_token":"cf1b"}"#
                } else {
                    LOGIN
                };
                let response = Response::new(Bytes::from_static(body.as_bytes()));
                call.receive(&mut session, NOW, transmit.attempt, Ok(response));
            }
            Step::Done(token) => {
                token.unwrap();
                return session;
            }
            other @ Step::Wait(_) => panic!("{other:?}"),
        }
    }
}
