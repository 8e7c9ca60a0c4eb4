//! Requests: what the machine puts on them, and what it sends again.

use bytes::Bytes;
use http::{HeaderValue, Request, Version};
use thingspace_core::{BearerToken, Endpoint, Environment, SessionToken, session::Transmit};

use crate::scenario::*;

const OWN_AGENT: &str = concat!("thingspace/", env!("CARGO_PKG_VERSION"));

/// An extension that a caller's HTTP stack understands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trace(u64);

/// A request with something of the caller's in every part.
fn full() -> Request<Bytes> {
    Request::put("/m2m/v1/work?first=1&second=%20")
        .version(Version::HTTP_2)
        .header("content-type", "text/plain")
        .header("x-mine", "one")
        .header("x-mine", "two")
        .header("accept", "text/csv")
        .extension(Trace(7))
        .body(Bytes::from_static(b"the work"))
        .unwrap()
}

/// Checks that two requests are the same but for the tokens.
#[track_caller]
fn assert_same_but_for_tokens(first: &Transmit, second: &Transmit) {
    let (first, second) = (&first.request, &second.request);
    assert_eq!(first.method(), second.method());
    assert_eq!(first.uri(), second.uri());
    assert_eq!(first.version(), second.version());
    assert_eq!(first.body(), second.body());
    assert_eq!(
        first.extensions().get::<Trace>(),
        second.extensions().get::<Trace>()
    );
    assert_eq!(first.extensions().len(), second.extensions().len());
    let without_tokens = |request: &Request<Bytes>| {
        let mut headers = request.headers().clone();
        assert!(headers.remove("authorization").is_some());
        assert!(headers.remove("vz-m2m-token").is_some());
        headers
    };
    assert_eq!(without_tokens(first), without_tokens(second));
}

#[test]
fn every_request_says_which_library_sends_it() {
    let mut s = Scenario::new();
    let agent = |sent: &Transmit| {
        let mut agents = sent.request.headers().get_all("user-agent").iter();
        let agent = agents.next().expect("no User-Agent").clone();
        assert_eq!(agents.next(), None, "two of them");
        agent
    };
    let mut call = Actor::reads();
    let fetch = call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, session("session-1"));
    let work = call.sends(&mut s, Purpose::Work);
    let mut reset = Actor::reset_password();
    let change = reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, not_sent());
    let out = Actor::log_out().sends(&mut s, Purpose::LogOut);
    for sent in [fetch, login, work, change, out] {
        assert_eq!(agent(&sent), OWN_AGENT);
    }
}

#[test]
fn the_name_of_the_library_can_be_replaced_by_the_programs_own() {
    let own = HeaderValue::from_static("meter-reader/2.1");
    let mut s = Scenario::of(builder("IMgr8").user_agent(own.clone()));
    let mut call = Actor::reads();
    let fetch = call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer("bearer-1"));
    call.logs_in(&mut s, "session-1");
    let work = call.sends(&mut s, Purpose::Work);
    for sent in [fetch, work] {
        assert_eq!(sent.request.headers()["user-agent"], own);
    }
}

#[test]
fn the_user_agent_that_a_request_has_is_left_as_it_is() {
    let request = Request::get("/m2m/v1/work").header("user-agent", "mine/1.0");
    let mut call = Actor::requests(request.body(Bytes::new()).unwrap()).unwrap();
    let mut s = Scenario::open();
    let sent = call.sends(&mut s, Purpose::Work);
    let agents: Vec<_> = sent
        .request
        .headers()
        .get_all("user-agent")
        .iter()
        .collect();
    assert_eq!(agents, ["mine/1.0"]);
}

#[test]
fn a_request_is_sent_as_its_endpoint_builds_it_and_with_the_user_agent() {
    let mut s = Scenario::open();
    let mut call = Actor::requests(full()).unwrap();
    let sent = call.sends(&mut s, Purpose::Work).request;

    let (bearer, session) = (
        BearerToken::new("bearer-1").unwrap(),
        SessionToken::new("session-1").unwrap(),
    );
    let alone = full().request(&Environment::mock(), (&bearer, &session));
    let mut alone = alone.unwrap();
    assert!(!alone.headers().contains_key("user-agent"));
    let agent = HeaderValue::from_static(OWN_AGENT);
    alone.headers_mut().insert("user-agent", agent);

    assert_eq!(sent.method(), alone.method());
    assert_eq!(sent.uri(), alone.uri());
    assert_eq!(sent.version(), alone.version());
    assert_eq!(sent.headers(), alone.headers());
    assert_eq!(sent.body(), alone.body());
    assert_eq!(sent.extensions().get(), Some(&Trace(7)));
    assert_eq!(
        sent.uri(),
        "https://mock.thingspace.verizon.com/api/m2m/v1/work?first=1&second=%20"
    );
}

#[test]
fn a_request_that_is_replayed_or_retried_is_sent_again_complete() {
    let mut s = Scenario::open();
    let mut call = Actor::requests(full()).unwrap();
    let first = call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    let second = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&second), ("Bearer bearer-1", "session-2"));
    assert_same_but_for_tokens(&first, &second);

    call.receives(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    let third = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&third), ("Bearer bearer-2", "session-2"));
    assert_same_but_for_tokens(&first, &third);

    call.receives(&mut s, throttled("1"));
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    let fourth = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&fourth), ("Bearer bearer-2", "session-2"));
    assert_same_but_for_tokens(&first, &fourth);
    call.receives(&mut s, done());
    call.ends(&mut s).unwrap();
}

/// A header of the machine's that a caller set is replaced in the copy, and
/// anew in each.
#[test]
fn law_9_tokens_that_a_caller_put_on_a_request_are_replaced_on_every_attempt() {
    let request = Request::get("/m2m/v1/work")
        .header("authorization", "Bearer other")
        .header("vz-m2m-token", "other")
        .header("host", "evil.example")
        .header("content-length", "1");
    let mut call = Actor::requests(request.body(Bytes::new()).unwrap()).unwrap();
    let mut s = Scenario::open();
    let first = call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    let second = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&first), ("Bearer bearer-1", "session-1"));
    assert_eq!(tokens(&second), ("Bearer bearer-1", "session-2"));
    for sent in [first, second] {
        let headers = sent.request.headers();
        assert_eq!(headers.len(), 4, "{headers:?}");
        assert!(!headers.contains_key("host") && !headers.contains_key("content-length"));
    }
}
