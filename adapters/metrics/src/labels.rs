//! The labels: what is counted where. No value comes from a request's path, a body or a
//! caller, so that there are few of each, and none holds a secret.

use http::{Method, StatusCode};
use metrics::Label;
use thingspace_core::{
    TransportError,
    session::{BlockReason, Event, Exchange, ExchangeResult, OperationKind, Wait, WaitReason},
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

const WRONG_CREDENTIALS: &str = "wrong_credentials";
const CANT_BE_SENT: &str = "cant_be_sent";
const BUDGET_SPENT: &str = "budget_spent";
const PASSWORD_IN_DOUBT: &str = "password_in_doubt";
const AWAITING_CONFIRMATION: &str = "awaiting_confirmation";
const PASSWORD_OUTDATED: &str = "password_outdated";

/// The reasons for which the login guard is blocked.
pub(crate) const BLOCK_REASONS: [&str; 6] = [
    WRONG_CREDENTIALS,
    CANT_BE_SENT,
    BUDGET_SPENT,
    PASSWORD_IN_DOUBT,
    AWAITING_CONFIRMATION,
    PASSWORD_OUTDATED,
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
            (names::LOGINS_BLOCKED, Some((REASON, of_block(reason))))
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
        WaitReason::Operation(kind) => ("operation", Some(of_operation(kind))),
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
    let purpose = operation.map_or("call", |operation| of_operation(operation.kind()));
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

const fn of_operation(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::TokenFetch => "token_fetch",
        OperationKind::LogIn => "login",
        OperationKind::LogOut => "logout",
        OperationKind::PasswordReset => "reset",
        OperationKind::ServiceCheck => "service_check",
        _ => OTHER,
    }
}

const fn of_block(reason: &BlockReason) -> &'static str {
    match reason {
        BlockReason::WrongCredentials { .. } => WRONG_CREDENTIALS,
        BlockReason::CantBeSent { .. } => CANT_BE_SENT,
        BlockReason::BudgetSpent => BUDGET_SPENT,
        BlockReason::PasswordInDoubt => PASSWORD_IN_DOUBT,
        BlockReason::AwaitingConfirmation => AWAITING_CONFIRMATION,
        BlockReason::PasswordOutdated => PASSWORD_OUTDATED,
        _ => OTHER,
    }
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
