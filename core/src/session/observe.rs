//! What a driver tells those who watch it: metrics, audits, logs.
//!
//! The core observes nothing by itself. A driver that offers hooks takes an
//! [`Observer`] and calls it; all drivers offer the same one.

use std::{fmt, sync::Arc, time::Duration};

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

/// One that watches many sessions.
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn event(&self, event: &Event) {
        (**self).event(event);
    }

    fn waiting(&self, wait: &Wait) {
        (**self).waiting(wait);
    }

    fn sending(&self, exchange: &Exchange) {
        (**self).sending(exchange);
    }

    fn received(&self, exchange: &Exchange, outcome: &Outcome<'_>) {
        (**self).received(exchange, outcome);
    }
}

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
