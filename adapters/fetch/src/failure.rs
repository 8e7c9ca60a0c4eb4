//! The errors of calls, as they are shown to JavaScript.

use std::error::Error as StdError;

use thingspace_core::{
    Error, ErrorKind, Outcome, Session, Timestamp,
    session::{BlockReason, LoginGuard, OperationKind},
};

use crate::{http_json::shown, json::Json, redact::redact};

/// The state of the login guard.
pub(crate) fn guard(guard: &LoginGuard) -> Json {
    Json::Shown(vec![
        (
            "blocked",
            guard.blocked.as_ref().map(BlockReason::name).into(),
        ),
        ("message", Json::shown(guard)),
        ("failedLogins", guard.failed_logins.into()),
        ("attemptsLeft", guard.attempts_left.into()),
        ("nextLogin", millis(guard.next_login)),
        (
            "lastFailure",
            guard.last_failure.as_ref().map(ToString::to_string).into(),
        ),
    ])
}

/// The error of a call. `message` and `cause` hold no secret; the response, whose body is
/// the one of this number, and the new password may be one.
pub(crate) fn fault(error: &Error, session: &Session, secret: &str, body: usize) -> Json {
    let new_password = match error.kind() {
        ErrorKind::NotConfirmed { new, .. } => Some(new.password().expose()),
        _ => None,
    };
    let cause = innermost(error).map(|cause| redact(&cause.to_string(), session, secret));
    Json::Shown(vec![
        ("kind", name_of(error.kind()).into()),
        ("outcome", Outcome::name(error.outcome()).into()),
        ("message", Json::shown(error)),
        (
            "prerequisite",
            error.prerequisite().map(OperationKind::name).into(),
        ),
        ("passwordInDoubt", error.is_password_in_doubt().into()),
        ("retryAt", millis(retry_at(error))),
        (
            "status",
            error.status().map(|status| status.as_u16()).into(),
        ),
        ("code", error.code().map(ToString::to_string).into()),
        ("loginGuard", error.login_guard().map(guard).into()),
        ("cause", cause.into()),
        (
            "response",
            error
                .response()
                .map(|response| shown(response, body))
                .into(),
        ),
        ("newPassword", new_password.into()),
    ])
}

/// An error that the session has no part in.
pub(crate) fn plain(kind: &'static str, outcome: Outcome, message: &str) -> Json {
    Json::Shown(vec![
        ("kind", kind.into()),
        ("outcome", Outcome::name(outcome).into()),
        ("message", message.into()),
    ])
}

pub(crate) fn millis(time: Option<Timestamp>) -> Json {
    time.map(Timestamp::as_millis).into()
}

/// The innermost cause of an error, if it has one.
fn innermost(error: &Error) -> Option<&(dyn StdError + 'static)> {
    let mut cause = error.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(cause)
}

/// The time at which to call again, if there is one.
fn retry_at(error: &Error) -> Option<Timestamp> {
    error.retry_at().or_else(|| {
        let guard = error.login_guard()?;
        guard.next_login.filter(|_| guard.blocked.is_none())
    })
}

const fn name_of(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Request(_) => "request",
        ErrorKind::NoUser => "no_user",
        ErrorKind::Blocked { .. } => "blocked",
        ErrorKind::WrongCredentials { .. } => "wrong_credentials",
        ErrorKind::LoginRefused { .. } => "login_refused",
        ErrorKind::AppRefused(_) => "app_refused",
        ErrorKind::BearerRefused(_) => "bearer_refused",
        ErrorKind::SessionRefused(_) => "session_refused",
        ErrorKind::Throttled { .. } => "throttled",
        ErrorKind::CoolingDown { .. } => "cooling_down",
        ErrorKind::BackingOff { .. } => "backing_off",
        ErrorKind::Refused(_) => "refused",
        ErrorKind::InvalidResponse { .. } => "invalid_response",
        ErrorKind::NeverSent(_) => "never_sent",
        ErrorKind::NoResponse(_) => "no_response",
        ErrorKind::Store(_) => "store",
        ErrorKind::NotConfirmed { .. } => "not_confirmed",
        ErrorKind::NotAwaited(_) => "not_awaited",
        ErrorKind::TimedOut => "timed_out",
        _ => "other",
    }
}
