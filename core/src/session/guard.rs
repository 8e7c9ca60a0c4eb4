//! The login guard: what stands between a program's mistake and a locked user
//! name.
//!
//! Five failed logins in a row lock the user name, and only Verizon's support
//! unlocks it. So every login is counted before it is sent, and given back only
//! when it succeeded or certainly was not judged. When the budget is spent, or
//! the service names the credentials as wrong, or a lost reset leaves the
//! password in doubt, the gate closes, and stays closed until somebody who
//! knows better opens it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::settings::{MaxFailedLogins, PLATFORM_LOCKS_AT};
use crate::refusal::ErrorCode;

/// The login guard, as a caller sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Gate {
    /// Logins that failed, or whose fate is unknown, since the last that
    /// succeeded; one that is under way is among them. Re-arming does not
    /// lower it, since it does not lower the platform's count either.
    pub failed_logins: u32,
    /// How many logins may still be made before the gate closes. Never one that
    /// could lock the user name, unless somebody has re-armed the guard.
    pub attempts_left: u32,
    /// Why no login is made, if none is.
    pub closed: Option<GateReason>,
}

/// Why the gate is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum GateReason {
    /// The service named the credentials as what is wrong.
    WrongCredentials {
        /// The code by which it did.
        code: Option<ErrorCode>,
    },
    /// As many logins failed, or have an unknown fate, as were allowed.
    BudgetSpent,
    /// A password reset has an unknown fate, or brought a password that could
    /// not be kept, so the password may be wrong.
    PasswordUnknown,
    /// Another process that shares the session has reset the password, or was
    /// given another one: the one given here may be wrong.
    PasswordOutdated,
}

/// Says how the guard stands and what to do next.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.closed {
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

/// Says why the gate is closed and what opens it.
impl fmt::Display for GateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCredentials { code } => {
                f.write_str("the service says that the credentials are wrong")?;
                if let Some(code) = code {
                    write!(f, " ({code})")?;
                }
                f.write_str("; give other ones, or re-arm the guard if you know that they are right")
            }
            Self::BudgetSpent => f.write_str(
                "as many logins failed or were lost as may; find out why, then give other credentials, or re-arm the guard if that does not open it",
            ),
            Self::PasswordUnknown => f.write_str(
                "the answer to a password reset is lost, so the password may be wrong; give the one that is right, or re-arm the guard to try the old one",
            ),
            Self::PasswordOutdated => f.write_str(
                "another process has reset the password or was given another one; give that one here too, or re-arm the guard if it is the one that is here",
            ),
        }
    }
}

/// What the machine remembers of logins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    /// Since the last success.
    failed: u32,
    /// Since the last success, or since the gate was opened.
    spent: u32,
    /// Whether somebody allowed logins by name, or a reset has shown that the
    /// password is right, since then. Without it, none is made that could be the
    /// one that locks the user name.
    rearmed: bool,
    #[serde(deserialize_with = "super::snapshot::present")]
    closed: Option<GateReason>,
    /// The first of the password resets that leave the password in doubt.
    #[serde(deserialize_with = "super::snapshot::present")]
    doubt: Option<u64>,
}

impl Guard {
    /// Counts a login, before it is sent.
    pub(super) fn charge(&mut self) {
        self.failed = self.failed.saturating_add(1);
        self.spent = self.spent.saturating_add(1);
    }

    /// Takes the count of a login back that was certainly not judged.
    pub(super) fn give_back(&mut self) {
        self.failed = self.failed.saturating_sub(1);
        self.spent = self.spent.saturating_sub(1);
    }

