//! No redirect is followed.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    stage::{Stage, account},
};

const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

/// Redirects the token fetch, the login and a call of the client to another service,
/// and asserts that nothing arrives there.
pub fn nobody_follows<C: Client>(
    client: impl Fn(&Stage<C>) -> C,
    request: impl Fn() -> Request<Bytes>,
) {
    for status in REDIRECTS {
        for call in [Call::BearerToken, Call::LogIn, Call::Account] {
            let (stage, elsewhere) = (Stage::<C>::new(), Stage::<C>::new());
            let client = client(&stage);
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

pub(crate) fn law_9_no_redirect_is_followed<C: Client>() {
    nobody_follows(Stage::<C>::client, account);
}
