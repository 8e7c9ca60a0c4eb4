#![doc = include_str!("../README.md")]

use thingspace_core::session::{Event, Exchange, Observer, Outcome, Wait};
use tracing::{debug, error, info, trace, warn};

/// An [`Observer`] that reports everything through `tracing`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing;

impl Observer for Tracing {
    fn event(&self, event: &Event) {
        let name = event.name();
        match event {
            Event::GateClosed { .. } => error!(target: "thingspace", event = name, "{event}"),
            Event::LoginRefused { .. }
            | Event::LoginLost { .. }
            | Event::Braked { .. }
            | Event::Paused { .. }
            | Event::FlightLapsed { .. } => warn!(target: "thingspace", event = name, "{event}"),
            Event::BearerFetched { .. }
            | Event::BearerRefused
            | Event::SessionIdle
            | Event::SessionRefused => debug!(target: "thingspace", event = name, "{event}"),
            _ => info!(target: "thingspace", event = name, "{event}"),
        }
    }

    fn waiting(&self, wait: &Wait) {
        trace!(
            target: "thingspace",
            reason = %wait.reason,
            until = %wait.until,
            "a call waits"
        );
    }

    fn sending(&self, exchange: &Exchange) {
        debug!(
            target: "thingspace",
            method = exchange.method().as_str(),
            path = exchange.path(),
            attempt = exchange.attempt().number(),
            "a request is sent"
        );
    }

    fn received(&self, exchange: &Exchange, outcome: &Outcome<'_>) {
        let took_ms = u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX);
        match outcome.result {
            Ok(status) => debug!(
                target: "thingspace",
                method = exchange.method().as_str(),
                path = exchange.path(),
                attempt = exchange.attempt().number(),
                status = status.as_u16(),
                took_ms,
                "a response arrived"
            ),
            Err(failure) => debug!(
                target: "thingspace",
                method = exchange.method().as_str(),
                path = exchange.path(),
                attempt = exchange.attempt().number(),
                may_have_left = failure.may_have_left(),
                took_ms,
                "a request failed"
            ),
        }
    }
}
