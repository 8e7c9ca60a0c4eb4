//! Observers, and the texts that a driver reports to them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use thingspace_core::session::{
    Call, CallId, CallResult, Event, Exchange, ExchangeResult, Observer, OperationKind, Wait,
    WaitReason,
};

use crate::scenario::*;

#[derive(Default)]
struct Noting(Mutex<Vec<&'static str>>);

impl Noting {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }
}

impl Observer for Noting {
    fn began(&self, _: &Call) {
        self.note("began");
    }

    fn ended(&self, _: &Call, _: &CallResult<'_>) {
        self.note("ended");
    }

    fn event(&self, _: &Event, _: Option<CallId>) {
        self.note("event");
    }

    fn waiting(&self, _: &Wait) {
        self.note("waiting");
    }

    fn waited(&self, _: &Wait, _: Duration) {
        self.note("waited");
    }

    fn sending(&self, _: &Exchange) {
        self.note("sending");
    }

    fn received(&self, _: &Exchange, _: &ExchangeResult<'_>) {
        self.note("received");
    }
}

fn exchange() -> Exchange {
    Exchange::of(&Actor::reads().sends(&mut Scenario::new(), Purpose::TokenFetch))
}

fn wait() -> Wait {
    let mut s = Scenario::new();
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
    Actor::reads().waits(&mut s)
}

#[test]
fn two_observers_are_called_with_everything() {
    let (one, other) = (Arc::new(Noting::default()), Arc::new(Noting::default()));
    let both = (Arc::clone(&one), Arc::clone(&other));
    let result = ExchangeResult {
        result: Ok(StatusCode::OK),
        refusal: None,
        took: Duration::ZERO,
    };
    both.began(&Call::log_in());
    both.event(&Event::LoggedIn, None);
    both.waiting(&wait());
    both.waited(&wait(), Duration::ZERO);
    both.sending(&exchange());
    both.received(&exchange(), &result);
    both.ended(&Call::log_in(), &CallResult::GivenUp);
    for observer in [one, other] {
        let noted = observer.0.lock().unwrap();
        assert_eq!(
            *noted,
            [
                "began", "event", "waiting", "waited", "sending", "received", "ended"
            ]
        );
    }
}

#[test]
fn an_exchange_shows_where_it_goes_and_nothing_of_what_it_carries() {
    assert_eq!(exchange().method(), http::Method::POST);
    assert_eq!(
        format!("{:?}", exchange()),
        r#"Exchange { method: POST, path: "/api/ts/v1/oauth2/token", attempt: Attempt { call: CallId(1), number: 1, operation: Some(Operation { id: OperationId { number: 1, nonce: 9105053682160394182 }, kind: TokenFetch, sent_at: Timestamp(1700000000000), bearer: OperationId { number: 0, nonce: 0 }, session: OperationId { number: 0, nonce: 0 }, .. }) }, .. }"#
    );
}

#[test]
fn a_wait_says_what_for() {
    assert_eq!(wait().reason.to_string(), "the token fetch in progress");
    for (reason, said) in [
        (
            WaitReason::Operation(OperationKind::LogIn),
            "the login in progress",
        ),
        (WaitReason::Backoff, "the next attempt after a failure"),
        (
            WaitReason::Cooldown,
            "the next login, since sessions keep being refused",
        ),
        (
            WaitReason::Operation(OperationKind::ServiceCheck),
            "the service check in progress",
        ),
        (WaitReason::Response, "a response"),
        (WaitReason::Store, "the session's store"),
    ] {
        assert_eq!(reason.to_string(), said);
    }
}
