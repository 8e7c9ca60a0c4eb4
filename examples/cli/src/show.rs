//! How values are shown, to a human or as JSON.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use thingspace_ureq::core::{
    Timestamp,
    session::{self, BlockReason, CallId, Event, LoginGuard, OperationKind, PLATFORM_LOCKS_AT},
};

use crate::{clock::now, message::blocked};

/// Writes a line to the standard error. A failure to do so is ignored.
pub(crate) fn to_stderr(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// JSON in one line. A control character that JSON may hold as it is, is escaped
/// here: a terminal might take it for a command.
pub(crate) fn line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if c.is_control() {
            line.extend(format!("\\u{:04x}", u32::from(c)).chars());
        } else {
            line.push(c);
        }
    }
    line
}

/// Text from outside, without the characters that a terminal would take for a
/// command.
pub(crate) fn sanitized(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let sanitized = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(sanitized).collect()
}

/// Text, quoted so that a shell reads it as one word.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,=@%:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A body as JSON: the JSON that it is, else its text, else base64.
pub(crate) fn body(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        return json!({ "json": value });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

/// A moment in UTC, as RFC 3339 writes it.
pub(crate) fn time(moment: Timestamp) -> String {
    /// The last second of the year 9999. Later times are shown as this one.
    const LAST: u64 = 253_402_300_799;
    let seconds = (moment.as_millis() / 1000).min(LAST);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The login guard's state as JSON.
pub(crate) fn login_guard(guard: &LoginGuard) -> Value {
    json!({
        "blocked": guard.blocked.as_ref().map(BlockReason::name),
        "advice": guard.blocked.as_ref().map(blocked),
        "failed_logins": guard.failed_logins,
        "attempts_left": guard.attempts_left,
        "state": state(guard),
        "next_login": next_login(guard).map(time),
        "last_failure": guard.last_failure.as_ref().map(failed),
        "platform_locks_at": PLATFORM_LOCKS_AT,
    })
}

/// The state of the login guard in JSON.
fn state(guard: &LoginGuard) -> &'static str {
    match next_login(guard) {
        _ if guard.blocked.is_some() => "blocked",
        _ if guard.attempts_left == 0 => "probing",
        Some(_) => "waiting",
        None => "open",
    }
}

/// Says what the login guard does.
pub(crate) fn guarding(guard: &LoginGuard) -> String {
    match (&guard.blocked, next_login(guard)) {
        (Some(reason), _) => format!("blocked: {}", blocked(reason)),
        (None, Some(at)) if guard.attempts_left == 0 => format!(
            "probing: the last logins had no usable response, so one more is made at {}, or as soon as a service that was down responds again",
            time(at)
        ),
        (None, None) if guard.attempts_left == 0 => {
            "probing: the last logins had no usable response, so one more is made as soon as the service responds".to_owned()
        }
        (None, Some(at)) => format!("open to logins, the next one from {} on", time(at)),
        (None, None) => "open to logins".to_owned(),
    }
}

/// The time of the next login, if that is still to come.
fn next_login(guard: &LoginGuard) -> Option<Timestamp> {
    guard.next_login.filter(|at| *at > now())
}

/// What an event says, and the call that it is of, as fields in JSON.
pub(crate) fn event(event: &Event, call: Option<CallId>) -> Map<String, Value> {
    let fields = [
        ("message", json!(event.to_string())),
        ("call", json!(call.map(CallId::get))),
        ("attempts_left", json!(event.attempts_left())),
        (
            "status",
            json!(event.status().map(|status| status.as_u16())),
        ),
        ("code", json!(event.code())),
        ("reason", json!(event.reason().map(BlockReason::name))),
        ("retry_at", json!(event.retry_at().map(time))),
        (
            "operation",
            json!(event.operation().map(OperationKind::name)),
        ),
    ];
    let said = fields.into_iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A failure that came before, as JSON.
pub(crate) fn failed(failure: &session::Failure) -> Value {
    json!({
        "operation": failure.operation().map(OperationKind::name),
        "status": failure.status().map(|status| status.as_u16()),
        "code": failure.code().map(ToString::to_string),
        "at": time(failure.at()),
        "message": failure.to_string(),
    })
}
