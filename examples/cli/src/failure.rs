//! Failures of a command: its exit code, and its report as text or JSON.

use std::{error::Error as StdError, fmt, process::ExitCode};

use serde_json::{Value, json};
use thingspace_file::FileError;
use thingspace_ureq::core::{
    CredentialsError, EnvironmentError, Error, ErrorKind, Outcome, RequestError, StoreError,
    session::SnapshotError,
};

use crate::show;

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
    fn of(error: &Error) -> Self {
        match error.outcome() {
            // Whatever else is known of it, it must not be retried blindly.
            Outcome::Unknown => Self::OutcomeUnknown,
            // A login was refused, or a token fetch, or the call itself.
            _ if error.refusal().is_some() => Self::Refused,
            // An earlier attempt may have been refused for its session.
            Outcome::NeverSent | Outcome::Refused => match error.kind() {
                ErrorKind::Blocked { .. } => Self::LoginBlocked,
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
    /// More to know and to do, a sentence each.
    advice: Vec<String>,
}

#[derive(Debug)]
enum Cause {
    /// An error of the library.
    Call(Box<Error>),
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
            advice: Vec::new(),
        }
    }

    /// The failure of a command that has this error.
    pub(crate) fn caused_by(exit: Exit, error: impl StdError + 'static) -> Self {
        Self {
            exit,
            cause: Cause::Other(Box::new(error)),
            hides_response: false,
            advice: Vec::new(),
        }
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

    fn to_json(&self) -> Value {
        let mut error = json!({
            "exit_code": self.exit as u8,
            "outcome": outcome(self.exit.into()),
            "message": self.to_string(),
            "causes": self.sources(),
            "advice": self.advice,
        });
        if let (Cause::Call(call), Value::Object(error)) = (&self.cause, &mut error) {
            let details = json!({
                "outcome": outcome(call.outcome()),
                "status": call.status().map(|status| status.as_u16()),
                "code": call.code().map(ToString::to_string),
                "retry_at": call.retry_at().map(show::time),
                "because": call.because().map(show::failed),
                "login_guard": call.login_guard().map(show::login_guard),
                "response": self.response_body().map(show::body),
            });
            if let Value::Object(details) = details {
                error.extend(details);
            }
        }
        json!({ "error": error })
    }

    /// The body of the response that refused the caller's own request. (The
    /// response to a login is not shown: it might hold the password.)
    fn response_body(&self) -> Option<&[u8]> {
        let Cause::Call(error) = &self.cause else {
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

    fn sources(&self) -> Vec<String> {
        let error: &dyn StdError = match &self.cause {
            Cause::Call(error) => error,
            Cause::Other(error) => &**error,
            Cause::Message(_) => return Vec::new(),
        };
        std::iter::successors(error.source(), |&error| error.source())
            .map(ToString::to_string)
            .collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Call(error) => error.fmt(f),
            Cause::Other(error) => error.fmt(f),
            Cause::Message(message) => f.write_str(message),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let is_session_call = matches!(error.kind(), ErrorKind::Request(RequestError::SessionCall));
        let failure = Self {
            exit: Exit::of(&error),
            cause: Cause::Call(Box::new(error)),
            hides_response: false,
            advice: Vec::new(),
        };
        if is_session_call {
            return failure
                .with_advice("Here these are: thingspace login, logout and reset-password");
        }
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::caused_by(Exit::of_store(&error), error)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Self::caused_by(Exit::Usage, error)
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

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NeverSent => "never_sent",
        Outcome::Refused => "refused",
        Outcome::Unknown => "unknown",
    }
}
