//! The same with the library.

use std::hint::black_box;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header::USER_AGENT};
use thingspace_core::{
    AppCredentials, BearerToken, Call, Credentials, Endpoint, Environment, Session, SessionToken,
    Step, Timestamp, UserCredentials, WithSession,
    api::{Authorization, LogIn, LogOut, RequestBearerToken, ResetPassword},
    session::{MAX_EVENTS, Transmit},
};

use super::{
    BEARER_RESPONSE, BEARER_TOKEN, CALL_RESPONSE, Canned, Doing, KEY, PASSWORD, PASSWORD_RESPONSE,
    SECRET, SESSION_RESPONSE, SESSION_TOKEN, USERNAME, doing,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) fn log_in() -> Doing {
    doing(log_in_request())
}

pub(crate) fn log_in_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let (user, (bearer, _)) = (user(), tokens());
    move || LogIn::new(&user).request(&at, &bearer).unwrap()
}

pub(super) fn log_in_response() -> Doing {
    let canned = Canned::new(SESSION_RESPONSE);
    doing(move || LogIn::parse(canned.response()).unwrap())
}

pub(super) fn log_out() -> Doing {
    doing(log_out_request())
}

pub(crate) fn log_out_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let (bearer, session) = tokens();
    move || LogOut.request(&at, (&bearer, &session)).unwrap()
}

pub(super) fn log_out_response() -> Doing {
    let canned = Canned::new(SESSION_RESPONSE);
    doing(move || LogOut::parse(canned.response()).unwrap())
}

pub(super) fn reset() -> Doing {
    doing(reset_request())
}

pub(crate) fn reset_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let (user, (bearer, session)) = (user(), tokens());
    move || {
        let reset = ResetPassword::new(user.password());
        reset.request(&at, (&bearer, &session)).unwrap()
    }
}

pub(super) fn reset_response() -> Doing {
    let canned = Canned::new(PASSWORD_RESPONSE);
    doing(move || ResetPassword::parse(canned.response()).unwrap())
}

pub(super) fn bearer() -> Doing {
    let mut request = bearer_request();
    let canned = Canned::new(BEARER_RESPONSE);
    doing(move || {
        let request = request();
        let response = RequestBearerToken::parse(canned.response()).unwrap();
        (request, response)
    })
}

pub(crate) fn bearer_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let app = app();
    move || RequestBearerToken::default().request(&at, &app).unwrap()
}

pub(super) fn authorize() -> Doing {
    let (bearer, session) = tokens();
    let mut headers = HeaderMap::with_capacity(2);
    doing(move || {
        WithSession::authorize((&bearer, &session), &mut headers);
        headers.clear();
    })
}

/// The call without a session: its endpoint alone.
///
/// A caller who makes it again and again copies its short request each time, since
/// an endpoint is used up by its call. That copy is part of all works of a call.
pub(super) fn endpoint_alone() -> Doing {
    let mut request = call_request();
    let canned = Canned::new(CALL_RESPONSE);
    doing(move || {
        let request = request();
        let response = <Request<Bytes>>::parse(canned.response()).unwrap();
        (request, response)
    })
}

pub(crate) fn call_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let (bearer, session) = tokens();
    let request = account();
    move || {
        let endpoint = request.clone();
        endpoint.request(&at, (&bearer, &session)).unwrap()
    }
}

/// The endpoint alone, and a copy of the request that it built: a machine that may
/// have to send the request again has to have one.
pub(super) fn endpoint_and_copy() -> Doing {
    copied_endpoint(account())
}

pub(super) fn endpoint_at_full_address_and_copy() -> Doing {
    copied_endpoint(account_at_full_address())
}

pub(super) fn endpoint_with_user_agent_and_copy() -> Doing {
    copied_endpoint(account_with_user_agent())
}

fn copied_endpoint(request: Request<Bytes>) -> Doing {
    let at = Environment::production();
    let (bearer, session) = tokens();
    let canned = Canned::new(CALL_RESPONSE);
    doing(move || {
        let built = request.clone().build(&at).unwrap();
        let request = built.clone().request(&at, (&bearer, &session)).unwrap();
        let response = <Request<Bytes>>::parse(canned.response()).unwrap();
        (built, request, response)
    })
}

pub(super) fn call() -> Doing {
    call_on(open_session(), account())
}

pub(super) fn call_at_full_address() -> Doing {
    call_on(open_session(), account_at_full_address())
}

pub(super) fn call_with_user_agent() -> Doing {
    call_on(open_session(), account_with_user_agent())
}

/// A call whose request is made anew each time, as most callers make it.
pub(super) fn call_from_text() -> Doing {
    call_from("/m2m/v1/accounts/0000123456-00001")
}

pub(super) fn call_from_text_of_full_address() -> Doing {
    call_from("https://thingspace.verizon.com/api/m2m/v1/accounts/0000123456-00001")
}

