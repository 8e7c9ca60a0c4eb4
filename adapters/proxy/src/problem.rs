//! The proxy's own errors: what a client gets instead of a response of the service's.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};
use thingspace_core::{
    Error, ErrorKind, Outcome, RequestError, Timestamp,
    session::{LoginGuard, OperationKind},
};
use thingspace_hyper::Streamed;

/// The header that marks an error of the proxy, which no response of the service has. Its
/// value is the kind of the error.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("thingspace-proxy-error");

/// An error of the proxy's own.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    outcome: Outcome,
    message: String,
    retry_at: Option<Timestamp>,
    /// More that is known, for the body alone.
    details: Value,
    ends_connection: bool,
    /// The error of the call, for middleware.
    error: Option<Error>,
}

impl Problem {
    /// An error of a request that was not passed on.
    fn of_request(status: StatusCode, kind: &'static str, message: &str) -> Self {
        Self {
            status,
            kind,
            outcome: Outcome::NeverSent,
            message: message.to_owned(),
            retry_at: None,
            details: Value::Null,
            ends_connection: false,
            error: None,
        }
    }

    pub(crate) fn no_such_path() -> Self {
        Self::of_request(
            StatusCode::NOT_FOUND,
            "no_such_path",
            "the proxy has no such path; calls are below /api, like /api/m2m/v1/devices",
        )
    }

    pub(crate) fn ambiguous_path() -> Self {
        Self::of_request(
            StatusCode::BAD_REQUEST,
            "path",
            "servers may read this path in different ways; write it without dot segments, double slashes, semicolons and encoded slashes",
        )
    }

    pub(crate) fn head_too_large() -> Self {
        Self::of_request(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
            "the address and the headers are larger than the proxy takes",
        )
    }

    pub(crate) fn unknown_host() -> Self {
        Self::of_request(
            StatusCode::FORBIDDEN,
            "unknown_host",
            "the request is for a host that the proxy does not know; allow its name, or use localhost",
        )
    }

    pub(crate) fn from_web_page() -> Self {
        Self::of_request(
            StatusCode::FORBIDDEN,
            "from_web_page",
            "the request comes from a web page, and the proxy is for programs alone",
        )
    }

    pub(crate) fn header_required() -> Self {
        Self::of_request(
            StatusCode::FORBIDDEN,
            "header_required",
            "the header that the proxy requires is missing or wrong",
        )
    }

    pub(crate) fn rejected() -> Self {
        Self::of_request(
            StatusCode::FORBIDDEN,
            "rejected",
            "the rules of the proxy do not allow this method at this path",
        )
    }

    pub(crate) fn wrong_method() -> Self {
        Self::of_request(
            StatusCode::METHOD_NOT_ALLOWED,
            "method",
            "this path has another method",
        )
    }

    pub(crate) fn reset_refused() -> Self {
        Self::of_request(
            StatusCode::FORBIDDEN,
            "reset_refused",
            "the password belongs to the proxy, which resets it for nobody; use the command line, or a program with the library",
        )
    }

    pub(crate) fn reset_not_prepared() -> Self {
        Self::of_request(
            StatusCode::SERVICE_UNAVAILABLE,
            "reset_not_prepared",
            "no reset was sent, because the new password could not be saved, or another one is in progress; see the log of the proxy",
        )
    }

    /// The error of a reset that panicked: the new password is not confirmed.
    pub(crate) fn reset_panicked() -> Self {
        Self {
            outcome: Outcome::Unknown,
            ..Self::of_request(
                StatusCode::INTERNAL_SERVER_ERROR,
                "not_confirmed",
                "the program that saves new passwords has failed; the password may be another one now",
            )
        }
    }

    pub(crate) fn body_too_large() -> Self {
        Self {
            ends_connection: true,
            ..Self::of_request(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body is larger than the proxy takes",
            )
        }
    }

    pub(crate) fn body_too_slow() -> Self {
        Self {
            ends_connection: true,
            ..Self::of_request(
                StatusCode::REQUEST_TIMEOUT,
                "body_too_slow",
                "the body did not arrive in time",
            )
        }
    }

    pub(crate) fn body_broken() -> Self {
        Self {
            ends_connection: true,
            ..Self::of_request(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "the body could not be read to its end",
            )
        }
    }

    pub(crate) fn too_many_connections() -> Self {
        Self {
            ends_connection: true,
            ..Self::of_request(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_connections",
                "the proxy has as many connections as it takes",
            )
        }
    }

    pub(crate) fn blocked(guard: &LoginGuard) -> Self {
        let message = match &guard.blocked {
            Some(reason) => format!("the login guard is blocked: {reason}"),
            None => "the login guard allows no login now".to_owned(),
        };
        Self {
            retry_at: guard.next_login.filter(|_| guard.blocked.is_none()),
            details: of_guard(guard),
            ..Self::of_request(StatusCode::SERVICE_UNAVAILABLE, "blocked", &message)
        }
    }

