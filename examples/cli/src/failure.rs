//! Failures of a command: its exit code, and its report as text or JSON.

use std::{error::Error as StdError, fmt, process::ExitCode};

use http::StatusCode;
use serde_json::{Map, Value, json};
use thingspace_file::FileError;
use thingspace_ureq::core::{
    CredentialsError, EnvironmentError, Error, ErrorKind, Outcome, StoreError, TransportError,
    session,
};

use crate::{message, show, watch::Watch};

/// The exit codes that `--help` explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Refused = 1,
    Usage = 2,
    LoginBlocked = 3,
    NeverSent = 4,
    OutcomeUnknown = 5,
}

impl Exit {
    /// The exit code of a call that failed so, and in which this number of logins was made.
    fn of(error: &Error, logins: u32) -> Self {
        match error.outcome() {
            // Whatever else is known of it, it must not be retried blindly.
            Outcome::Unknown => Self::OutcomeUnknown,
            // A login was refused, or a token fetch, or the call itself.
            _ if error.refusal().is_some() => Self::Refused,
            // An earlier attempt may have been refused for its session.
            Outcome::NeverSent | Outcome::Refused => match error.kind() {
                ErrorKind::Blocked { .. } if logins == 0 => Self::LoginBlocked,
                // What blocked it is what this command had.
                ErrorKind::Blocked { .. } if status_before(error).is_some() => Self::Refused,
                ErrorKind::Request(_) => Self::Usage,
                ErrorKind::Store(error) => Self::of_store(error),
                _ => Self::NeverSent,
            },
        }
    }

    /// A file is a matter of this machine; any other store is out of reach.
    fn of_store(error: &StoreError) -> Self {
        if error.source().is_some_and(<dyn StdError>::is::<FileError>) {
            Self::Usage
        } else {
            Self::NeverSent
        }
    }
}

impl From<Exit> for Outcome {
    /// The outcome of a command that failed for another reason than a call's.
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Refused => Self::Refused,
            Exit::OutcomeUnknown => Self::Unknown,
            Exit::Usage | Exit::LoginBlocked | Exit::NeverSent => Self::NeverSent,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    cause: Cause,
    /// True if the response may hold a secret, so that it is not shown.
    hides_response: bool,
    /// More about it in JSON.
    details: Map<String, Value>,
    /// More to know and to do, a sentence each.
    advice: Vec<String>,
}

#[derive(Debug)]
enum Cause {
    /// An error of the library.
    Call {
        error: Box<Error>,
        /// The number of logins that this command has made.
        logins: u32,
        /// The sources of the last operation of this command that had no response.
        silence: Vec<String>,
    },
    /// Another error.
    Other(Box<dyn StdError>),
    /// A message of this program.
    Message(String),
}

