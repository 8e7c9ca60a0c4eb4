//! One operation at a time: of a session's token fetch, login, logout and
//! password reset, at most one is in progress, whoever drives it.
//!
//! An operation belongs to the session, not to the call that began it. It has
//! its own full deadline, and its result goes to the session by its id. It holds
//! a lease: if no result comes before the lease expires, the operation is taken
//! for lost and another may begin.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{span::Span, tag::Tag};
use crate::Timestamp;

/// The kind of an operation. Only one operation at a time is in progress in a
/// session, also where many calls or processes share it.
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
    /// Asking the API whether it responds, before another login is made. The request is a
    /// logout without a session token, which can't count as a failed login.
    ServiceCheck,
}

impl OperationKind {
    /// The kind's name, which does not change, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenFetch => "token_fetch",
            Self::LogIn => "login",
            Self::LogOut => "logout",
            Self::PasswordReset => "password_reset",
            Self::ServiceCheck => "service_check",
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenFetch => "the token fetch",
            Self::LogIn => "the login",
            Self::LogOut => "the logout",
            Self::PasswordReset => "the password reset",
            Self::ServiceCheck => "the service check",
        })
    }
}

/// The name of an operation: the number of those that had begun when it did, and a
/// random number, since others may begin one of the same number unseen.
///
/// The default is the name of none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(super) struct OperationId {
    pub(super) number: u64,
    pub(super) nonce: u64,
}

/// An operation of a session, as its driver carries it from
/// [`Step::Send`](super::Step::Send) to
/// [`Session::receive`](super::Session::receive).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The name of the operation. The tokens that it brings are of this
    /// generation.
    pub(super) id: OperationId,
    pub(super) kind: OperationKind,
    pub(super) sent_at: Timestamp,
    /// The generation of the bearer token that its request carries.
    pub(super) bearer: OperationId,
    /// The generation of the session token that its request carries.
    pub(super) session: OperationId,
    /// The password that its request carries.
    pub(super) password: Tag,
}

/// Shows nothing of the password.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("sent_at", &self.sent_at)
            .field("bearer", &self.bearer)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
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
    pub(super) operation: OperationId,
    pub(super) kind: OperationKind,
    pub(super) span: Span,
}
