//! The same with the library.

use std::hint::black_box;

use bytes::Bytes;
use http::{HeaderMap, Request};
use thingspace_core::{
    AppCredentials, BearerToken, Call, Credentials, Endpoint, Environment, Session, SessionToken,
    Step, Timestamp, UserCredentials,
    api::{LogIn, LogOut, RequestBearerToken, ResetPassword},
    endpoint::{Auth, WithSession},
    session::{EndSession, MAX_EVENTS, OpenSession, Task},
};

use super::{
    BEARER_ANSWER, BEARER_TOKEN, CALL_ANSWER, Canned, Doing, KEY, PASSWORD, PASSWORD_ANSWER,
    SECRET, SESSION_ANSWER, SESSION_TOKEN, USERNAME, doing,
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

pub(super) fn log_in_answer() -> Doing {
    let canned = Canned::new(SESSION_ANSWER);
    doing(move || LogIn::parse(canned.answer()).unwrap())
}

pub(super) fn log_out() -> Doing {
    doing(log_out_request())
}

pub(crate) fn log_out_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let (bearer, session) = tokens();
    move || LogOut.request(&at, (&bearer, &session)).unwrap()
}

pub(super) fn log_out_answer() -> Doing {
    let canned = Canned::new(SESSION_ANSWER);
    doing(move || LogOut::parse(canned.answer()).unwrap())
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

pub(super) fn reset_answer() -> Doing {
    let canned = Canned::new(PASSWORD_ANSWER);
    doing(move || ResetPassword::parse(canned.answer()).unwrap())
}

pub(super) fn bearer() -> Doing {
    let mut request = bearer_request();
    let canned = Canned::new(BEARER_ANSWER);
    doing(move || {
        let request = request();
        let answer = RequestBearerToken::parse(canned.answer()).unwrap();
        (request, answer)
    })
}

pub(crate) fn bearer_request() -> impl FnMut() -> Request<Bytes> {
    let at = Environment::production();
    let app = app();
    move || RequestBearerToken::default().request(&at, &app).unwrap()
}

pub(super) fn stamp() -> Doing {
    let (bearer, session) = tokens();
    let mut headers = HeaderMap::with_capacity(2);
    doing(move || {
        WithSession::stamp((&bearer, &session), &mut headers);
        headers.clear();
    })
}

/// The call without a session: its endpoint alone.
pub(super) fn endpoint_alone() -> Doing {
    let mut request = call_request();
    let canned = Canned::new(CALL_ANSWER);
    doing(move || {
        let request = request();
        let answer = <Request<Bytes>>::parse(canned.answer()).unwrap();
        (request, answer)
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

pub(super) fn call() -> Doing {
    call_on(open_session())
}

pub(super) fn call_after_many() -> Doing {
    let mut session = open_session();
    for _ in 0..100_000 {
        drive(Call::new(account()), &mut session);
    }
    call_on(session)
}

pub(super) fn call_with_events() -> Doing {
    let mut session = open_session();
    for _ in 0..MAX_EVENTS {
        drive(Call::new(EndSession), &mut session);
        drive(Call::new(OpenSession), &mut session);
    }
    call_on(session)
}

pub(super) fn call_beside_many() -> Doing {
    let mut session = open_session();
    let mut calls = vec![Call::new(account()); 1000];
    for call in &mut calls {
        assert!(matches!(call.step(&mut session, NOW), Step::Send(_)));
    }
    let mut work = call_on(session);
    Box::new(move || {
        black_box(&calls);
        work();
    })
}

fn call_on(mut session: Session) -> Doing {
    let request = account();
    let canned = Canned::new(CALL_ANSWER);
    doing(move || {
        let mut call = Call::new(request.clone());
        let Step::Send(transmit) = call.step(&mut session, NOW) else {
            panic!("nothing to send");
        };
        call.receive(&mut session, NOW, transmit.attempt, Ok(canned.answer()));
        let Step::Done(answer) = call.step(&mut session, NOW) else {
            panic!("not done");
        };
        (transmit, answer.unwrap())
    })
}

/// Sees a call through, with an honest service.
fn drive<T: Task>(mut call: Call<T>, session: &mut Session) {
    loop {
        match call.step(session, NOW) {
            Step::Send(transmit) => {
                let path = transmit.request.uri().path();
                let body = if path.ends_with("/oauth2/token") {
                    BEARER_ANSWER
                } else if path.ends_with("/login") || path.ends_with("/logout") {
                    SESSION_ANSWER
                } else {
                    CALL_ANSWER
                };
                let answer = Canned::new(body).answer();
                call.receive(session, NOW, transmit.attempt, Ok(answer));
            }
            Step::Wait(wait) => panic!("{wait:?}"),
            Step::Done(result) => {
                assert!(result.is_ok());
                return;
            }
        }
    }
}

fn account() -> Request<Bytes> {
    let request = Request::get("/m2m/v1/accounts/0000123456-00001")
        .body(Bytes::new())
        .unwrap();
    drop(request.clone());
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

fn open_session() -> Session {
    let credentials = Credentials::new(app(), user());
    let mut session = Session::new(Environment::production(), credentials, 0);
    drive(Call::new(OpenSession), &mut session);
    session
}
