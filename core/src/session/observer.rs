//! Observers: what a driver reports to metrics, audits and logs.
//!
//! The core observes nothing by itself. A driver that offers hooks takes an
//! [`Observer`] and calls it after the transition, with nothing locked; all
//! drivers offer the same one.

use std::{fmt, sync::Arc, time::Duration};

use http::{Method, StatusCode, uri::PathAndQuery};

use super::{
    event::Event,
    step::{Attempt, Transmit, Wait},
};
use crate::transport::TransportError;

/// An observer of a driver. Each method is called with no lock held, on the
/// thread or task that drives, and does nothing unless it is written.
pub trait Observer: Send + Sync {
    /// Takes an event of the session.
    fn event(&self, event: &Event) {
        let _ = event;
    }

    /// Takes note that a call is about to wait. Called again each time the call
    /// has looked and still has nothing to do.
    fn waiting(&self, wait: &Wait) {
        let _ = wait;
    }

    /// Takes note that a call has waited for this long, by the driver's clock: until
    /// there was something to do, or it looked in vain. Not called if the call was given
    /// up meanwhile.
    fn waited(&self, wait: &Wait, took: Duration) {
        let _ = (wait, took);
    }

    /// Takes note that a request is about to be sent.
    fn sending(&self, exchange: &Exchange) {
        let _ = exchange;
    }

    /// Takes note that a response to a request came, or that it failed. The
    /// machine has the result already.
    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        let _ = (exchange, result);
    }
}

/// An observer that does nothing.
impl Observer for () {}

/// An observer that many sessions share.
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn event(&self, event: &Event) {
        (**self).event(event);
    }

    fn waiting(&self, wait: &Wait) {
        (**self).waiting(wait);
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        (**self).waited(wait, took);
    }

    fn sending(&self, exchange: &Exchange) {
        (**self).sending(exchange);
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        (**self).received(exchange, result);
    }
}

/// Two observers, called one after the other.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn event(&self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }

    fn waiting(&self, wait: &Wait) {
        self.0.waiting(wait);
        self.1.waiting(wait);
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        self.0.waited(wait, took);
        self.1.waited(wait, took);
    }

    fn sending(&self, exchange: &Exchange) {
        self.0.sending(exchange);
        self.1.sending(exchange);
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.0.received(exchange, result);
        self.1.received(exchange, result);
    }
}

/// One request of a call, as far as it may be shown: no header, no body, no
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
    /// Describes the exchange that a transmit begins.
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

    /// The number of the request among its call's; token fetches and logins
    /// count.
    pub const fn attempt(&self) -> Attempt {
        self.attempt
    }
}

/// The result of an exchange.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeResult<'a> {
    /// The response's status, or the HTTP stack's error if none came.
    pub result: Result<StatusCode, &'a TransportError>,
    /// The time that it took, from sending the request to the end of the
    /// response, by the driver's clock.
    pub took: Duration,
}
