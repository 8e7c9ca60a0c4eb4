//! Why a command was not done: what the shell, a human and a machine get to
//! know of it.

use std::{error::Error as StdError, fmt, process::ExitCode};

use serde_json::{Value, json};
use thingspace_file::FileError;
use thingspace_ureq::core::{
    CredentialsError, EnvironmentError, Error, Fate, RequestError, StoreError,
    session::RestoreError,
};

use crate::show;

/// The exit codes that `--help` tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Refused = 1,
    Usage = 2,
    GateClosed = 3,
    NeverSent = 4,
    FateUnknown = 5,
}

impl Exit {
    fn of(error: &Error) -> Self {
        match error.fate() {
            // Whatever else is known of it, it must not be repeated blindly.
            Fate::Unknown => Self::FateUnknown,
            // A login was refused, or a token fetch, or the call itself.
            _ if error.refusal().is_some() => Self::Refused,
            Fate::Refused => Self::Refused,
            Fate::NeverSent if error.is_gate_closed() => Self::GateClosed,
            Fate::NeverSent => match error {
                Error::Request(_) | Error::Store(_) => Self::Usage,
                _ => Self::NeverSent,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command was not done.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    why: Why,
    /// What we say in place of the library, which does not know what was done since.
    said: Option<String>,
    /// What else to know and do, a sentence each.
    advice: Vec<String>,
}

#[derive(Debug)]
enum Why {
    /// What the library says.
    Call(Box<Error>),
    /// What somebody else says.
    Other(Box<dyn StdError>),
    /// What we say.
    Said(String),
}

impl Failure {
    /// That a command can't be done as it was given, or as things stand on this
    /// machine.
    pub(crate) fn usage(said: impl Into<String>) -> Self {
        Self::said(Exit::Usage, said)
    }

    pub(crate) fn said(exit: Exit, said: impl Into<String>) -> Self {
        Self {
            exit,
            why: Why::Said(said.into()),
            said: None,
            advice: Vec::new(),
        }
    }

    fn other(error: impl StdError + 'static) -> Self {
        Self {
            exit: Exit::Usage,
            why: Why::Other(Box::new(error)),
            said: None,
            advice: Vec::new(),
        }
    }

    /// With one thing more to know.
    #[must_use]
    pub(crate) fn and(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// The same, said in other words.
    #[must_use]
    pub(crate) fn saying(mut self, said: impl Into<String>) -> Self {
        self.said = Some(said.into());
        self
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Tells the user on the standard error.
    pub(crate) fn tell(&self, json: bool) {
        if json {
            return show::to_stderr(&show::line(&self.to_json()));
        }
        show::to_stderr(&format!("thingspace: {self}"));
        for cause in self.causes() {
            show::to_stderr(&format!("  because: {cause}"));
        }
        for advice in &self.advice {
            show::to_stderr(advice);
        }
        if let Some(answer) = self.answer().filter(|answer| !answer.is_empty()) {
            show::to_stderr("The service said:");
            show::to_stderr(&show::harmless(answer));
        }
    }

    fn to_json(&self) -> Value {
        let mut error = json!({
            "exit_code": self.exit as u8,
            "message": self.to_string(),
            "causes": self.causes(),
            "advice": self.advice,
        });
        if let (Why::Call(call), Value::Object(error)) = (&self.why, &mut error) {
            let about = json!({
                "fate": fate(call),
                "status": call.status().map(|status| status.as_u16()),
                "code": call.code().map(ToString::to_string),
                "retry_at": call.retry_at().map(show::time),
                "gate": call.gate().map(show::gate),
                "answer": self.answer().map(show::body),
            });
            if let Value::Object(about) = about {
                error.extend(about);
            }
        }
        json!({ "error": error })
    }

    /// What the service said to the caller's own request when it refused. (What
    /// it said to a login might repeat the password.)
    fn answer(&self) -> Option<&[u8]> {
        match &self.why {
            Why::Call(error) => {
                let last = match &**error {
                    Error::SentBefore { error, .. } => error,
                    other => other,
                };
                match last {
                    Error::Refused(refusal) => Some(refusal.response().body()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn causes(&self) -> Vec<String> {
        let error: &dyn StdError = match &self.why {
            Why::Call(error) => error,
            Why::Other(error) => &**error,
            Why::Said(_) => return Vec::new(),
        };
        std::iter::successors(error.source(), |&error| error.source())
            .map(ToString::to_string)
            .collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.said, &self.why) {
            (Some(said), _) | (None, Why::Said(said)) => f.write_str(said),
            (None, Why::Call(error)) => error.fmt(f),
            (None, Why::Other(error)) => error.fmt(f),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let is_session_call = matches!(error, Error::Request(RequestError::SessionCall));
        let failure = Self {
            exit: Exit::of(&error),
            why: Why::Call(Box::new(error)),
            said: None,
            advice: Vec::new(),
        };
        if is_session_call {
            return failure.and("Here these are: thingspace login, logout and reset-password");
        }
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        Self::other(error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::other(error)
    }
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        Self::other(error)
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        Self::other(error)
    }
}

fn fate(error: &Error) -> &'static str {
    match error.fate() {
        Fate::NeverSent => "never_sent",
        Fate::Refused => "refused",
        Fate::Unknown => "unknown",
    }
}
