//! Where tokens may go, and which calls only the session itself may make.

use bytes::Bytes;
use http::{Method, Request};
use thingspace_core::{
    Call, CallOptions, Endpoint, Environment, Error, ErrorKind, InvalidResponse, Password,
    RequestError, SessionBuilder, Step, WithSession,
    api::{LogOut, ResetPassword},
};

use crate::scenario::*;

/// The paths of the session's own calls.
const OWN: [&str; 3] = [
    "session/login",
    "session/logout",
    "session/password/actions/reset",
];

fn request(method: Method, uri: &str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(uri);
    request.body(Bytes::new()).expect(uri)
}

/// A call with a request that can be built.
#[track_caller]
fn plain(method: Method, uri: &str) -> Actor {
    Actor::requests(request(method, uri)).expect(uri)
}

/// The reason why a call's request was not sent.
#[track_caller]
fn reason(error: &Error) -> RequestError {
    assert!(error.is_never_sent());
    let ErrorKind::Request(reason) = error.kind() else {
        panic!("{error}");
    };
    *reason
}

/// Checks that the call ends without anything being sent, because of its request.
#[track_caller]
fn assert_refused(mut call: Actor, because: RequestError) {
    let mut s = Scenario::open();
    assert_eq!(reason(&call.fails(&mut s)), because);
    assert!(matches!(call.fails(&mut s).kind(), ErrorKind::CallFinished));
    // The session is none the worse for it.
    Actor::reads().works(&mut s);
}

#[test]
fn law_9_no_token_goes_to_another_origin() {
    for uri in [
        "https://evil.example/api/m2m/v1/work",
        "http://mock.thingspace.verizon.com/api/m2m/v1/work",
        "https://mock.thingspace.verizon.com:8443/api/m2m/v1/work",
        "https://thingspace.verizon.com/api/m2m/v1/work",
        "https://mock.thingspace.verizon.com.evil.example/api/m2m/v1/work",
        "https://mock.thingspace.verizon.com@evil.example/api/m2m/v1/work",
        "https://user@mock.thingspace.verizon.com/api/m2m/v1/work",
        "https://127.0.0.1/api/m2m/v1/work",
    ] {
        assert_refused(plain(Method::GET, uri), RequestError::Origin);
    }
}

#[test]
fn law_9_no_token_goes_to_the_right_origin_outside_the_base() {
    for uri in [
        "https://mock.thingspace.verizon.com/m2m/v1/work",
        "https://mock.thingspace.verizon.com/apiary/m2m/v1/work",
        "https://mock.thingspace.verizon.com/api/../m2m/v1/work",
    ] {
        assert_refused(plain(Method::GET, uri), RequestError::Path);
    }
    // A path alone is completed when the call is made.
    for path in [
        "/../m2m/v1/work",
        "/%2e%2E/m2m/v1/work",
        "/m2m/..;/../evil",
        "/..\\evil",
    ] {
        let refused = Actor::requests(request(Method::GET, path)).err();
        assert_eq!(refused, Some(RequestError::Path), "{path}");
    }
}

#[test]
fn law_9_a_request_that_was_never_completed_gets_no_token() {
    for uri in ["/m2m/v1/work", "/../m2m/v1/work", "*", "evil.example:443"] {
        let request = request(Method::GET, uri);
        let call = Call::new(request, CallOptions::once());
        assert_refused(Actor::new(call), RequestError::Origin);
    }
}

#[test]
fn law_9_an_endpoint_that_escapes_the_base_gets_no_token() {
    struct Astray;
    impl Endpoint for Astray {
        type Auth = WithSession;
        type Output = ();
        fn build(self, _: &Environment) -> Result<Request<Bytes>, RequestError> {
            Ok(Request::get("https://evil.example/api/m2m")
                .body(Bytes::new())
                .unwrap())
        }
        fn read(_: &http::Response<Bytes>) -> Result<(), InvalidResponse> {
            Ok(())
        }
    }
    let call = Call::to(Astray, &Environment::mock()).unwrap();
    assert_refused(Actor::new(call), RequestError::Origin);
}

#[test]
fn the_reason_says_what_to_do() {
    let mut s = Scenario::open();
    let error = plain(Method::GET, "https://evil.example/api").fails(&mut s);
    assert_eq!(
        error.to_string(),
        "the request was not sent: it goes to another origin than the environment's, where no token may go; give a path alone"
    );
    let error = plain(Method::POST, "/m2m/v1/session/login").fails(&mut s);
    assert_eq!(
        error.to_string(),
        "the request was not sent: it is a call that opens, ends or re-keys a session, which only the session itself may make; use the session's own calls: log_in, log_out or reset_password"
    );
    // What a caller does who knows the whole address, or forgot its first sign.
    let at = Environment::production();
    assert_eq!(
        at.uri("/api/m2m/v1/devices").unwrap_err().to_string(),
        "its path begins with /api, and so the environment's base address would have that twice; leave it out and give one like /m2m/v1/…"
    );
    let repeated = Actor::requests(request(Method::GET, "/api/m2m/v1/devices")).err();
    assert_eq!(repeated, Some(RequestError::BaseTwice));
    assert_eq!(
        at.uri("m2m/v1/devices").unwrap_err().to_string(),
        "its path does not begin with a slash; give one like /m2m/v1/…"
    );
}

