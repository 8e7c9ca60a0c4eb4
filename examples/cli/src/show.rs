//! Output: how values are written, for a human or as JSON.

use std::{
    io::{self, ErrorKind, Write},
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use thingspace_ureq::core::{
    Timestamp,
    session::{FlightKind, Gate, GateReason, PLATFORM_LOCKS_AT},
};

use crate::failure::{Exit, Failure};

/// Prints a result on the standard output, as JSON or as text.
pub(crate) fn print(json: bool, value: &Value, text: &str) -> Result<(), Failure> {
    let line = if json { line(value) } else { text.to_owned() };
    to_stdout(line.as_bytes())?;
    to_stdout(b"\n")
}

/// Writes to the standard output. A reader that has closed the pipe is no error.
pub(crate) fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
            // The command has taken effect, so it must not be retried blindly.
            Exit::OutcomeUnknown,
            format!("the command was executed, but its output could not be written: {error}"),
        )),
        _ => Ok(()),
    }
}

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
pub(crate) fn login_guard(guard: &Gate) -> Value {
    json!({
        "blocked": guard.closed.as_ref().map(block_reason),
        "advice": guard.closed.as_ref().map(ToString::to_string),
        "failed_logins": guard.failed_logins,
        "attempts_left": guard.attempts_left,
        "platform_locks_at": PLATFORM_LOCKS_AT,
    })
}

fn block_reason(reason: &GateReason) -> &'static str {
    match reason {
        GateReason::WrongCredentials { .. } => "wrong_credentials",
        GateReason::BudgetSpent => "budget_spent",
        GateReason::PasswordUnknown => "password_in_doubt",
        GateReason::PasswordOutdated => "password_outdated",
        _ => "other",
    }
}

/// The name of an operation in JSON.
pub(crate) const fn operation(kind: FlightKind) -> &'static str {
    match kind {
        FlightKind::TokenFetch => "token_fetch",
        FlightKind::LogIn => "login",
        FlightKind::LogOut => "logout",
        FlightKind::PasswordReset => "password_reset",
        _ => "other",
    }
}