fn call_from(address: &'static str) -> Doing {
    let mut session = open_session();
    let canned = Canned::new(CALL_RESPONSE);
    doing(move || {
        let request = Request::get(black_box(address)).body(Bytes::new()).unwrap();
        exchange(request, &mut session, &canned)
    })
}

/// A call to another path each time: more of them than the machine remembers.
pub(super) fn call_to_others() -> Doing {
    let paths = (0..16).map(|n| format!("/m2m/v1/accounts/0000123456-000{n:02}"));
    let requests = paths.map(|path| {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        drop(request.clone());
        request
    });
    let requests: Vec<_> = requests.collect();
    let mut session = open_session();
    let canned = Canned::new(CALL_RESPONSE);
    let mut number = 0;
    doing(move || {
        number = (number + 1) % requests.len();
        let request = requests.get(number).unwrap().clone();
        exchange(request, &mut session, &canned)
    })
}

pub(super) fn call_after_many() -> Doing {
    let mut session = open_session();
    for _ in 0..100_000 {
        drive(call_to(account(), &session), &mut session);
    }
    call_on(session, account())
}

pub(super) fn call_with_events() -> Doing {
    let mut session = open_session();
    for _ in 0..MAX_EVENTS {
        drive(Call::log_out(), &mut session);
        drive(Call::log_in(), &mut session);
    }
    call_on(session, account())
}

pub(super) fn call_beside_many() -> Doing {
    let mut session = open_session();
    let mut calls = vec![call_to(account(), &session); 1000];
    for call in &mut calls {
        send(call, &mut session);
    }
    let mut work = call_on(session, account());
    Box::new(move || {
        black_box(&calls);
        work();
    })
}

fn call_on(mut session: Session, request: Request<Bytes>) -> Doing {
    let canned = Canned::new(CALL_RESPONSE);
    doing(move || exchange(request.clone(), &mut session, &canned))
}

/// Makes a call that takes one request and one response.
fn exchange(
    request: Request<Bytes>,
    session: &mut Session,
    canned: &Canned,
) -> (Transmit, Response<Bytes>) {
    let mut call = call_to(request, session);
    let transmit = send(&mut call, session);
    call.receive(session, NOW, transmit.attempt, Ok(canned.response()));
    let Step::Done(completion) = call.step(session, NOW) else {
        panic!("not done");
    };
    let response = completion.unwrap().into_response().unwrap();
    (transmit, <Request<Bytes>>::parse(response).unwrap())
}

/// Steps a call up to its request.
pub(crate) fn send(call: &mut Call, session: &mut Session) -> Transmit {
    let Step::Send(transmit) = call.step(session, NOW) else {
        panic!("nothing to send");
    };
    transmit
}

pub(crate) fn call_to(request: Request<Bytes>, session: &Session) -> Call {
    Call::to(request, session.environment()).unwrap()
}

/// Drives a call to its end, with a service that accepts everything.
fn drive(mut call: Call, session: &mut Session) {
    loop {
        match call.step(session, NOW) {
            Step::Send(transmit) => {
                let path = transmit.request.uri().path();
                let body = if path.ends_with("/oauth2/token") {
                    BEARER_RESPONSE
                } else if path.ends_with("/login") || path.ends_with("/logout") {
                    SESSION_RESPONSE
                } else {
                    CALL_RESPONSE
                };
                let response = Canned::new(body).response();
                call.receive(session, NOW, transmit.attempt, Ok(response));
            }
            step @ Step::Wait(_) => panic!("{step:?}"),
            Step::Done(result) => {
                assert!(result.is_ok());
                return;
            }
        }
    }
}

pub(crate) fn account() -> Request<Bytes> {
    let request = Request::get("/m2m/v1/accounts/0000123456-00001")
        .body(Bytes::new())
        .unwrap();
    drop(request.clone());
    request
}

fn account_at_full_address() -> Request<Bytes> {
    let uri = Environment::production().uri(account().uri().path());
    let request = Request::get(uri.unwrap()).body(Bytes::new()).unwrap();
    drop(request.clone());
    request
}

/// The same with a user agent of the caller's own, so that an endpoint alone sends what a
/// machine does.
fn account_with_user_agent() -> Request<Bytes> {
    let mut request = account_at_full_address();
    let user_agent = HeaderValue::from_static(concat!("thingspace/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(USER_AGENT, user_agent);
    request
}

fn app() -> AppCredentials {
    AppCredentials::new(KEY, SECRET).unwrap()
}

fn user() -> UserCredentials {
    UserCredentials::new(USERNAME, PASSWORD).unwrap()
}

fn tokens() -> (BearerToken, SessionToken) {
    (
        BearerToken::new(BEARER_TOKEN).unwrap(),
        SessionToken::new(SESSION_TOKEN).unwrap(),
    )
}

pub(crate) fn open_session() -> Session {
    let credentials = Credentials::new(app(), user());
    let mut session = Session::new(Environment::production(), credentials, 0);
    drive(Call::log_in(), &mut session);
    session
}
