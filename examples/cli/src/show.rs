//! How things are shown.

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

/// A moment in UTC, as RFC 3339 writes it.
pub(crate) fn time(moment: Timestamp) -> String {
    /// What comes after the year 9999 reads as its end.
    const LAST: u64 = 253_402_300_799;
    let seconds = (moment.as_millis() / 1000).min(LAST);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The login guard, for a machine.
pub(crate) fn gate(gate: &Gate) -> Value {
    json!({
        "closed": gate.closed.as_ref().map(reason),
        "advice": gate.closed.as_ref().map(ToString::to_string),
        "failed_logins": gate.failed_logins,
        "attempts_left": gate.attempts_left,
        "platform_locks_at": PLATFORM_LOCKS_AT,
    })
}

fn reason(reason: &GateReason) -> &'static str {
    match reason {
        GateReason::WrongCredentials { .. } => "wrong_credentials",
        GateReason::BudgetSpent => "budget_spent",
        GateReason::PasswordUnknown => "password_unknown",
        GateReason::PasswordOutdated => "password_outdated",
        _ => "other",
    }
}

/// What is under way, for a machine.
pub(crate) const fn flight(kind: FlightKind) -> &'static str {
    match kind {
        FlightKind::TokenFetch => "token_fetch",
        FlightKind::LogIn => "login",
        FlightKind::LogOut => "logout",
        FlightKind::PasswordReset => "password_reset",
        _ => "other",
    }
}

/// A body, for a machine: as the JSON that it is, else as text, else in base64.
pub(crate) fn body(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        return json!({ "json": value });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

/// Somebody else's text, without what a terminal would take for a command.
pub(crate) fn harmless(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let harmless = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(harmless).collect()
}

/// JSON in one line. Of what a terminal would take for a command, some may stand in
/// JSON as it is; it is escaped here.
pub(crate) fn line(machine: &Value) -> String {
    let mut line = String::new();
    for c in machine.to_string().chars() {
        if c.is_control() {
            line.extend(format!("\\u{:04x}", u32::from(c)).chars());
        } else {
            line.push(c);
        }
    }
    line
}

/// Says it on the standard output: in JSON to a machine, else in words.
pub(crate) fn tell(json: bool, machine: &Value, human: &str) -> Result<(), Failure> {
    let line = if json {
        line(machine)
    } else {
        human.to_owned()
    };
    to_stdout(line.as_bytes())?;
    to_stdout(b"\n")
}

/// Writes to the standard output. Somebody who has read enough is no error.
pub(crate) fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::said(
            // So that nobody repeats it.
            Exit::FateUnknown,
            format!(
                "the command was carried out, but what it has to say could not be written: {error}"
            ),
        )),
        _ => Ok(()),
    }
}

/// Writes a line to the standard error, if anybody listens.
pub(crate) fn to_stderr(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}
