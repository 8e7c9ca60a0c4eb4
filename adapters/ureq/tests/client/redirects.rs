//! No redirect is followed, whoever asks for it.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use thingspace_simulator::{Call, Fault};
use thingspace_ureq::{
    Builder,
    ureq::{Agent, config::RedirectAuthHeaders},
};

use crate::stage::{Stage, account};

const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

/// An agent that goes wherever it is told to, tokens in hand.
fn obedient() -> Agent {
    Agent::config_builder()
        .max_redirects(10)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .http_status_as_error(true)
        .build()
        .into()
}

/// Redirects the token fetch, the login and a call to another service, which
/// must not hear of it.
fn nobody_follows(choose: impl Fn(Builder) -> Builder, request: impl Fn() -> Request<Bytes>) {
    for status in REDIRECTS {
        for call in [Call::BearerToken, Call::LogIn, Call::Account] {
            let (stage, elsewhere) = (Stage::new(), Stage::new());
            let client = choose(stage.builder()).build().unwrap();
            let redirect = Response::builder()
                .status(status)
                .header("location", elsewhere.server.base())
                .body(Bytes::new())
                .unwrap();
            stage.inject(call, Fault::Replace(redirect));
            let error = client.call(request()).unwrap_err();
            assert_eq!(error.status(), Some(status), "{call:?}");
            assert_eq!(stage.seen(call), 1);
            assert_eq!(elsewhere.seen_in_all(), 0, "{status} {call:?}");
        }
    }
}

#[test]
fn law_9_no_redirect_is_followed() {
    nobody_follows(|builder| builder, account);
}

#[test]
fn law_9_no_redirect_is_followed_by_an_agent_that_follows_them() {
    nobody_follows(|builder| builder.agent(obedient()), account);
}

#[test]
fn law_9_no_redirect_is_followed_because_a_request_says_so() {
    let says_so = || {
        obedient()
            .configure_request(account().map(|_| ()))
            .max_redirects(5)
            .build()
            .map(|()| Bytes::new())
    };
    nobody_follows(|builder| builder, says_so);
    nobody_follows(|builder| builder.agent(obedient()), says_so);
}
