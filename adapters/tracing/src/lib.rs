#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt, iter,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thingspace_core::{
    ErrorCode, Refusal,
    http::{Method, StatusCode},
    session::{
        BlockReason, Call, CallId, CallResult, Event, Exchange, ExchangeResult, Observer,
        OperationKind, Wait,
    },
};
use tracing::{Level, Span, debug, enabled, error, field, info, info_span, trace, warn};

/// An [`Observer`] that reports everything through `tracing`, with a span for each call.
///
/// Each session has one of its own: calls of two sessions have the same names.
#[derive(Debug, Default)]
pub struct Tracing {
    /// The spans of the calls that have begun and not ended. Calls without a span, since
    /// nobody wants it, are not among them.
    spans: Mutex<HashMap<CallId, Span>>,
}

impl Tracing {
    /// An observer for one session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports something in the span of this call, if it has one; otherwise wherever the
    /// driver is.
    fn within(&self, call: Option<CallId>, report: impl FnOnce()) {
        let span = call.and_then(|call| self.spans().get(&call).cloned());
        match span {
            Some(span) => span.in_scope(report),
            None => report(),
        }
    }

    /// Takes the span of a call that has ended.
    fn take(&self, call: CallId) -> Span {
        let mut spans = self.spans();
        // Where nobody wants any, none is looked for.
        if spans.is_empty() {
            return Span::none();
        }
        spans.remove(&call).unwrap_or_else(Span::none)
    }

    fn spans(&self) -> MutexGuard<'_, HashMap<CallId, Span>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tracing {
    fn began(&self, call: &Call) {
        let Some(id) = call.id() else {
            return;
        };
        let span = info_span!(
            target: "thingspace",
            "thingspace.call",
            call = id.get(),
            purpose = call.purpose(),
            method = call.method().map(Method::as_str),
            path = call.path(),
            outcome = field::Empty,
            status = field::Empty,
            attempts = field::Empty,
        );
        if !span.is_disabled() {
            self.spans().insert(id, span);
        }
    }

    fn ended(&self, call: &Call, result: &CallResult<'_>) {
        let Some(id) = call.id() else {
            return;
        };
        let span = self.take(id);
        if span.is_none() && !enabled!(target: "thingspace", Level::DEBUG) {
            return;
        }
        let (outcome, status) = match result {
            CallResult::Done(status) => ("done", *status),
            CallResult::Failed(error) => (error.outcome().name(), error.status()),
            CallResult::GivenUp => ("given_up", None),
            _ => ("other", None),
        };
        span.record("outcome", outcome);
        span.record("attempts", call.attempts());
        if let Some(status) = status {
            span.record("status", status.as_u16());
        }
        let report = || {
            if let CallResult::Failed(error) = result {
                debug!(
                    target: "thingspace",
                    call = id.get(),
                    outcome,
                    status = status.as_ref().map(StatusCode::as_u16),
                    code = error.code().map(ErrorCode::as_str),
                    retry_at = error.retry_at().map(field::display),
                    attempts = call.attempts(),
                    cause = %Chain(*error),
                    "a call failed"
                );
            }
        };
        if span.is_disabled() {
            report();
        } else {
            span.in_scope(report);
        }
    }

    fn event(&self, event: &Event, call: Option<CallId>) {
        macro_rules! report {
            ($level:ident) => {
                $level!(
                    target: "thingspace",
                    event = event.name(),
                    call = call.map(CallId::get),
                    attempts_left = event.attempts_left(),
                    status = event.status().as_ref().map(StatusCode::as_u16),
                    code = event.code().map(ErrorCode::as_str),
                    reason = event.reason().map(BlockReason::name),
                    retry_at = event.retry_at().map(field::display),
                    operation = event.operation().map(OperationKind::name),
                    "{event}"
                )
            };
        }
        self.within(call, || match event {
            Event::LoginsBlocked {
                reason: BlockReason::AwaitingConfirmation,
                ..
            } => report!(info),
            Event::LoginsBlocked { .. } => report!(error),
            Event::LoginRefused { .. }
            | Event::LoginLost { .. }
            | Event::CoolingDown { .. }
            | Event::BackingOff { .. }
            | Event::LeaseExpired { .. }
            | Event::StoreFailed => report!(warn),
            Event::BearerFetched { .. }
            | Event::BearerRefused
            | Event::SessionIdle
            | Event::SessionRefused
            | Event::Replayed
            | Event::Retried
            | Event::StoreConflict => report!(debug),
            _ => report!(info),
        });
    }

    fn waiting(&self, wait: &Wait) {
        if enabled!(target: "thingspace", Level::TRACE) {
            self.within(Some(wait.call), || {
                trace!(
                    target: "thingspace",
                    call = wait.call.get(),
                    reason = %wait.reason,
                    until = %wait.until,
                    "a call waits"
                );
            });
        }
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        if enabled!(target: "thingspace", Level::TRACE) {
            self.within(Some(wait.call), || {
                trace!(
                    target: "thingspace",
                    call = wait.call.get(),
                    reason = %wait.reason,
                    took_ms = millis(took),
                    "a call has waited"
                );
            });
        }
    }

    fn sending(&self, exchange: &Exchange) {
        if !enabled!(target: "thingspace", Level::DEBUG) {
            return;
        }
        let attempt = exchange.attempt();
        self.within(Some(attempt.call()), || {
            debug!(
                target: "thingspace",
                call = attempt.call().get(),
                attempt = attempt.number(),
                operation = operation(exchange),
                method = exchange.method().as_str(),
                path = exchange.path(),
                "a request is sent"
            );
        });
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        if !enabled!(target: "thingspace", Level::DEBUG) {
            return;
        }
        let attempt = exchange.attempt();
        let took_ms = millis(result.took);
        self.within(Some(attempt.call()), || match result.result {
            Ok(status) => debug!(
                target: "thingspace",
                call = attempt.call().get(),
                attempt = attempt.number(),
                operation = operation(exchange),
                method = exchange.method().as_str(),
                path = exchange.path(),
                status = status.as_u16(),
                code = result.refusal.and_then(Refusal::code).map(ErrorCode::as_str),
                cause = result.refusal.map(field::display),
                took_ms,
                "a response arrived"
            ),
            Err(failure) => debug!(
                target: "thingspace",
                call = attempt.call().get(),
                attempt = attempt.number(),
                operation = operation(exchange),
                method = exchange.method().as_str(),
                path = exchange.path(),
                may_have_left = failure.may_have_left(),
                cause = %Chain(failure),
                took_ms,
                "a request failed"
            ),
        });
    }
}

/// The name of the operation that a request is for, if it is for one.
fn operation(exchange: &Exchange) -> Option<&'static str> {
    let operation = exchange.attempt().operation()?;
    Some(operation.kind().name())
}

/// An error and its sources, in one line.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        iter::successors(self.0.source(), |&error| error.source())
            .try_for_each(|error| write!(f, ": {error}"))
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