    /// A login succeeded: the platform starts its count anew, and so does this.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn close(&mut self, reason: GateReason) {
        self.closed = Some(reason);
        self.doubt = None;
    }

    /// The password is in doubt because of this reset, and is so until the caller
    /// decides or the answer comes.
    pub(super) fn doubt(&mut self, reset: u64) {
        self.close(GateReason::PasswordUnknown);
        self.doubt = Some(reset);
    }

    /// Whether the password is in doubt because of this reset, among others.
    pub(super) fn is_in_doubt_of(&self, reset: u64) -> bool {
        self.doubt.is_some_and(|first| first <= reset)
    }

    /// Allows as many logins again as may fail, whatever has failed before. One that
    /// is under way stays counted.
    pub(super) fn rearm(&mut self, under_way: bool) {
        self.reopen();
        self.spent = u32::from(under_way);
        self.rearmed = true;
    }

    /// Allows as many logins again as may fail, as far as none of them can be the
    /// one that locks the user name.
    pub(super) fn reopen(&mut self) {
        *self = Self {
            failed: self.failed,
            ..Self::default()
        };
    }

    /// Another user is given. What a reset that is under way brings is told to nobody
    /// here, so its password is in doubt.
    pub(super) fn leave(&mut self, resetting: bool) {
        self.doubt = None;
        if resetting && self.closed.is_none() {
            self.closed = Some(GateReason::PasswordUnknown);
        }
    }

    /// Whoever re-armed the guard did not know of the credentials that came since.
    pub(super) fn take_back_rearming(&mut self) {
        self.rearmed = false;
    }

    pub(super) fn gate(&self, max: MaxFailedLogins) -> Gate {
        let mut attempts_left = u32::from(max.number()).saturating_sub(self.spent);
        if !self.rearmed {
            let harmless = u32::from(PLATFORM_LOCKS_AT - 1).saturating_sub(self.failed);
            attempts_left = attempts_left.min(harmless);
        }
        let spent = (attempts_left == 0).then_some(GateReason::BudgetSpent);
        let closed = self.closed.clone().or(spent);
        Gate {
            failed_logins: self.failed,
            attempts_left: if closed.is_some() { 0 } else { attempts_left },
            closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(guard: &Guard) -> Gate {
        guard.gate(MaxFailedLogins::default())
    }

    #[test]
    fn law_2_the_gate_closes_when_the_budget_is_spent() {
        let mut guard = Guard::default();
        guard.charge();
        assert_eq!((gate(&guard).attempts_left, gate(&guard).closed), (1, None));
        guard.charge();
        assert_eq!(gate(&guard).closed, Some(GateReason::BudgetSpent));
        guard.give_back();
        assert_eq!(gate(&guard).closed, None);
        guard.succeeded();
        assert_eq!(gate(&guard).failed_logins, 0);
    }

    #[test]
    fn re_arming_forgets_the_reason_but_not_the_platforms_count() {
        let mut guard = Guard::default();
        guard.charge();
        guard.close(GateReason::PasswordUnknown);
        guard.rearm(false);
        assert_eq!(
            (gate(&guard).attempts_left, gate(&guard).failed_logins),
            (2, 1)
        );
        guard.rearm(true);
        assert_eq!(gate(&guard).attempts_left, 1);
    }

    #[test]
    fn law_2_only_re_arming_allows_the_login_that_could_lock_the_user_name() {
        let mut guard = Guard::default();
        for left in [2, 2, 1, 0] {
            guard.charge();
            guard.reopen();
            assert_eq!(gate(&guard).attempts_left, left);
        }
        assert_eq!(gate(&guard).closed, Some(GateReason::BudgetSpent));
        guard.rearm(false);
        assert_eq!(gate(&guard).attempts_left, 2);
    }

    #[test]
    fn the_gate_says_what_opens_it() {
        let mut guard = Guard::default();
        guard.charge();
        guard.close(GateReason::WrongCredentials {
            code: ErrorCode::read("S.INPUT_INVALID.Password"),
        });
        assert_eq!(
            gate(&guard).to_string(),
            "the service says that the credentials are wrong (S.INPUT_INVALID.Password); give other ones, or re-arm the guard if you know that they are right (1 failed since the last success; the platform locks the user name at 5)"
        );
    }
}
