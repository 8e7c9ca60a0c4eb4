//! The labels: what is counted where. No value comes from a request's path, a body or a
//! caller, so that there are few of each, and none holds a secret.

use http::{Method, StatusCode};
use metrics::Label;
use thingspace_core::{
    TransportError,
    session::{Event, Exchange, ExchangeResult, Wait, WaitReason},
};

use crate::names;

pub(crate) const SESSION: &str = "thingspace.session";
pub(crate) const OUTCOME: &str = "outcome";
pub(crate) const REASON: &str = "reason";
pub(crate) const EVENT: &str = "event";

const OPERATION: &str = "operation";
const PURPOSE: &str = "thingspace.purpose";
// OpenTelemetry's.
const METHOD: &str = "http.request.method";
const STATUS: &str = "http.response.status_code";
const ERROR: &str = "error.type";

const SUCCEEDED: &str = "succeeded";
const REFUSED: &str = "refused";
const LOST: &str = "lost";

/// The outcomes of a login.
pub(crate) const LOGIN_OUTCOMES: [&str; 3] = [SUCCEEDED, REFUSED, LOST];

/// The reasons for which the login guard is blocked.
pub(crate) const BLOCK_REASONS: [&str; 6] = [
    "wrong_credentials",
    "cant_be_sent",
    "budget_spent",
    "password_in_doubt",
    "awaiting_confirmation",
    "password_outdated",
];

/// A value of a later version of the core.
const OTHER: &str = "other";

/// A label's key and value.
type Pair = (&'static str, &'static str);

/// Returns the counter of an event, and its label, if it has one of its own.
pub(crate) fn counted(event: &Event) -> Option<(&'static str, Option<Pair>)> {
    let login = |outcome| (names::LOGINS, Some((OUTCOME, outcome)));
    Some(match event {
        Event::LoggedIn => login(SUCCEEDED),
        Event::LoginRefused { .. } => login(REFUSED),
        Event::LoginLost { .. } => login(LOST),
        Event::LoginsBlocked { reason, .. } => {
            (names::LOGINS_BLOCKED, Some((REASON, reason.name())))
        }
        Event::BearerFetched { .. } => (names::TOKEN_FETCHES, None),
        Event::LoggedOut => (names::LOGOUTS, None),
        Event::PasswordReset => (names::RESETS, None),
        Event::Replayed => (names::REPLAYS, None),
        Event::Retried => (names::RETRIES, None),
        Event::StoreConflict => (names::STORE_CONFLICTS, None),
        Event::StoreFailed => (names::STORE_FAILURES, None),
        _ => return None,
    })
}

/// Returns the labels of a wait.
pub(crate) fn of_wait(wait: &Wait) -> impl Iterator<Item = Label> {
    let (reason, operation) = match wait.reason {
        WaitReason::Operation(kind) => ("operation", Some(kind.name())),
        WaitReason::Backoff => ("backoff", None),
        WaitReason::Cooldown => ("cooldown", None),
        WaitReason::Response => ("response", None),
        WaitReason::Store => ("store", None),
        _ => (OTHER, None),
    };
    let operation = operation.map(|operation| Label::from_static_parts(OPERATION, operation));
    [Label::from_static_parts(REASON, reason)]
        .into_iter()
        .chain(operation)
}

/// Returns the labels of an exchange.
pub(crate) fn of_exchange(
    exchange: &Exchange,
    result: &ExchangeResult<'_>,
) -> impl Iterator<Item = Label> {
    let operation = exchange.attempt().operation();
    let purpose = operation.map_or("call", |operation| operation.kind().name());
    let (status, error) = match result.result {
        Ok(status) => {
            let error = (status.as_u16() >= 400).then(|| status_label(ERROR, status));
            (Some(status_label(STATUS, status)), error)
        }
        Err(error) => (None, Some(Label::from_static_parts(ERROR, of_error(error)))),
    };
    [
        Label::from_static_parts(METHOD, of_method(exchange.method())),
        Label::from_static_parts(PURPOSE, purpose),
    ]
    .into_iter()
    .chain(status)
    .chain(error)
}

fn status_label(key: &'static str, status: StatusCode) -> Label {
    Label::new(key, status.as_str().to_owned())
}

fn of_error(error: &TransportError) -> &'static str {
    if error.part().is_some() {
        "broken_off"
    } else if error.may_have_left() {
        "no_response"
    } else {
        "never_sent"
    }
}

/// Returns the name of a method. A caller may send one of its own making, of which
/// there is no end: OpenTelemetry calls them all the same.
fn of_method(method: &Method) -> &'static str {
    const KNOWN: [(Method, &str); 9] = [
        (Method::GET, "GET"),
        (Method::HEAD, "HEAD"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::CONNECT, "CONNECT"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::TRACE, "TRACE"),
        (Method::PATCH, "PATCH"),
    ];
    let known = KNOWN.iter().find(|(known, _)| known == method);
    known.map_or("_OTHER", |(_, name)| name)
}
