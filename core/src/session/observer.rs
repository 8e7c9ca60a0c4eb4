//! Observers: what a driver reports to metrics, audits and logs.
//!
//! The core observes nothing by itself. A driver that offers hooks takes an
//! [`Observer`] and calls it after the transition, with nothing locked; all
//! drivers offer the same one.

use std::{fmt, sync::Arc, time::Duration};

use http::{Method, StatusCode, uri::PathAndQuery};

use super::{
    call::Call,
    call_id::CallId,
    error::Error,
    event::Event,
    step::{Attempt, Completion, Transmit, Wait},
};
use crate::{Refusal, transport::TransportError};

/// An observer of a driver. Each method is called with no lock held, on the
/// thread or task that drives, and does nothing unless it is written.
pub trait Observer: Send + Sync {
    /// Takes note that a call has begun: it has taken its first step.
    fn began(&self, call: &Call) {
        let _ = call;
    }

    /// Takes note that a call has ended, or was given up. Called once for each that has
    /// begun.
    fn ended(&self, call: &Call, result: &CallResult<'_>) {
        let _ = (call, result);
    }

    /// Takes an event of the session, with the call that brought it. An operation brings
    /// its events to the call that began it, which may have ended before. What nobody but
    /// the owner of the session did is no call's.
    fn event(&self, event: &Event, call: Option<CallId>) {
        let _ = (event, call);
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
    fn began(&self, call: &Call) {
        (**self).began(call);
    }

    fn ended(&self, call: &Call, result: &CallResult<'_>) {
        (**self).ended(call, result);
    }

    fn event(&self, event: &Event, call: Option<CallId>) {
        (**self).event(event, call);
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
    fn began(&self, call: &Call) {
        self.0.began(call);
        self.1.began(call);
    }

    fn ended(&self, call: &Call, result: &CallResult<'_>) {
        self.0.ended(call, result);
        self.1.ended(call, result);
    }

    fn event(&self, event: &Event, call: Option<CallId>) {
        self.0.event(event, call);
        self.1.event(event, call);
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

    /// The attempt: its call, and its number among those of that; token fetches and logins
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
    /// The refusal in the response, if it is one
    /// ([`Session::refusal_in`](super::Session::refusal_in)).
    pub refusal: Option<&'a Refusal>,
    /// The time that it took, from sending the request to the end of the
    /// response, by the driver's clock.
    pub took: Duration,
}

/// The result of a call, without what it brought.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CallResult<'a> {
    /// It is done, with this status of the response if it sent a request.
    Done(Option<StatusCode>),
    /// It has failed.
    Failed(&'a Error),
    /// Its caller has dropped it before its end: if its own request was sent, nobody knows
    /// the outcome.
    GivenUp,
}

impl<'a> CallResult<'a> {
    /// Describes the result of a call that has finished.
    pub fn of(result: &'a Result<Completion, Error>) -> Self {
        match result {
            Ok(Completion::Response(response)) => Self::Done(Some(response.status())),
            Ok(_) => Self::Done(None),
            Err(error) => Self::Failed(error),
        }
    }
}
