//! The new password between the two halves of a reset.
//!
//! A reset is requested and then confirmed. Between the two the caller saves the
//! new password where it likes, for as long as that takes, with nothing locked.

use thiserror::Error;

use super::operation::OperationId;
use crate::Password;

/// The new password that a reset brought, until it is confirmed.
///
/// This is the only copy. Save it where you like, then give it to
/// [`Session::confirm`](super::Session::confirm). Until then no login is made, and the open
/// session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "this is the only copy of the new password, and no login is made until it is confirmed"]
pub struct NewPassword {
    pub(super) password: Password,
    pub(super) reset: OperationId,
}

impl NewPassword {
    /// The new password.
    pub const fn password(&self) -> &Password {
        &self.password
    }

    /// Returns the new password, and consumes this value.
    pub fn into_password(self) -> Password {
        self.password
    }
}

/// The error of confirming a new password that is not awaited: another reset was
/// made, or other credentials were given since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "this new password is not awaited; another reset was made, or other credentials were given since"
)]
#[non_exhaustive]
pub struct NotAwaited;
