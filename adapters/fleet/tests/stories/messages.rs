//! The messages between the test and its workers: lines of JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thingspace_core::session::Revision;

use crate::place::Place;

/// What a worker is told when it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) stack: Stack,
    pub(crate) place: Place,
    /// The base of the service's calls.
    pub(crate) base: String,
    pub(crate) password: String,
    pub(crate) seed: u64,
    /// The file of the time that has passed.
    pub(crate) time: PathBuf,
    /// The session's settings, in milliseconds.
    pub(crate) attempt_timeout: u64,
    pub(crate) call_timeout: u64,
}

/// An HTTP stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stack {
    Ureq,
    Hyper,
}

impl Stack {
    /// Half of the workers have the one, and half the other.
    pub(crate) const fn of(number: usize) -> Self {
        if number % 2 == 0 {
            Self::Ureq
        } else {
            Self::Hyper
        }
    }
}

/// A task for a worker, which reports its end under the same number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) number: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// A call for the account.
    Call,
    LogIn,
    LogOut,
    /// A password reset, confirmed for as long as that takes.
    Reset,
    /// Confirms the new password that a reset has left, if one did.
    Settle,
    /// Uses this password.
    Credentials(String),
    Sync,
    Look,
}

/// A line that a worker writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// It runs. The time is by its system's clock, in milliseconds.
    Ready {
        system: u64,
    },
    Done {
        number: u64,
        result: Result<View, Failed>,
    },
    /// It is about to save.
    Saving {
        save: Save,
    },
    /// It has saved.
    Saved {
        save: Save,
        ended: Ended,
    },
    Loaded(Option<Revision>),
    /// A reset has brought this password.
    Brought(String),
    /// The store has it that this password is in use.
    Confirmed(String),
    /// It sends a reset.
    SendsReset,
    /// The reset that it sent was refused, with this status.
    ResetRefused(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Save {
    pub(crate) seen: Option<Revision>,
    pub(crate) revision: Revision,
}

/// The end of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ended {
    Saved,
    Conflict,
    /// It may be saved, or not.
    Failed,
}

/// A session as a worker knows it after a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    pub(crate) token: Option<String>,
    pub(crate) failed_logins: u32,
    pub(crate) blocked: Option<String>,
}

/// The end of a task that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) kind: Kind,
    /// True if the request may have been executed.
    pub(crate) is_unknown: bool,
    pub(crate) message: String,
}

/// The kind of a failure, as far as the stories tell one from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    Store,
    NotConfirmed,
    NotAwaited,
    Blocked,
    WrongCredentials,
    SessionRefused,
    CoolingDown,
    BackingOff,
    TimedOut,
    NoResponse,
    Other,
}