#[test]
fn law_9_every_spelling_of_the_right_address_passes_the_check_of_its_origin() {
    for uri in [
        "/m2m/v1/work",
        "/m2m/v1/work?next=https://evil.example/../",
        "https://mock.thingspace.verizon.com/api/m2m/v1/work",
        "https://MOCK.thingspace.verizon.com/api/m2m/v1/work",
        "https://mock.thingspace.verizon.com:443/api/m2m/v1/work",
    ] {
        plain(Method::GET, uri).works(&mut Scenario::open());
    }
}

#[test]
fn law_2_the_sessions_own_calls_cannot_be_made_behind_its_guard() {
    for own in OWN {
        let upper = own.to_uppercase();
        let double = own.replace('/', "//");
        let back = own.replace('/', "\\");
        let hidden = own.replace('/', "%2F");
        let hidden_back = own.replace('/', "%5c");
        let encoded = own.replacen('s', "%73", 1);
        let twice = own.replacen('s', "%2573", 1);
        let often = own.replacen('s', "%25252573", 1);
        let parameters = own.replace('/', ";a=b/");
        for uri in [
            format!("/m2m/v1/{own}"),
            format!("/m2m/v1/{own}/"),
            format!("/m2m/v1/{own}//"),
            format!("/m2m/v1/{own}?a=b"),
            format!("/m2m/v1/{own};a=b"),
            format!("/m2m/v1/{own}%3Ba=b"),
            format!("/m2m/v2/{own}"),
            format!("/M2M/V1/{upper}"),
            format!("/%6d2m/v1/{encoded}"),
            format!("/m2m/v1/{hidden}"),
            format!("/m2m/v1/{twice}"),
            format!("/m2m/v1/{often}"),
            format!("/m2m%252Fv1%252f{twice}"),
            format!("/m2m/v1/%00{own}"),
            format!("/m2m/v1/%20{own}%20"),
            format!("/m2m./v1/.{own}."),
            format!("/m2m/v1/session%00/{own}"),
            format!("/m2m%2fv1%2F{hidden}"),
            format!("//m2m//v1//{double}"),
            format!("/m2m;x/v1;y=z/{parameters}"),
            format!("/m2m\\v1\\{back}"),
            format!("/m2m%5Cv1/{hidden_back}"),
            format!("https://mock.thingspace.verizon.com/api/m2m/v1/{own}"),
            format!("https://mock.thingspace.verizon.com:443/api//m2m/v1/{own}/"),
        ] {
            for method in [Method::GET, Method::POST, Method::PUT] {
                assert_refused(plain(method, &uri), RequestError::SessionCall);
            }
        }
    }
}

#[test]
fn law_2_the_typed_calls_of_the_session_cannot_be_made_behind_its_guard_either() {
    let old = Password::new("IMgr8").unwrap();
    let at = Environment::mock();
    for call in [
        Call::to(LogOut, &at),
        Call::to(ResetPassword::new(&old), &at),
    ] {
        assert_refused(Actor::new(call.unwrap()), RequestError::SessionCall);
    }
}

#[test]
fn law_2_a_base_of_ones_own_changes_nothing_about_it() {
    for base in [
        "https://gateway.example",
        "https://gateway.example:8443/a/b",
        "http://localhost:8080/",
    ] {
        let at: Environment = base.parse().unwrap();
        let builder = SessionBuilder::new(credentials("IMgr8"));
        let mut s = Scenario::of(builder.environment(at.clone()));
        for received in [bearer("bearer-1"), session("session-1")] {
            let mut call = Actor::log_in();
            assert!(matches!(call.step(&mut s), Step::Send(_)));
            call.receives(&mut s, received);
        }
        for own in OWN {
            let full = at.uri(&format!("/m2m/v1/{own}")).unwrap().to_string();
            for uri in [format!("/m2m/v1/{own}"), full] {
                let call = Call::to(request(Method::POST, &uri), &at).unwrap();
                let error = Actor::new(call).fails(&mut s);
                assert_eq!(reason(&error), RequestError::SessionCall);
            }
        }
        let read = request(Method::GET, "/m2m/v1/accounts/1");
        let mut call = Actor::new(Call::to(read, &at).unwrap());
        let Step::Send(sent) = call.step(&mut s) else {
            panic!("not sent");
        };
        assert_eq!(sent.request.uri(), &at.uri("/m2m/v1/accounts/1").unwrap());
    }
}

#[test]
fn whatever_else_there_is_can_be_called() {
    for path in [
        "/m2m/v1/accounts/0000123456-00001",
        "/m2m/v1/devices/actions/list",
        "/m2m/v1/sessions/login",
        "/m2m/v1/accounts/session/login",
        "/m2m/v1/callbacks/0000123456-00001",
        "/m2m/v1/my-session/login",
        "/ts/v1/diagnostics/basic/devices",
    ] {
        let mut s = Scenario::open();
        let mut call = plain(Method::POST, path);
        let Step::Send(sent) = call.step(&mut s) else {
            panic!("{path} was not sent");
        };
        assert_eq!(
            sent.request.uri().to_string(),
            format!("https://mock.thingspace.verizon.com/api{path}")
        );
        assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
        call.receives(&mut s, done());
        call.ends(&mut s).unwrap();
    }
}

#[test]
fn no_token_is_fetched_for_a_request_that_may_not_be_sent() {
    let mut s = Scenario::new();
    let error = plain(Method::GET, "https://evil.example/").fails(&mut s);
    assert_eq!(reason(&error), RequestError::Origin);
    let error = plain(Method::POST, "/m2m/v1/session/login").fails(&mut s);
    assert_eq!(reason(&error), RequestError::SessionCall);
    assert_eq!((s.session.version(), s.events()), (0, vec![]));
}
