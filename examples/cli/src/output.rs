//! The standard output, where results go.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use crate::{
    failure::{Exit, Failure},
    show::line,
};

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