    /// The error of a call that has no response of the service's to give back.
    /// `ran_out_of_time` says that the last request had its whole time.
    pub(crate) fn of_call(error: Error, ran_out_of_time: bool) -> Self {
        let (status, kind) = classify(&error, ran_out_of_time);
        let guard = error.login_guard();
        let mut details = guard.map_or_else(|| json!({}), of_guard);
        if let Value::Object(details) = &mut details {
            if let Some(operation) = error.prerequisite() {
                details.insert("failed".to_owned(), name_of(operation).into());
            }
            let refusal = error.refusal();
            if let Some(status) = refusal.and_then(|_| error.status()) {
                details.insert("status".to_owned(), status.as_u16().into());
            }
            if let Some(code) = error.code() {
                details.insert("code".to_owned(), code.to_string().into());
            }
        }
        Self {
            status,
            kind,
            outcome: error.outcome(),
            message: error.to_string(),
            retry_at: error.retry_at().or_else(|| {
                let guard = guard.filter(|guard| guard.blocked.is_none())?;
                guard.next_login
            }),
            details,
            ends_connection: false,
            error: Some(error),
        }
    }

    /// The kind, as the header and the body have it.
    #[cfg(test)]
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The response that reports it.
    pub(crate) fn into_response(self, now: Timestamp) -> Response<Streamed> {
        let mut error = json!({
            "kind": self.kind,
            "outcome": self.outcome.name(),
            "message": self.message,
            "retry_at": self.retry_at.map(written),
        });
        if let (Value::Object(error), Value::Object(details)) = (&mut error, self.details) {
            error.extend(details);
        }
        let body = Bytes::from(json!({ "error": error }).to_string());
        let mut response = Response::new(Streamed::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(ERROR_HEADER, HeaderValue::from_static(self.kind));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(at) = self.retry_at {
            headers.insert(RETRY_AFTER, seconds_until(at, now).into());
        }
        if self.ends_connection {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(error) = self.error {
            response.extensions_mut().insert(error);
        }
        response
    }
}

/// The status and the kind of a call's error.
fn classify(error: &Error, ran_out_of_time: bool) -> (StatusCode, &'static str) {
    match error.kind() {
        ErrorKind::Request(RequestError::SessionCall) => (StatusCode::FORBIDDEN, "session_call"),
        ErrorKind::Request(_) => (StatusCode::BAD_REQUEST, "request"),
        ErrorKind::NoUser => (StatusCode::SERVICE_UNAVAILABLE, "no_user"),
        ErrorKind::Blocked { .. } => (StatusCode::SERVICE_UNAVAILABLE, "blocked"),
        ErrorKind::WrongCredentials { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "wrong_credentials")
        }
        ErrorKind::LoginRefused { .. } => (StatusCode::SERVICE_UNAVAILABLE, "login_refused"),
        ErrorKind::AppRefused(_) => (StatusCode::SERVICE_UNAVAILABLE, "app_refused"),
        ErrorKind::BearerRefused(_) => (StatusCode::SERVICE_UNAVAILABLE, "bearer_refused"),
        ErrorKind::SessionRefused(_) => (StatusCode::SERVICE_UNAVAILABLE, "session_refused"),
        ErrorKind::Throttled { .. } => (StatusCode::SERVICE_UNAVAILABLE, "throttled"),
        ErrorKind::CoolingDown { .. } => (StatusCode::SERVICE_UNAVAILABLE, "cooling_down"),
        ErrorKind::BackingOff { .. } => (StatusCode::SERVICE_UNAVAILABLE, "backing_off"),
        // Of an operation that the call needed first; its own are given back.
        ErrorKind::Refused(_) => (StatusCode::SERVICE_UNAVAILABLE, "refused"),
        ErrorKind::InvalidResponse { .. } => (StatusCode::BAD_GATEWAY, "invalid_response"),
        ErrorKind::NeverSent(_) => (StatusCode::BAD_GATEWAY, "unreachable"),
        ErrorKind::NoResponse(_) if ran_out_of_time => {
            (StatusCode::GATEWAY_TIMEOUT, "no_response_in_time")
        }
        ErrorKind::NoResponse(failure) if failure.part().is_some() => {
            (StatusCode::BAD_GATEWAY, "broken_off")
        }
        ErrorKind::NoResponse(_) => (StatusCode::BAD_GATEWAY, "no_response"),
        ErrorKind::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        ErrorKind::NotConfirmed { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not_confirmed"),
        ErrorKind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed_out"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "other"),
    }
}

fn of_guard(guard: &LoginGuard) -> Value {
    json!({
        "login_guard": {
            "blocked": guard.blocked.as_ref().map(ToString::to_string),
            "failed_logins": guard.failed_logins,
            "attempts_left": guard.attempts_left,
            "last_failure": guard.last_failure.as_ref().map(ToString::to_string),
        },
    })
}

const fn name_of(operation: OperationKind) -> &'static str {
    match operation {
        OperationKind::TokenFetch => "token_fetch",
        OperationKind::LogIn => "login",
        OperationKind::LogOut => "logout",
        OperationKind::PasswordReset => "password_reset",
        OperationKind::ServiceCheck => "service_check",
        _ => "other",
    }
}

/// A moment as RFC 3339 writes it.
fn written(at: Timestamp) -> String {
    /// The last second of the year 9999. Later times are shown as this one.
    const LAST: u64 = 253_402_300_799;
    let seconds = at.as_millis().div_ceil(1000).min(LAST);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The whole seconds until a time, one at least: a client that comes a moment too early
/// has come in vain.
fn seconds_until(at: Timestamp, now: Timestamp) -> u64 {
    let left = at.since(now);
    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    millis.div_ceil(1000).max(1)
}
