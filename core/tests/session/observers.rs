//! What those are told who watch a driver.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use thingspace_core::session::{Event, Exchange, FlightKind, Observer, Outcome, Wait, WaitReason};

use crate::scenario::*;

#[derive(Default)]
struct Hears(Mutex<Vec<&'static str>>);

impl Hears {
    fn hear(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }
}

impl Observer for Hears {
    fn event(&self, _: &Event) {
        self.hear("event");
    }

    fn waiting(&self, _: &Wait) {
        self.hear("waiting");
    }

    fn sending(&self, _: &Exchange) {
        self.hear("sending");
    }

    fn received(&self, _: &Exchange, _: &Outcome<'_>) {
        self.hear("received");
    }
}

fn exchange() -> Exchange {
    Exchange::of(&Actor::reads().sends(&mut Scenario::new(), What::TokenFetch))
}

fn wait() -> Wait {
    let mut s = Scenario::new();
    Actor::reads().sends(&mut s, What::TokenFetch);
    Actor::reads().waits(&mut s)
}

#[test]
fn two_observers_are_told_of_everything() {
    let (one, other) = (Arc::new(Hears::default()), Arc::new(Hears::default()));
    let both = (Arc::clone(&one), Arc::clone(&other));
    let outcome = Outcome {
        result: Ok(StatusCode::OK),
        took: Duration::ZERO,
    };
    both.event(&Event::LoggedIn);
    both.waiting(&wait());
    both.sending(&exchange());
    both.received(&exchange(), &outcome);
    for hears in [one, other] {
        let heard = hears.0.lock().unwrap();
        assert_eq!(*heard, ["event", "waiting", "sending", "received"]);
    }
}

#[test]
fn an_exchange_shows_where_it_goes_and_nothing_of_what_it_carries() {
    assert_eq!(
        format!("{:?}", exchange()),
        r#"Exchange { method: POST, path: "/api/ts/v1/oauth2/token", attempt: Attempt(1), .. }"#
    );
}

#[test]
fn a_wait_says_what_for() {
    assert_eq!(wait().reason.to_string(), "the token fetch of another call");
    for (reason, said) in [
        (
            WaitReason::Flight(FlightKind::LogIn),
            "the login of another call",
        ),
        (WaitReason::Backoff, "the next try after a failure"),
        (
            WaitReason::Brake,
            "the next login, since sessions keep dying",
        ),
        (WaitReason::Answer, "an answer"),
    ] {
        assert_eq!(reason.to_string(), said);
    }
}
