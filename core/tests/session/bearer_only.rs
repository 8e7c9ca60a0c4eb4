//! Calls that take the bearer token alone, bearer tokens that are given, and other places
//! that may be given the tokens.

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response};
use thingspace_core::{
    AppCredentials, BearerToken, Call, CallOptions, Credentials, Endpoint, Environment,
    InvalidResponse, RequestError, SessionBuilder, TrustedOrigin,
    api::{CallTokens, WithBearer},
    session::{ErrorKind, Snapshot, SnapshotError},
};

use crate::scenario::*;

/// A call of 5G Edge, which takes no session token.
struct Edge;

impl Endpoint for Edge {
    type Auth = WithBearer;
    type Output = Bytes;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        environment.request(Method::GET, &["m2m", "v1", "work"], Bytes::new())
    }

    fn read(response: &Response<Bytes>) -> Result<Bytes, InvalidResponse> {
        Ok(response.body().clone())
    }
}

fn asks_edge(s: &Scenario) -> Actor {
    Actor::new(Call::to(Edge, s.session.environment()).unwrap())
}

fn app() -> AppCredentials {
    AppCredentials::new("key", "secret").unwrap()
}

/// A session whose credentials are an application's alone.
fn without_user(app: AppCredentials) -> SessionBuilder {
    SessionBuilder::new(Credentials::of_app(app)).environment(Environment::mock())
}

/// The tokens with which a request is sent.
fn sends(call: &mut Actor, s: &mut Scenario) -> (String, String) {
    let work = call.sends(s, Purpose::Work);
    let (bearer, session) = tokens(&work);
    (bearer.to_owned(), session.to_owned())
}

#[test]
fn a_call_that_takes_the_bearer_token_alone_makes_no_login() {
    for mut s in [Scenario::new(), Scenario::of(without_user(app()))] {
        let mut call = asks_edge(&s);
        call.fetches(&mut s, "bearer-1");
        let carried = sends(&mut call, &mut s);
        assert_eq!(carried, ("Bearer bearer-1".to_owned(), String::new()));
        call.receives(&mut s, done());
        call.ends(&mut s).unwrap();
        assert!(s.session.session_token().is_none());
    }
}

#[test]
fn it_waits_for_no_login_and_no_logout_of_others() {
    let mut s = Scenario::open();
    let out = Actor::log_out().begins(&mut s, Purpose::LogOut);
    let mut call = asks_edge(&s);
    call.works(&mut s);
    s.receives(out, session("session-1"));
    let mut login = Actor::log_in();
    login.sends(&mut s, Purpose::LogIn);
    asks_edge(&s).works(&mut s);
    // Nor is it stopped by a login guard that is blocked.
    login.receives(&mut s, wrong_password());
    assert!(s.session.login_guard().blocked.is_some());
    asks_edge(&s).works(&mut s);
}

#[test]
fn law_5_a_stale_bearer_costs_it_one_replay_and_a_dead_session_is_not_its_matter() {
    let mut s = Scenario::open();
    for fault in [bearer_fault(), response(401, "")] {
        let mut call = asks_edge(&s);
        call.is_refused(&mut s, fault);
        call.fetches(&mut s, "bearer-2");
        call.is_refused(&mut s, response(401, ""));
        assert_eq!(call.fails(&mut s).refusal().unwrap().status(), 401);
        s.pass(2 * MINUTE);
    }
    let mut call = asks_edge(&s);
    call.is_refused(&mut s, session_expired());
    assert!(!call.fails(&mut s).is_outcome_unknown());
    assert_eq!(s.session.session_token().unwrap().expose(), "session-1");
}

#[test]
fn without_a_user_a_call_that_takes_a_session_is_told_so_and_nothing_is_sent() {
    let mut s = Scenario::of(without_user(app()));
    for mut call in [Actor::reads(), Actor::log_in(), Actor::reset_password()] {
        let error = call.fails(&mut s);
        assert!(matches!(error.kind(), ErrorKind::NoUser), "{error}");
        assert!(error.is_never_sent());
        assert!(
            error.to_string().contains("give a user's as well"),
            "{error}"
        );
    }
}

#[test]
fn the_session_of_an_application_is_none_of_a_users() {
    let mut s = Scenario::of(without_user(app()));
    let mut call = asks_edge(&s);
    call.fetches(&mut s, "bearer-1");
    call.works(&mut s);
    let text = serde_json::to_string(&s.session.snapshot(s.now)).unwrap();
    let taken = || serde_json::from_str::<Snapshot>(&text).unwrap();
    let again = without_user(app()).snapshot(taken(), std::time::Duration::ZERO, s.now);
    let mut s = Scenario::of(again);
    asks_edge(&s).works(&mut s);
    let of_user = builder("IMgr8").snapshot(taken(), std::time::Duration::ZERO, s.now);
    assert!(matches!(of_user.build(), Err(SnapshotError::Other(_))));
    assert_ne!(
        without_user(app()).store_key(),
        builder("IMgr8").store_key()
    );
}

