//! The session, and what happens to it, as they are shown: without a secret.

use thingspace_core::{
    Timestamp,
    session::{BlockReason, Event, OperationKind},
};

use super::{Client, SYNC};
use crate::{
    failure::{self, millis},
    json::Json,
};

impl Client {
    /// The state of the session, without its tokens.
    pub(super) fn state(&self, now: Timestamp) -> Json {
        let session = &self.session;
        let calls = self.calls.iter();
        let calls = calls.filter(|(id, running)| *id != SYNC && !running.is_orphan);
        let calls = calls.count();
        Json::Shown(vec![
            ("environment", Json::shown(session.environment())),
            ("isOpen", session.session_token().is_some().into()),
            ("openedAt", millis(session.opened_at())),
            ("lastUsed", millis(session.last_used())),
            ("bearerRenewal", millis(session.bearer_renewal())),
            (
                "operation",
                session.operation().map(OperationKind::name).into(),
            ),
            ("delayedUntil", millis(session.delayed_until(now))),
            ("loginGuard", failure::guard(&session.login_guard())),
            ("calls", calls.into()),
        ])
    }
}

/// An event as it is reported, without a secret.
pub(super) fn told(event: &Event, now: Timestamp) -> Json {
    let until = match event {
        Event::BearerFetched {
            renew_at: until, ..
        }
        | Event::CoolingDown { until, .. }
        | Event::BackingOff { until, .. } => Some(*until),
        _ => None,
    };
    Json::Shown(vec![
        ("name", event.name().into()),
        ("message", Json::shown(event)),
        ("at", now.as_millis().into()),
        ("until", millis(until)),
        ("attemptsLeft", event.attempts_left().into()),
        ("code", event.code().map(ToString::to_string).into()),
        ("reason", event.reason().map(BlockReason::name).into()),
        (
            "status",
            event.status().map(|status| status.as_u16()).into(),
        ),
    ])
}
