//! The login guard: what stands between a wrong password and a locked user
//! name.
//!
//! Five failed logins in a row lock the user name, and only Verizon's support
//! unlocks it. So every login is counted before it is sent, and refunded only
//! when it succeeded or certainly was not judged. When the budget is spent, or
//! the service names the credentials as wrong, or a lost reset leaves the
//! password in doubt, the guard is blocked, and stays blocked until somebody who
//! knows better unblocks it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    failure::Failure,
    settings::{MaxFailedLogins, PLATFORM_LOCKS_AT},
};
use crate::response::ErrorCode;

/// The state of the login guard: *open* to logins, or *blocked*. (A circuit
/// breaker's "open" means the opposite.)
#[doc(alias = "circuit breaker")]
#[doc(alias = "lockout")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoginGuard {
    /// The number of logins that failed, or whose outcome is unknown, since the
    /// last that succeeded; one that is in progress is among them. Unblocking
    /// does not lower it, since it does not lower the platform's count either.
    pub failed_logins: u32,
    /// The number of logins that may still be made before the guard is blocked.
    /// Never one that could lock the user name, unless somebody has unblocked
    /// the guard.
    pub attempts_left: u32,
    /// The reason why no login is made; `None` if the guard is open to logins.
    pub blocked: Option<BlockReason>,
    /// The last login or password reset that failed or was lost since the last
    /// login that succeeded.
    pub last_failure: Option<Failure>,
}

/// The reason why the login guard is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BlockReason {
    /// The service named the credentials as wrong.
    #[non_exhaustive]
    WrongCredentials {
        /// The code by which it did.
        code: Option<ErrorCode>,
    },
    /// As many logins failed, or have an unknown outcome, as were allowed.
    BudgetSpent,
    /// A password reset has an unknown outcome, so the password may be wrong.
    PasswordInDoubt,
    /// A password reset brought a new password that was not
    /// [confirmed](super::Session::confirm) yet, so the one here is wrong.
    AwaitingConfirmation,
    /// Another process that shares the session has reset the password, or was
    /// given another one: the one given here may be wrong.
    PasswordOutdated,
}

/// Says how the guard stands and what to do next.
impl fmt::Display for LoginGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.blocked {
            None => write!(
                f,
                "{} of the logins that may fail are left; check the credentials before the next",
                self.attempts_left
            ),
            Some(reason) => reason.fmt(f),
        }?;
        write!(
            f,
            " ({} failed since the last success; the platform locks the user name at {PLATFORM_LOCKS_AT})",
            self.failed_logins
        )
    }
}

/// Says why the guard is blocked and what unblocks it.
impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCredentials { .. } => f.write_str(
                "the service says that the credentials are wrong; give other ones, or unblock the guard if you know that they are right",
            ),
            Self::BudgetSpent => f.write_str(
                "as many logins failed or were lost as may; find out why, then give other credentials, or unblock the guard if those are not enough",
            ),
            Self::PasswordInDoubt => f.write_str(
                "the response to a password reset is lost, so the password may be wrong; give the right one, or unblock the guard to try the old one",
            ),
            Self::AwaitingConfirmation => f.write_str(
                "a password reset brought a new password that is not confirmed; confirm it, or give the right one",
            ),
            Self::PasswordOutdated => f.write_str(
                "another process has reset the password or was given another one; give that one here too, or unblock the guard if the one here is right",
            ),
        }
    }
}

/// The login guard's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    /// The number of failed logins since the last success.
    failed: u32,
    /// The same number since the guard was last unblocked, or other credentials
    /// were given.
    spent: u32,
    /// True if somebody allowed logins by name, or a reset has shown that the
    /// password is right, since then. Without it, no login is made that could
    /// lock the user name.
    unblocked: bool,
    #[serde(deserialize_with = "super::nullable::present")]
    blocked: Option<BlockReason>,
    /// The first of the password resets that leave the password in doubt.
    #[serde(deserialize_with = "super::nullable::present")]
    in_doubt_since: Option<u64>,
    #[serde(deserialize_with = "super::nullable::present")]
    last_failure: Option<Failure>,
}

impl Guard {
    /// Counts a login, before it is sent.
    pub(super) fn count(&mut self) {
        self.failed = self.failed.saturating_add(1);
        self.spent = self.spent.saturating_add(1);
    }

    /// Refunds a login that certainly was not judged.
    pub(super) fn refund(&mut self) {
        self.failed = self.failed.saturating_sub(1);
        self.spent = self.spent.saturating_sub(1);
    }

    /// Notes that a login succeeded: the platform starts its count anew, and so
    /// does the guard.
    pub(super) fn succeed(&mut self) {
        *self = Self::default();
    }

