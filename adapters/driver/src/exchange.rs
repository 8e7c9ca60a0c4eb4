//! The two ends of an exchange: a request that is sent, and its result.

use std::{thread, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};
use thingspace_core::{
    Refusal, Timestamp, TransportError,
    session::{CallId, Exchange, ExchangeResult, Observer, Session, Transmit},
};

/// An exchange that has started.
pub(crate) struct Started {
    exchange: Exchange,
    at: Timestamp,
    deadline: Timestamp,
}

impl Started {
    /// Reports that a request is about to be sent, at the time that `now` returns then.
    pub(crate) fn new(
        transmit: &Transmit,
        observer: &dyn Observer,
        now: impl FnOnce() -> Timestamp,
    ) -> Self {
        let exchange = Exchange::of(transmit);
        observer.sending(&exchange);
        Self {
            exchange,
            // The step and the observer may have taken their time.
            at: now(),
            deadline: transmit.deadline,
        }
    }

    /// The time that is left for it.
    ///
    /// Fails if its deadline has passed: then it is not to be sent.
    pub(crate) fn time_left(&self) -> Result<Duration, TransportError> {
        let left = self.deadline.since(self.at);
        if left.is_zero() {
            return Err(TransportError::not_sent("no time was left to send it"));
        }
        Ok(left)
    }

    /// Ends the exchange with this result.
    pub(crate) fn end(
        self,
        at: Timestamp,
        result: &Result<Response<Bytes>, TransportError>,
    ) -> Ended {
        Ended {
            exchange: self.exchange,
            result: result.as_ref().map(Response::status).map_err(Clone::clone),
            refusal: None,
            took: at.since(self.at),
            at,
        }
    }
}

/// The result of an exchange in which a panic was caught: that is a failure like any
/// other, of which those who wait must learn.
pub(crate) fn caught<T>(
    result: thread::Result<Result<T, TransportError>>,
) -> Result<T, TransportError> {
    result.unwrap_or_else(|_| Err(TransportError::unknown("the HTTP stack panicked")))
}

/// An exchange that has ended.
pub(crate) struct Ended {
    exchange: Exchange,
    result: Result<StatusCode, TransportError>,
    /// On the heap: few responses are refusals, and one is large to move.
    refusal: Option<Box<Refusal>>,
    took: Duration,
    at: Timestamp,
}

impl Ended {
    /// The time at which it ended.
    pub(crate) const fn at(&self) -> Timestamp {
        self.at
    }

    /// The call that it is of.
    pub(crate) const fn call(&self) -> CallId {
        self.exchange.attempt().call()
    }

    /// Takes note of what the session finds refused in the response, before it has that.
    pub(crate) fn look(
        &mut self,
        session: &Session,
        result: &Result<Response<Bytes>, TransportError>,
    ) {
        self.refusal = result
            .as_ref()
            .ok()
            .and_then(|response| session.refusal_in(response))
            .map(Box::new);
    }

    /// Reports the end, once the machine has the response.
    pub(crate) fn report(&self, observer: &dyn Observer) {
        let result = ExchangeResult {
            result: self.result.as_ref().map(|status| *status),
            refusal: self.refusal.as_deref(),
            took: self.took,
        };
        observer.received(&self.exchange, &result);
    }
}
