#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::time::Duration;

use thingspace_core::session::{BlockReason, Event, Exchange, ExchangeResult, Observer, Wait};
use tracing::{debug, error, info, trace, warn};

/// An [`Observer`] that reports everything through `tracing`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing;

impl Observer for Tracing {
    fn event(&self, event: &Event) {
        let name = event.name();
        match event {
            Event::LoginsBlocked {
                reason: BlockReason::AwaitingConfirmation,
                ..
            } => info!(target: "thingspace", event = name, "{event}"),
            Event::LoginsBlocked { .. } => {
                error!(target: "thingspace", event = name, "{event}");
            }
            Event::LoginRefused { .. }
            | Event::LoginLost { .. }
            | Event::CoolingDown { .. }
            | Event::BackingOff { .. }
            | Event::LeaseExpired { .. }
            | Event::StoreFailed => warn!(target: "thingspace", event = name, "{event}"),
            Event::BearerFetched { .. }
            | Event::BearerRefused
            | Event::SessionIdle
            | Event::SessionRefused
            | Event::Replayed
            | Event::Retried
            | Event::StoreConflict => debug!(target: "thingspace", event = name, "{event}"),
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

    fn waited(&self, wait: &Wait, took: Duration) {
        trace!(
            target: "thingspace",
            reason = %wait.reason,
            took_ms = millis(took),
            "a call has waited"
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

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        let took_ms = millis(result.took);
        match result.result {
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

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
