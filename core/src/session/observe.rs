//! What a driver tells those who watch it: metrics, audits, logs.
//!
//! The core observes nothing by itself. A driver that offers hooks takes an
//! [`Observer`] and calls it; all drivers offer the same one.

use std::{fmt, time::Duration};

use http::{Method, StatusCode, uri::PathAndQuery};

use super::{Attempt, Event, Transmit, Wait};
use crate::TransportError;

/// Somebody who watches a driver. Each method is called with no lock held, on
/// whatever thread or task the call is on, and does nothing unless it is
/// written.
pub trait Observer: Send + Sync {
    /// Something happened to the session.
    fn event(&self, event: &Event) {
        let _ = event;
    }

    /// A call is about to wait. Told again whenever it has looked whether there
    /// is still nothing to do.
    fn waiting(&self, wait: &Wait) {
        let _ = wait;
    }

    /// A request is about to be sent.
    fn sending(&self, exchange: &Exchange) {
        let _ = exchange;
    }

    /// A request was answered, or failed.
    fn received(&self, exchange: &Exchange, outcome: &Outcome<'_>) {
        let _ = (exchange, outcome);
    }
}

/// Nobody watches.
impl Observer for () {}

/// Both watch.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn event(&self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }

    fn waiting(&self, wait: &Wait) {
        self.0.waiting(wait);
        self.1.waiting(wait);
    }

    fn sending(&self, exchange: &Exchange) {
        self.0.sending(exchange);
        self.1.sending(exchange);
    }

    fn received(&self, exchange: &Exchange, outcome: &Outcome<'_>) {
        self.0.received(exchange, outcome);
        self.1.received(exchange, outcome);
    }
}

/// One request of a call, as far as it may be told: no header, no body, no
/// query.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    method: Method,
    target: Option<PathAndQuery>,
    attempt: Attempt,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("method", &self.method)
            .field("path", &self.path())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// The exchange that a transmit begins.
    pub fn of(transmit: &Transmit) -> Self {
        Self {
            method: transmit.request.method().clone(),
            target: transmit.request.uri().path_and_query().cloned(),
            attempt: transmit.attempt,
        }
    }

    /// The request's method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The request's path, without its query.
    pub fn path(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::path)
    }

    /// Which of its call's requests it is; token fetches and logins count.
    pub const fn attempt(&self) -> Attempt {
        self.attempt
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The answer's status, or what is known of a request without an answer.
    pub result: Result<StatusCode, &'a TransportError>,
    /// How long it took, from sending it to the end of the answer, by the
    /// driver's clock.
    pub took: Duration,
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::{
        AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, UserCredentials,
        session::{FlightKind, WaitReason},
    };

    #[derive(Default)]
    struct Hears(Mutex<Vec<&'static str>>);

    impl Hears {
        fn hear(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Observer for &Hears {
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

    /// The first request of a call.
    fn exchange() -> Exchange {
        let credentials = Credentials::new(
            AppCredentials::new("key", "secret").unwrap(),
            UserCredentials::new("user", "hush").unwrap(),
        );
        let mut session = Session::new(Environment::mock(), credentials, 0);
        let read = Request::get("/m2m/v1/work").body(Bytes::new()).unwrap();
        match Call::new(read).step(&mut session, Timestamp::default()) {
            Step::Send(transmit) => Exchange::of(&transmit),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_observers_are_told_of_everything() {
        let (one, other) = (Hears::default(), Hears::default());
        let both = (&one, &other);
        let wait = Wait {
            until: Timestamp::MAX,
            reason: WaitReason::Flight(FlightKind::LogIn),
        };
        let outcome = Outcome {
            result: Ok(StatusCode::OK),
            took: Duration::ZERO,
        };
        both.event(&Event::LoggedIn);
        both.waiting(&wait);
        both.sending(&exchange());
        both.received(&exchange(), &outcome);
        for hears in [one, other] {
            let heard = hears.0.into_inner().unwrap();
            assert_eq!(heard, ["event", "waiting", "sending", "received"]);
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
}
