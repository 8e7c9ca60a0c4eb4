//! One operation at a time: of a session's token fetch, login, logout and
//! password reset, at most one is in progress, whoever drives it.
//!
//! An operation belongs to the session, not to the call that began it. It has
//! its own full deadline, and its result goes to the session by its id. It holds
//! a lease: if no result comes before the lease expires, the operation is taken
//! for lost and another may begin.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::span::Span;
use crate::Timestamp;

/// The kind of an operation. Only one operation at a time is in progress in a
/// session.
#[doc(alias = "single-flight")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OperationKind {
    /// Fetching a bearer token.
    TokenFetch,
    /// Logging in.
    LogIn,
    /// Logging out.
    LogOut,
    /// Resetting the password.
    PasswordReset,
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenFetch => "the token fetch",
            Self::LogIn => "the login",
            Self::LogOut => "the logout",
            Self::PasswordReset => "the password reset",
        })
    }
}

/// An operation of a session, as its driver carries it from
/// [`Step::Send`](super::Step::Send) to
/// [`Session::receive`](super::Session::receive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The number of the operation, from 1. The tokens that it brings are of
    /// this generation.
    pub(super) id: u64,
    pub(super) kind: OperationKind,
    pub(super) sent_at: Timestamp,
    /// The generation of the bearer token that its request carries; 0 if none.
    pub(super) bearer: u64,
    /// The generation of the session token that its request carries; 0 if none.
    pub(super) session: u64,
}

impl Operation {
    /// The operation's kind.
    pub const fn kind(&self) -> OperationKind {
        self.kind
    }
}

/// The lease that the operation in progress holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) operation: u64,
    pub(super) kind: OperationKind,
    pub(super) span: Span,
}