#[test]
fn a_bearer_token_that_is_given_is_used_and_never_fetched() {
    let given = AppCredentials::fixed(BearerToken::new("simulated").unwrap());
    let mut s = Scenario::of(without_user(given));
    let mut call = asks_edge(&s);
    assert_eq!(sends(&mut call, &mut s).0, "Bearer simulated");
    call.receives(&mut s, bearer_fault());
    let error = call.fails(&mut s);
    assert!(error.is_bearer_refused());
    s.pass(40 * DAY);
    asks_edge(&s).works(&mut s);
    let text = serde_json::to_string(&s.session.snapshot(s.now)).unwrap();
    assert!(!text.contains("simulated"), "{text}");
}

#[test]
fn a_bearer_token_that_is_given_logs_in() {
    let given = AppCredentials::fixed(BearerToken::new("simulated").unwrap());
    let user = credentials("IMgr8").user.unwrap();
    let builder = SessionBuilder::new(Credentials::new(given, user));
    let mut s = Scenario::of(builder.environment(Environment::mock()));
    let mut call = Actor::reads();
    call.logs_in(&mut s, "session-1");
    let carried = sends(&mut call, &mut s);
    assert_eq!(
        carried,
        ("Bearer simulated".to_owned(), "session-1".to_owned())
    );
}

/// A request to another product, on a host of its own.
fn elsewhere() -> Request<Bytes> {
    let address = "https://imp.thingspace.verizon.com/api/m2m/v1/work";
    Request::get(address).body(Bytes::new()).unwrap()
}

#[test]
fn law_9_another_place_is_given_the_tokens_if_it_is_named_and_no_other() {
    let mut s = Scenario::open();
    let mut call = Actor::new(Call::new(elsewhere(), CallOptions::once()));
    let error = call.fails(&mut s);
    let of_origin = matches!(error.kind(), ErrorKind::Request(RequestError::Origin));
    assert!(of_origin, "{error}");

    let header = HeaderName::from_static("sessiontoken");
    let trusts = |base: &str| {
        let origin = TrustedOrigin::new(base.parse().unwrap(), header.clone());
        settings(|s| s.trusted_origins.push(origin))
    };
    let mut s = Scenario::open_with(trusts("https://imp.thingspace.verizon.com/api"));
    let mut call = Actor::new(Call::new(elsewhere(), CallOptions::once()));
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-1", ""));
    assert_eq!(work.request.headers()[&header], "session-1");
    assert!(work.request.headers()[&header].is_sensitive());

    for other in [
        "https://imp.thingspace.verizon.com:444/api",
        "https://imp.thingspace.verizon.com/other",
        "https://thingspace.verizon.com/api",
    ] {
        let mut s = Scenario::open_with(trusts(other));
        let mut call = Actor::new(Call::new(elsewhere(), CallOptions::once()));
        let error = call.fails(&mut s);
        let of_origin = matches!(error.kind(), ErrorKind::Request(RequestError::Origin));
        assert!(of_origin, "{other}: {error}");
    }
    // Calls that would pass the login guard by are made nowhere.
    for (base, path) in [
        (
            "https://imp.thingspace.verizon.com/api",
            "/api/m2m/v1/session/login",
        ),
        (
            "https://imp.thingspace.verizon.com",
            "/api/m2m/v1/session/login",
        ),
        (
            "https://imp.thingspace.verizon.com",
            "/api/m2m/v1/%73ession/logout",
        ),
        (
            "https://imp.thingspace.verizon.com",
            "/m2m/v1/session/password/actions/reset",
        ),
    ] {
        let mut s = Scenario::open_with(trusts(base));
        let address = format!("https://imp.thingspace.verizon.com{path}");
        let request = Request::post(address).body(Bytes::new()).unwrap();
        let mut call = Actor::new(Call::new(request, CallOptions::once()));
        let error = call.fails(&mut s);
        let of_session = matches!(error.kind(), ErrorKind::Request(RequestError::SessionCall));
        assert!(of_session, "{base} {path}: {error}");
    }
    // Never without TLS.
    "http://imp.thingspace.verizon.com"
        .parse::<Environment>()
        .unwrap_err();
}

#[test]
fn the_bearer_token_alone_goes_to_another_place_too() {
    let base = "https://imp.thingspace.verizon.com".parse().unwrap();
    let origin = TrustedOrigin::new(base, HeaderName::from_static("sessiontoken"));
    let mut s = Scenario::with(settings(|s| s.trusted_origins.push(origin)));
    let mut options = CallOptions::once();
    options.tokens = CallTokens::Bearer;
    let mut call = Actor::new(Call::new(elsewhere(), options));
    call.fetches(&mut s, "bearer-1");
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-1", ""));
    assert!(!work.request.headers().contains_key("sessiontoken"));
}