    pub(super) fn block(&mut self, reason: BlockReason) {
        self.blocked = Some(reason);
        self.in_doubt_since = None;
    }

    /// Puts the password in doubt because of this reset, until the caller decides
    /// or a new password is confirmed.
    pub(super) fn doubt(&mut self, reset: u64, reason: BlockReason) {
        self.block(reason);
        self.in_doubt_since = Some(reset);
    }

    /// Returns true if the password is in doubt because of this reset, among
    /// others.
    pub(super) fn is_in_doubt_of(&self, reset: u64) -> bool {
        self.in_doubt_since.is_some_and(|first| first <= reset)
    }

    /// Remembers the last failure.
    pub(super) fn remember(&mut self, failure: Failure) {
        self.last_failure = Some(failure);
    }

    /// Allows as many logins again as may fail, whatever has failed before. One
    /// that is in progress stays counted.
    pub(super) fn unblock(&mut self, in_progress: bool) {
        self.reopen();
        self.spent = u32::from(in_progress);
        self.unblocked = true;
    }

    /// Allows as many logins again as may fail, but none that could lock the
    /// user name.
    pub(super) fn reopen(&mut self) {
        *self = Self {
            failed: self.failed,
            last_failure: self.last_failure.take(),
            ..Self::default()
        };
    }

    /// Takes the permission to risk the user name back: whoever gave it did not
    /// know of the credentials that came since.
    pub(super) fn take_back_unblocking(&mut self) {
        self.unblocked = false;
    }

    pub(super) fn state(&self, max: MaxFailedLogins) -> LoginGuard {
        let attempts_left = self.attempts_left(max);
        let blocked = self.block_reason(attempts_left);
        LoginGuard {
            failed_logins: self.failed,
            attempts_left: if blocked.is_some() { 0 } else { attempts_left },
            blocked: blocked.cloned(),
            last_failure: self.last_failure.clone(),
        }
    }

    pub(super) fn is_blocked(&self, max: MaxFailedLogins) -> bool {
        self.block_reason(self.attempts_left(max)).is_some()
    }

    fn attempts_left(&self, max: MaxFailedLogins) -> u32 {
        let attempts_left = u32::from(max.number()).saturating_sub(self.spent);
        if self.unblocked {
            return attempts_left;
        }
        let harmless = u32::from(PLATFORM_LOCKS_AT - 1).saturating_sub(self.failed);
        attempts_left.min(harmless)
    }

    fn block_reason(&self, attempts_left: u32) -> Option<&BlockReason> {
        let spent = (attempts_left == 0).then_some(&BlockReason::BudgetSpent);
        self.blocked.as_ref().or(spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(guard: &Guard) -> LoginGuard {
        guard.state(MaxFailedLogins::default())
    }

    #[test]
    fn law_2_the_guard_is_blocked_when_the_budget_is_spent() {
        let mut guard = Guard::default();
        guard.count();
        assert_eq!(
            (state(&guard).attempts_left, state(&guard).blocked),
            (1, None)
        );
        guard.count();
        assert_eq!(state(&guard).blocked, Some(BlockReason::BudgetSpent));
        guard.refund();
        assert_eq!(state(&guard).blocked, None);
        guard.succeed();
        assert_eq!(state(&guard).failed_logins, 0);
    }

    #[test]
    fn unblocking_forgets_the_reason_but_not_the_platforms_count() {
        let mut guard = Guard::default();
        guard.count();
        guard.block(BlockReason::PasswordInDoubt);
        guard.unblock(false);
        assert_eq!(
            (state(&guard).attempts_left, state(&guard).failed_logins),
            (2, 1)
        );
        guard.unblock(true);
        assert_eq!(state(&guard).attempts_left, 1);
    }

    #[test]
    fn law_2_only_unblocking_allows_the_login_that_could_lock_the_user_name() {
        let mut guard = Guard::default();
        for left in [2, 2, 1, 0] {
            guard.count();
            guard.reopen();
            assert_eq!(state(&guard).attempts_left, left);
        }
        assert_eq!(state(&guard).blocked, Some(BlockReason::BudgetSpent));
        guard.unblock(false);
        assert_eq!(state(&guard).attempts_left, 2);
    }

    #[test]
    fn the_guard_says_what_unblocks_it() {
        let mut guard = Guard::default();
        guard.count();
        guard.block(BlockReason::WrongCredentials {
            code: ErrorCode::read("S.INPUT_INVALID.Password"),
        });
        assert_eq!(
            state(&guard).to_string(),
            "the service says that the credentials are wrong; give other ones, or unblock the guard if you know that they are right (1 failed since the last success; the platform locks the user name at 5)"
        );
    }
}