impl Failure {
    /// A command that can't be executed as it was given, or in the present state of
    /// this machine.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            cause: Cause::Message(message.into()),
            hides_response: false,
            details: Map::new(),
            advice: Vec::new(),
        }
    }

    /// The failure of a command that has this error.
    pub(crate) fn caused_by(exit: Exit, error: impl StdError + 'static) -> Self {
        Self {
            exit,
            cause: Cause::Other(Box::new(error)),
            hides_response: false,
            details: Map::new(),
            advice: Vec::new(),
        }
    }

    /// The failure of a command whose call has this error.
    pub(crate) fn of_call(error: Error, watch: &Watch) -> Self {
        let logins = watch.logins();
        Self {
            exit: Exit::of(&error, logins),
            cause: Cause::Call {
                error: Box::new(error),
                logins,
                silence: watch.silence(),
            },
            hides_response: false,
            details: Map::new(),
            advice: Vec::new(),
        }
    }

    /// Adds something to the report in JSON, under a name of its own.
    #[must_use]
    pub(crate) fn with_detail(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    /// Adds advice.
    #[must_use]
    pub(crate) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Hides the response, which may hold a secret.
    #[must_use]
    pub(crate) const fn without_response(mut self) -> Self {
        self.hides_response = true;
        self
    }

    /// The error of the library, if it is one of a call.
    pub(crate) const fn error(&self) -> Option<&Error> {
        match &self.cause {
            Cause::Call { error, .. } => Some(error),
            _ => None,
        }
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Reports the failure on the standard error.
    pub(crate) fn report(&self, json: bool) {
        if json {
            return show::to_stderr(&show::line(&self.to_json()));
        }
        show::to_stderr(&format!("thingspace: {self}"));
        for source in self.sources() {
            show::to_stderr(&format!("  because: {source}"));
        }
        for advice in &self.advice {
            show::to_stderr(advice);
        }
        if let Some(body) = self.response_body().filter(|body| !body.is_empty()) {
            show::to_stderr("The service responded:");
            show::to_stderr(&show::sanitized(body));
        }
    }

    /// Reports the failure of something that does not fail the command.
    pub(crate) fn warn(&self, json: bool) {
        if json {
            return show::to_stderr(&show::line(&json!({
                "warning": { "message": self.to_string(), "causes": self.sources(), "advice": self.advice },
            })));
        }
        self.report(false);
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({
            "exit_code": self.exit as u8,
            "outcome": Outcome::from(self.exit).name(),
            "message": self.to_string(),
            "causes": self.sources(),
            "advice": self.advice,
        });
        if let Value::Object(error) = &mut error {
            error.extend(self.details.clone());
            if let Cause::Call {
                error: call,
                logins,
                ..
            } = &self.cause
            {
                // What this command had is its own.
                let before = call.because().filter(|_| *logins > 0);
                let status = call.status().or(before.and_then(session::Failure::status));
                let code = call.code().or(before.and_then(session::Failure::code));
                let details = json!({
                    "outcome": call.outcome().name(),
                    "status": status.map(|status| status.as_u16()),
                    "code": code.map(ToString::to_string),
                    "logins_made": logins,
                    "retry_at": call.retry_at().map(show::time),
                    "because": call.because().map(show::failed),
                    "login_guard": call.login_guard().map(show::login_guard),
                    "response": self.response_body().map(show::body),
                });
                if let Value::Object(details) = details {
                    error.extend(details);
                }
            }
        }
        json!({ "error": error })
    }

    /// The body of the response that refused the caller's own request. (The
    /// response to a login is not shown: it might hold the password.)
    fn response_body(&self) -> Option<&[u8]> {
        let Cause::Call { error, .. } = &self.cause else {
            return None;
        };
        let is_own = error.prerequisite().is_none() && !error.is_password_in_doubt();
        match error.kind() {
            ErrorKind::Refused(refusal) if is_own && !self.hides_response => {
                Some(refusal.response().body())
            }
            _ => None,
        }
    }

    /// The causes behind the failure, each once.
    fn sources(&self) -> Vec<String> {
        let (error, silence): (&dyn StdError, &[String]) = match &self.cause {
            Cause::Call { error, silence, .. } => (error, silence),
            Cause::Other(error) => (&**error, &[]),
            Cause::Message(_) => return Vec::new(),
        };
        let mut sources: Vec<String> = Vec::new();
        for source in std::iter::successors(error.source(), |&error| error.source()) {
            // The message of a call says the same.
            let is_of_call = matches!(self.cause, Cause::Call { .. });
            if is_of_call && (source.is::<TransportError>() || source.is::<StoreError>()) {
                continue;
            }
            let text = message::for_a_shell(source.to_string());
            if !sources.iter().any(|said| said.contains(&text)) {
                sources.push(text);
            }
        }
        if let Cause::Call { error, logins, .. } = &self.cause {
            let is_lost = error.is_blocked() && status_before(error).is_none();
            if is_lost && *logins > 0 {
                sources.extend(silence.iter().cloned());
            }
        }
        sources
    }
}

/// The status of the failure that came before, if a response came.
fn status_before(error: &Error) -> Option<StatusCode> {
    error.because().and_then(session::Failure::status)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Call { error, logins, .. } => f.write_str(&message::of(error, *logins)),
            Cause::Other(error) => f.write_str(&message::for_a_shell(error.to_string())),
            Cause::Message(message) => f.write_str(message),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::caused_by(Exit::of_store(&error), error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::caused_by(Exit::Usage, error)
    }
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        Self::caused_by(Exit::Usage, error)
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        Self::caused_by(Exit::Usage, error)
    }
}
