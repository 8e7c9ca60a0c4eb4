//! The login guard: what stands between a wrong password and a locked user
//! name.
//!
//! Five failed logins in a row lock the user name, and only Verizon's support
//! unlocks it. So every login and every password reset is counted before it is
//! sent, and refunded only when it succeeded or certainly was not judged. What a
//! failed one [means](super::verdict) decides what may follow: the docs of
//! [`LoginGuard`] have the picture.

use std::{collections::VecDeque, fmt};

use serde::{Deserialize, Serialize};

use super::{
    check::{Checks, Next},
    failure::Failure,
    operation::{Operation, OperationId, OperationKind},
    settings::{
        MAX_COUNTED, MAX_REFUSED, MAX_SETTLED, MOST_FAILED_LOGINS, PLATFORM_LOCKS_AT, Settings,
        UNJUDGED_LOGIN_INTERVAL,
    },
    span::Shift,
    tag::Tag,
    verdict::Verdict,
};
use crate::{Timestamp, response::ErrorCode};

/// The state of the login guard: *open* to logins, or *blocked*. (A circuit
/// breaker's "open" means the opposite.)
///
/// It stops before the platform locks the user name, at five failed logins in a row. See
/// [what to do when it is blocked](crate::guide::errors#the-login-guard-is-blocked) and
/// [its limits](crate::guide::limits#logins).
///
/// It is the state for the credentials in use. Every login and every password reset is
/// counted before it is sent. Its result moves the guard:
///
/// ```text
///   open to logins                               blocked
///  ┌─────────────────────────┐                  ┌────────────────────────┐
///  │ at once                 │ refused: names   │                        │
///  │   │ lost, or refused    │ the credentials  │                        │
///  │   │ without a reason    │─────────────────▶│ WrongCredentials       │
///  │   │                     │ a character      │                        │
///  │   ▼                     │─────────────────▶│ CantBeSent             │
///  │ after 30 s              │ refused, or lost │                        │
///  │   │ lost, and so was    │ after a refusal  │                        │
///  │   │ the one before      │─────────────────▶│ BudgetSpent            │
///  │   ▼                     │ refused          │                        │
///  │ after 30 min, if the    │─────────────────▶│                        │
///  │ API responds; sooner,   │                  │                        │
///  │ if it was down          │                  │                        │
///  │   │ lost                │                  │                        │
///  │   ▼                     │ refused, or lost │                        │
///  │ after 2 h, if the API   │─────────────────▶│                        │
///  │ responds                │                  │                        │
///  │                         │ reset sent       │                        │
///  │                         │─────────────────▶│ PasswordInDoubt        │
///  │                         │◀─────────────────│   │ new password came  │
///  │                         │ never sent, or   │   │                    │
///  │                         │ refused          │   ▼                    │
///  │                         │◀─────────────────│ AwaitingConfirmation   │
///  │                         │ confirm          │                        │
///  │                         │                  │                        │
///  │                         │ another process  │                        │
///  │                         │ has another one  │                        │
///  │                         │─────────────────▶│ PasswordOutdated       │
///  └─────────────────────────┘                  └────────────────────────┘
///          ▲          ▲ set_credentials                 │          │
///          │          └─────────────────────────────────┘          │ unblock
///          │ succeeded      ┌──────────────────┐                   │
///          └────────────────│ one login,       │◀──────────────────┘
///                           │ whatever failed  │
///                           └──────────────────┘
///                             │ refused or lost: BudgetSpent, or the reason it names
/// ```
///
/// - A login that succeeds takes back all counts of logins and resets that began before it.
///   One that certainly was not judged, such as one that was never sent, is refunded and
///   does not move the guard.
/// - When four have failed since the last success, with any credentials, the guard is
///   blocked for all of them: `BudgetSpent`, unless there is another reason.
/// - A late response moves the guard as well: it may name the credentials, or show that
///   its login does not count.
/// - [`set_credentials`](super::Session::set_credentials) with other credentials opens the
///   guard to as many logins as may fail with them. It opens it to none if the password was
///   refused before, or if four logins have failed.
/// - [`unblock`](super::Session::unblock) is for the present credentials, for any reason.
///
/// The numbers are the defaults of the [settings](super::Settings): two logins may fail
/// without a reason, 30 seconds, 30 minutes, 2 hours.
#[doc(alias = "circuit breaker")]
#[doc(alias = "lockout")]
#[doc(alias = "lock")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoginGuard {
    /// The number of logins and password resets that failed, or whose outcome is
    /// unknown, since the last login that succeeded. One that is in progress counts too.
    /// Unblocking does not lower it, since it does not lower the platform's count either.
    pub failed_logins: u32,
    /// The number of logins that may still fail with these credentials. At 0, the guard is
    /// blocked, or allows one more login only when the API responds. It never counts a
    /// login that could lock the user name, unless somebody has unblocked the guard.
    pub attempts_left: u32,
    /// The time before which no login is made, if the last ones failed and the guard
    /// is not blocked. It may be in the past. After logins of unknown outcome, a login may
    /// be made earlier, if the API was down and responds again.
    pub next_login: Option<Timestamp>,
    /// The reason why no login is made; `None` if the guard is open to logins.
    pub blocked: Option<BlockReason>,
    /// The refusal of the credentials in use, if they were refused. Otherwise the last
    /// login or password reset that failed or was lost since the last login that succeeded.
    pub last_failure: Option<Failure>,
}

/// The reason why the login guard is blocked.
///
/// The guide says [what to do about each](crate::guide::errors#the-login-guard-is-blocked).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BlockReason {
    /// The service named the credentials as wrong.
    #[non_exhaustive]
    WrongCredentials {
        /// The error code of the refusal, if it had one.
        code: Option<ErrorCode>,
    },
    /// The service says that a login can't be sent with these credentials: they hold
    /// a character that it does not take.
    #[non_exhaustive]
    CantBeSent {
        /// The error code of the refusal, if it had one.
        code: Option<ErrorCode>,
    },
    /// The number of logins that failed, or have an unknown outcome, has reached the limit.
    BudgetSpent,
    /// A password reset has an unknown outcome, so the password may be wrong.
    PasswordInDoubt,
    /// A password reset brought a new password that is not
    /// [confirmed](super::Session::confirm) yet, so the password here is wrong.
    AwaitingConfirmation,
    /// Another process that shares the session has reset the password, or was given
    /// another one. So the password here may be wrong.
    PasswordOutdated,
}

/// Says how the guard stands and what to do next.
impl fmt::Display for LoginGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.blocked {
            None => match self.next_login {
                Some(at) if self.attempts_left == 0 => write!(
                    f,
                    "logins had no usable response; the next one is made from {at} on, as soon as the API responds"
                ),
                _ => write!(
                    f,
                    "{} of the logins that may fail are left; check the credentials before the next",
                    self.attempts_left
                ),
            },
            Some(reason) => reason.fmt(f),
        }?;
        write!(
            f,
            " ({} failed since the last success; the platform locks the user name at {PLATFORM_LOCKS_AT})",
            self.failed_logins
        )
    }
}

impl BlockReason {
    /// The reason's name, which does not change, for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WrongCredentials { .. } => "wrong_credentials",
            Self::CantBeSent { .. } => "cant_be_sent",
            Self::BudgetSpent => "budget_spent",
            Self::PasswordInDoubt => "password_in_doubt",
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::PasswordOutdated => "password_outdated",
        }
    }

    /// The code by which the service named the credentials, if it did.
    pub const fn code(&self) -> Option<&ErrorCode> {
        match self {
            Self::WrongCredentials { code } | Self::CantBeSent { code } => code.as_ref(),
            _ => None,
        }
    }
}

/// Says why the guard is blocked and what unblocks it.
impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCredentials { .. } => f.write_str(
                "the service says that the credentials are wrong; give other ones, or unblock the guard if you know that they are right",
            ),
            Self::CantBeSent { .. } => f.write_str(
                "ThingSpace does not take some characters, such as ' < and \\, and one of them is in the credentials; have the password changed, then give the new one",
            ),
            Self::BudgetSpent => f.write_str(
                "as many logins failed or were lost as may; find out why, then unblock the guard for one more, or give other credentials",
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
    /// The salt of the tags.
    pub(super) salt: u64,
    /// The logins and resets since the last success that failed, or may have.
    counted: Vec<Counted>,
    /// The last things that were taken back, so that no merge brings them to life
    /// again.
    settled: VecDeque<Settled>,
    /// The last credentials that were refused.
    refused: VecDeque<Refused>,
    /// The resets that leave the password in doubt, by their number.
    doubts: Vec<Doubt>,
    /// The login that somebody allowed by name.
    #[serde(deserialize_with = "super::nullable::present")]
    unblocked: Option<Unblocked>,
    checks: Checks,
    #[serde(deserialize_with = "super::nullable::present")]
    last_failure: Option<Failure>,
}

/// A login or reset that counts as failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    id: OperationId,
    tag: Tag,
    /// The verdict; uncertain as long as there is none.
    verdict: Verdict,
    /// The time at which it began, or failed.
    at: Timestamp,
}

/// Credentials that were refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    /// The login, reset or unblocking by which they were.
    id: OperationId,
    tag: Tag,
    reason: BlockReason,
    /// The failure by which they were.
    #[serde(deserialize_with = "super::nullable::present")]
    because: Option<Failure>,
}

/// A password reset that leaves the password in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    reset: OperationId,
    /// True if the new password came, and is not confirmed yet.
    awaits_confirmation: bool,
}

/// One login that somebody allowed by name, with the credentials that they had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unblocked {
    /// The name of it, drawn like an operation's.
    id: OperationId,
    tag: Tag,
    /// The login, or reset, that was made.
    #[serde(deserialize_with = "super::nullable::present")]
    login: Option<OperationId>,
}

/// Something that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Settled {
    Counted(OperationId),
    Refused(OperationId),
    Doubt(OperationId),
    Unblocked(OperationId),
}

impl Settled {
    const fn id(&self) -> OperationId {
        match self {
            Self::Counted(id) | Self::Refused(id) | Self::Doubt(id) | Self::Unblocked(id) => *id,
        }
    }

    /// The place among others: by the operation that it is about.
    const fn place(&self) -> (OperationId, u8) {
        let kind = match self {
            Self::Counted(_) => 0,
            Self::Refused(_) => 1,
            Self::Doubt(_) => 2,
            Self::Unblocked(_) => 3,
        };
        (self.id(), kind)
    }
}

/// The guard's word on the next login with some credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    /// It may be made at this time, or at any if it has passed.
    From(Timestamp),
    /// It is due at this time, and may be made if the API responds then; also
    /// before, if it `may_be_early`.
    Probe { due: Timestamp, may_be_early: bool },
    /// None may be made.
    Blocked(BlockReason),
}

impl Guard {
    /// Returns the guard's word on the next login with these credentials.
    pub(super) fn permission(
        &self,
        tag: Tag,
        is_outdated: bool,
        settings: &Settings,
    ) -> Permission {
        if self.is_unblocked(tag) {
            return Permission::From(Timestamp::default());
        }
        if let Some(reason) = self.block_reason(tag, is_outdated) {
            return Permission::Blocked(reason);
        }
        let Some(last) = self.counted_of(tag).map(|one| one.at).max() else {
            return Permission::From(Timestamp::default());
        };
        let count = self.counted_of(tag).count();
        let max = usize::from(settings.max_failed_logins.number());
        if count < max {
            Permission::From(last + settings.login_interval.max(UNJUDGED_LOGIN_INTERVAL))
        } else if self
            .counted_of(tag)
            .any(|one| one.verdict >= Verdict::Judged)
        {
            Permission::Blocked(BlockReason::BudgetSpent)
        } else {
            let may_be_early = count == max;
            let after = if may_be_early {
                settings.first_probe_after
            } else {
                settings.next_probe_after
            };
            Permission::Probe {
                due: last + after,
                may_be_early,
            }
        }
    }

    /// Returns what to do about a login that the guard lets wait for the service.
    pub(super) fn probe(&self, now: Timestamp, due: Timestamp, may_be_early: bool) -> Next {
        self.checks.next(now, due, may_be_early)
    }

    /// The reason why no login is made with these credentials, whatever else failed.
    fn block_reason(&self, tag: Tag, is_outdated: bool) -> Option<BlockReason> {
        if let Some(refused) = self.refusal_of(tag) {
            return Some(refused.reason.clone());
        }
        if let Some(doubt) = self.doubts.last() {
            return Some(if doubt.awaits_confirmation {
                BlockReason::AwaitingConfirmation
            } else {
                BlockReason::PasswordInDoubt
            });
        }
        if is_outdated {
            return Some(BlockReason::PasswordOutdated);
        }
        (self.counted.len() >= MOST_FAILED_LOGINS).then_some(BlockReason::BudgetSpent)
    }

    /// The state of the guard, for these credentials.
    pub(super) fn state(&self, tag: Tag, is_outdated: bool, settings: &Settings) -> LoginGuard {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let failed = self.counted.len();
        let max = usize::from(settings.max_failed_logins.number());
        let own = max.saturating_sub(self.counted_of(tag).count());
        let harmless = MOST_FAILED_LOGINS.saturating_sub(failed);
        let (attempts_left, next_login, blocked) = match self.permission(tag, is_outdated, settings)
        {
            Permission::Blocked(reason) => (0, None, Some(reason)),
            Permission::Probe { due, .. } => (0, Some(due), None),
            Permission::From(_) if self.is_unblocked(tag) => (1, None, None),
            Permission::From(at) => (
                count(own.min(harmless)),
                (at > Timestamp::default()).then_some(at),
                None,
            ),
        };
        // A success with other credentials says nothing about those that were refused.
        let refusal = self.refusal_of(tag).and_then(|one| one.because.clone());
        LoginGuard {
            failed_logins: count(failed),
            attempts_left,
            next_login,
            blocked,
            last_failure: refusal.or_else(|| self.last_failure.clone()),
        }
    }

    /// Returns true if these credentials were refused, and this login with them is not
    /// the one that somebody allowed by name.
    pub(super) fn is_refused(&self, tag: Tag, login: OperationId) -> bool {
        let is_allowed = self.unblocked.is_some_and(|unblocked| {
            unblocked.tag == tag && unblocked.login.is_none_or(|other| other == login)
        });
        !is_allowed && self.refusal_of(tag).is_some()
    }

    fn refusal_of(&self, tag: Tag) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.tag == tag)
    }

    /// Counts a login or reset, before it is sent.
    pub(super) fn count(&mut self, operation: &Operation) {
        let Operation {
            id,
            kind,
            sent_at,
            password,
            ..
        } = *operation;
        if self.counted.iter().any(|one| one.id == id) {
            return;
        }
        self.counted.push(Counted {
            id,
            tag: password,
            verdict: Verdict::Uncertain,
            at: sent_at,
        });
        let excess = self.counted.len().saturating_sub(MAX_COUNTED);
        self.counted.drain(..excess);
        if kind == OperationKind::PasswordReset {
            self.doubt(id);
        }
        let unblocked = self.unblocked.as_mut();
        if let Some(unblocked) = unblocked.filter(|unblocked| unblocked.tag == password) {
            unblocked.login.get_or_insert(id);
        }
        self.checks = Checks::after_login(sent_at);
    }

    /// Refunds a login or reset that certainly was not judged. One that somebody
    /// allowed by name may be made again.
    pub(super) fn refund(&mut self, id: OperationId) {
        self.counted.retain(|one| one.id != id);
        self.settle(Settled::Counted(id));
        if let Some(unblocked) = &mut self.unblocked {
            unblocked.login.take_if(|login| *login == id);
        }
    }

    /// Takes back that a login or reset counts, which succeeded: if somebody had allowed
    /// it by name, that is used up.
    pub(super) fn settle_success(&mut self, id: OperationId) {
        let allowed = self.unblocked.take_if(|one| one.login == Some(id));
        if let Some(ended) = allowed {
            self.settle(Settled::Unblocked(ended.id));
        }
        self.refund(id);
    }

    /// Notes that a login or reset failed. It stays counted.
    pub(super) fn fail(&mut self, id: OperationId, tag: Tag, verdict: Verdict, failure: Failure) {
        let at = failure.at();
        match self.counted.iter_mut().find(|one| one.id == id) {
            Some(one) => {
                one.verdict = one.verdict.max(verdict);
                one.at = one.at.max(at);
                self.checks = Checks::after_login(at);
            }
            // A success has settled it, and only what names the credentials matters.
            None if verdict < Verdict::CantBeSent => return,
            None => {}
        }
        let code = failure.code().cloned();
        self.last_failure = Some(failure.clone());
        let allowed = self.unblocked.filter(|one| one.login == Some(id));
        let (name, reason) = match (verdict, allowed) {
            (Verdict::WrongCredentials, _) => (id, BlockReason::WrongCredentials { code }),
            (Verdict::CantBeSent, _) => (id, BlockReason::CantBeSent { code }),
            // It was the one login that was allowed. Whoever allows another one takes that
            // back, and not what may still be said of these credentials.
            (_, Some(allowed)) => (allowed.id, BlockReason::BudgetSpent),
            _ => return,
        };
        self.refuse(name, tag, reason, Some(failure));
    }

    /// The credentials of a login or reset that counts.
    pub(super) fn tag_of(&self, id: OperationId) -> Option<Tag> {
        self.counted
            .iter()
            .find(|one| one.id == id)
            .map(|one| one.tag)
    }

    /// Remembers that these credentials are not to be used.
    pub(super) fn refuse(
        &mut self,
        id: OperationId,
        tag: Tag,
        reason: BlockReason,
        because: Option<Failure>,
    ) {
        if self.settled.contains(&Settled::Refused(id)) {
            return;
        }
        self.end_unblocking(tag);
        // The new refusal takes the place of earlier ones, for all who know of those.
        self.refused.retain(|refused| refused.id != id);
        self.accept(tag);
        self.refused.push_back(Refused {
            id,
            tag,
            reason,
            because,
        });
        if self.refused.len() > MAX_REFUSED {
            self.refused.pop_front();
        }
    }

    /// Notes that a login succeeded: the platform starts its count anew, and so
    /// does the guard. Nothing counts any more that had begun before it.
    pub(super) fn succeed(&mut self, operation: &Operation) {
        let Operation { id, password, .. } = *operation;
        let (before, after) = std::mem::take(&mut self.counted)
            .into_iter()
            .partition(|one| one.id <= id);
        self.counted = after;
        for one in before {
            self.settle(Settled::Counted(one.id));
        }
        self.settle(Settled::Counted(id));
        self.settle_doubts(|doubt| doubt.reset <= id);
        self.accept(password);
        self.end_unblocking(password);
        // The one login that was allowed of other credentials was made.
        let is_used = |one: &mut Unblocked| one.login.is_some_and(|login| login <= id);
        if let Some(used) = self.unblocked.take_if(is_used) {
            self.settle(Settled::Unblocked(used.id));
        }
        self.checks = Checks::default();
        self.last_failure = None;
    }

    /// Forgets that these credentials were refused.
    pub(super) fn accept(&mut self, tag: Tag) {
        let (accepted, refused) = std::mem::take(&mut self.refused)
            .into_iter()
            .partition(|refused| refused.tag == tag);
        self.refused = refused;
        for one in Vec::from(accepted) {
            self.settle(Settled::Refused(one.id));
        }
    }

    /// Allows one login with these credentials, whatever has failed before. It does
    /// not add up.
    pub(super) fn unblock(&mut self, id: OperationId, tag: Tag) {
        self.accept(tag);
        if let Some(earlier) = self.unblocked.replace(Unblocked {
            id,
            tag,
            login: None,
        }) {
            self.settle(Settled::Unblocked(earlier.id));
        }
    }

    /// The name of the unblocking that is in force.
    pub(super) fn unblocking(&self) -> Option<OperationId> {
        self.unblocked.map(|unblocked| unblocked.id)
    }

    /// Returns true if somebody has allowed one login with these credentials, and none was
    /// made.
    pub(super) fn is_unblocked(&self, tag: Tag) -> bool {
        self.unblocked
            .is_some_and(|unblocked| unblocked.tag == tag && unblocked.login.is_none())
    }

    fn end_unblocking(&mut self, tag: Tag) {
        if let Some(ended) = self.unblocked.take_if(|unblocked| unblocked.tag == tag) {
            self.settle(Settled::Unblocked(ended.id));
        }
    }

    /// Notes that this reset leaves the password in doubt.
    pub(super) fn doubt(&mut self, reset: OperationId) {
        self.settled
            .retain(|settled| *settled != Settled::Doubt(reset));
        if !self.is_in_doubt_of(reset) {
            self.doubts.push(Doubt {
                reset,
                awaits_confirmation: false,
            });
            self.doubts.sort_by_key(|doubt| doubt.reset);
        }
    }

    /// Notes that a reset has come to an end that leaves the password in doubt: whoever
    /// unblocked the guard before did not know that.
    pub(super) fn remain_in_doubt(&mut self) {
        if let Some(ended) = self.unblocked.take() {
            self.settle(Settled::Unblocked(ended.id));
        }
    }

    /// Notes that the new password of this reset came.
    pub(super) fn await_confirmation(&mut self, reset: OperationId) {
        self.remain_in_doubt();
        for doubt in &mut self.doubts {
            doubt.awaits_confirmation |= doubt.reset == reset;
        }
    }

    /// Returns true if the password is in doubt because of this reset, among
    /// others.
    pub(super) fn is_in_doubt_of(&self, reset: OperationId) -> bool {
        self.doubts.iter().any(|doubt| doubt.reset == reset)
    }

    /// Returns true if the new password of this reset came and is not confirmed yet.
    pub(super) fn awaits_confirmation(&self, reset: OperationId) -> bool {
        let mut doubts = self.doubts.iter();
        doubts.any(|doubt| doubt.reset == reset && doubt.awaits_confirmation)
    }

    /// Returns true if this is the last of the resets that leave the password in
    /// doubt.
    pub(super) fn is_last_in_doubt(&self, reset: OperationId) -> bool {
        self.doubts.last().is_some_and(|doubt| doubt.reset == reset)
    }

    /// Returns true if a reset leaves the password in doubt.
    pub(super) fn is_in_doubt(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// Returns true if this reset alone leaves the password in doubt.
    pub(super) fn is_in_doubt_only_of(&self, reset: OperationId) -> bool {
        self.doubts.iter().all(|doubt| doubt.reset == reset)
    }

    /// Takes back that this reset leaves the password in doubt, whether that is known
    /// here or in a store alone.
    pub(super) fn end_doubt(&mut self, reset: OperationId) {
        self.settle_doubts(|doubt| doubt.reset == reset);
        self.settle(Settled::Doubt(reset));
    }

    /// Takes back every doubt: the password is known, unless this reset, which is in
    /// progress, changes it.
    pub(super) fn end_doubts(&mut self, in_progress: Option<OperationId>) {
        self.settle_doubts(|doubt| in_progress != Some(doubt.reset));
    }

    fn settle_doubts(&mut self, mut ended: impl FnMut(&Doubt) -> bool) {
        let (ended, doubts): (Vec<_>, _) = std::mem::take(&mut self.doubts)
            .into_iter()
            .partition(|doubt| ended(doubt));
        self.doubts = doubts;
        for one in ended {
            self.settle(Settled::Doubt(one.reset));
        }
    }

    /// The service checks since the last login that failed.
    pub(super) const fn checks_mut(&mut self) -> &mut Checks {
        &mut self.checks
    }

    /// The last login or reset that failed or was lost.
    pub(super) const fn last_failure(&self) -> Option<&Failure> {
        self.last_failure.as_ref()
    }

    /// Keeps a clock that was set back from prolonging anything. Returns true if it
    /// was.
    #[inline]
    pub(super) fn rebase(&mut self, now: Timestamp) -> bool {
        let has_failed = self.last_failure.is_some() || !self.refused.is_empty();
        let mut rebased = self.checks.rebase(now);
        if !has_failed && self.counted.is_empty() {
            return rebased;
        }
        for one in &mut self.counted {
            rebased |= one.at > now;
            one.at = one.at.min(now);
        }
        for failure in self.failures_mut() {
            rebased |= failure.rebase(now);
        }
        rebased
    }

    /// The guard as seen by another clock.
    pub(super) fn shifted(mut self, shift: Shift) -> Self {
        for one in &mut self.counted {
            one.at = shift.of(one.at);
        }
        for one in &mut self.refused {
            one.because = one.because.take().map(|failure| failure.shifted(shift));
        }
        self.checks = self.checks.shifted(shift);
        self.last_failure = self.last_failure.map(|failure| failure.shifted(shift));
        self
    }

    fn failures_mut(&mut self) -> impl Iterator<Item = &mut Failure> {
        let refused = self.refused.iter_mut().map(|one| &mut one.because);
        refused
            .chain([&mut self.last_failure])
            .filter_map(Option::as_mut)
    }

    /// Takes over what others know: whatever counts or is refused counts and is
    /// refused here, and whatever was taken back by one is taken back by both.
    ///
    /// `own` is the password in use here, by another salt if theirs is another one.
    pub(super) fn merge(&mut self, mut theirs: Self, own: impl Fn(u64) -> Tag) {
        if theirs.salt != self.salt {
            // Two lives that began apart. Of tags with the one salt, only the one in use
            // can be known again with the other.
            let (here, there) = (own(self.salt), own(theirs.salt));
            self.retag(here, there);
            self.salt = theirs.salt;
        }
        for settled in std::mem::take(&mut theirs.settled) {
            self.settle(settled);
        }
        for one in theirs.counted {
            match self.counted.iter_mut().find(|other| other.id == one.id) {
                Some(other) => {
                    other.verdict = other.verdict.max(one.verdict);
                    other.at = other.at.max(one.at);
                }
                None => self.counted.push(one),
            }
        }
        for one in theirs.refused {
            if !self.refused.iter().any(|other| other.id == one.id) {
                self.refused.push_back(one);
            }
        }
        for one in theirs.doubts {
            match self
                .doubts
                .iter_mut()
                .find(|other| other.reset == one.reset)
            {
                Some(other) => other.awaits_confirmation |= one.awaits_confirmation,
                None => self.doubts.push(one),
            }
        }
        // What was taken back makes no way for what is in force.
        for unblocked in [&mut self.unblocked, &mut theirs.unblocked] {
            unblocked.take_if(|one| self.settled.contains(&Settled::Unblocked(one.id)));
            if let Some(one) = unblocked {
                one.login
                    .take_if(|login| self.settled.contains(&Settled::Counted(*login)));
            }
        }
        if let Some(one) = theirs.unblocked {
            // They do not add up: the earlier one is over for everybody.
            match self.unblocked {
                Some(other) if other.id == one.id => {
                    let login = other.login.max(one.login);
                    self.unblocked = Some(Unblocked { login, ..one });
                }
                Some(other) if other.id > one.id => self.settle(Settled::Unblocked(one.id)),
                other => {
                    self.unblocked = Some(one);
                    if let Some(other) = other {
                        self.settle(Settled::Unblocked(other.id));
                    }
                }
            }
        }
        self.take_back();
        self.checks = std::mem::take(&mut self.checks).merged(theirs.checks);
        self.last_failure = match (self.last_failure.take(), theirs.last_failure) {
            (Some(mine), Some(other)) if other.at() > mine.at() => Some(other),
            (mine, other) => mine.or(other),
        }
        .filter(|_| !(self.counted.is_empty() && self.refused.is_empty()));
    }

    /// Returns true if others count, or take as refused or in doubt, something else.
    pub(super) fn differs_from(&self, other: &Self) -> bool {
        let counts = |guard: &Self, id| guard.counted.iter().any(|one| one.id == id);
        let refuses = |guard: &Self, id| guard.refused.iter().any(|one| one.id == id);
        self.counted.len() != other.counted.len()
            || self.counted.iter().any(|one| !counts(other, one.id))
            || self.refused.len() != other.refused.len()
            || self.refused.iter().any(|one| !refuses(other, one.id))
            || self.doubts != other.doubts
            || self.unblocked.map(|one| (one.id, one.login))
                != other.unblocked.map(|one| (one.id, one.login))
    }

    /// Returns true if others know all of this, the times left aside.
    pub(super) fn is_known_to(&self, other: &Self) -> bool {
        let judges_alike = |mine: &Counted| {
            let theirs = other.counted.iter().find(|one| one.id == mine.id);
            theirs.is_some_and(|theirs| theirs.verdict == mine.verdict)
        };
        let is_alike = match (&self.last_failure, &other.last_failure) {
            (Some(mine), Some(theirs)) => mine.is_like(theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        };
        !self.differs_from(other)
            && self.counted.iter().all(judges_alike)
            && self.settled.iter().all(|one| other.settled.contains(one))
            && self.checks.are_as_many_as(&other.checks)
            && is_alike
    }

    /// Takes back all that is settled, and keeps what there may be of the rest.
    fn take_back(&mut self) {
        let settled = &self.settled;
        self.counted
            .retain(|one| !settled.contains(&Settled::Counted(one.id)));
        self.refused
            .retain(|one| !settled.contains(&Settled::Refused(one.id)));
        self.doubts
            .retain(|one| !settled.contains(&Settled::Doubt(one.reset)));
        self.unblocked
            .take_if(|one| settled.contains(&Settled::Unblocked(one.id)));
        if let Some(unblocked) = &mut self.unblocked {
            let was_refunded = |login: &mut _| settled.contains(&Settled::Counted(*login));
            unblocked.login.take_if(was_refunded);
        }
        self.counted.sort_by_key(|one| one.id);
        self.doubts.sort_by_key(|one| one.reset);
        let excess = self.counted.len().saturating_sub(MAX_COUNTED);
        self.counted.drain(..excess);
        let excess = self.refused.len().saturating_sub(MAX_REFUSED);
        self.refused.drain(..excess);
    }

    /// Gives the password in use another tag, and forgets the tags of all others.
    fn retag(&mut self, here: Tag, there: Tag) {
        for one in &mut self.counted {
            if one.tag == here {
                one.tag = there;
            }
        }
        self.refused.retain_mut(|one| {
            let is_own = one.tag == here;
            one.tag = there;
            is_own
        });
        match &mut self.unblocked {
            Some(unblocked) if unblocked.tag == here => unblocked.tag = there,
            other => *other = None,
        }
    }

    pub(super) fn is_impossible(&self, saved_at: Timestamp) -> bool {
        self.salt == 0
            || self.counted.len() > MAX_COUNTED
            || self.settled.len() > MAX_SETTLED
            || !self.settled.iter().is_sorted_by_key(Settled::place)
            || self.counted.iter().any(|one| one.at > saved_at)
            || self.failures().any(|failure| failure.at() > saved_at)
            || self.checks.is_impossible(saved_at)
    }

    fn failures(&self) -> impl Iterator<Item = &Failure> {
        let refused = self.refused.iter().map(|one| &one.because);
        refused
            .chain([&self.last_failure])
            .filter_map(Option::as_ref)
    }

    /// The greatest number of an operation that is known here.
    pub(super) fn greatest_number(&self) -> u64 {
        let counted = self.counted.iter().map(|one| one.id.number);
        let doubts = self.doubts.iter().map(|one| one.reset.number);
        let unblocked = self
            .unblocked
            .iter()
            .map(|one| one.id.number.saturating_sub(1));
        counted
            .chain(doubts)
            .chain(unblocked)
            .max()
            .unwrap_or_default()
    }

    fn counted_of(&self, tag: Tag) -> impl Iterator<Item = &Counted> {
        self.counted.iter().filter(move |one| one.tag == tag)
    }

    /// Remembers that this was taken back. In the order of the ids, and the oldest are
    /// forgotten first, so that it makes no difference who told whom first.
    fn settle(&mut self, settled: Settled) {
        let place = self
            .settled
            .partition_point(|one| one.place() < settled.place());
        if self.settled.get(place) == Some(&settled) {
            return;
        }
        self.settled.insert(place, settled);
        if self.settled.len() > MAX_SETTLED {
            self.settled.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Password, session::failure::Reason};

    fn tag(password: &str) -> Tag {
        Tag::of(&Password::new(password).unwrap(), 7)
    }

    fn id(number: u64) -> OperationId {
        OperationId { number, nonce: 7 }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + 1000 * seconds)
    }

    fn guard() -> Guard {
        Guard {
            salt: 7,
            ..Guard::default()
        }
    }

    /// The state for the password `IMgr8`.
    fn state(guard: &Guard) -> LoginGuard {
        guard.state(tag("IMgr8"), false, &Settings::default())
    }

    fn permission(guard: &Guard) -> Permission {
        guard.permission(tag("IMgr8"), false, &Settings::default())
    }

    fn operation(number: u64, kind: OperationKind, password: &str) -> Operation {
        Operation {
            id: id(number),
            kind,
            sent_at: at(number),
            bearer: OperationId::default(),
            session: OperationId::default(),
            password: tag(password),
        }
    }

    /// A login with this password begins, at as many seconds as its number says.
    fn logs_in(guard: &mut Guard, number: u64, password: &str) {
        guard.count(&operation(number, OperationKind::LogIn, password));
    }

    fn resets(guard: &mut Guard, number: u64) {
        guard.count(&operation(number, OperationKind::PasswordReset, "IMgr8"));
    }

    /// A login with this password fails at once.
    fn fails(guard: &mut Guard, number: u64, password: &str, verdict: Verdict) {
        logs_in(guard, number, password);
        let failure = Failure::of(OperationKind::LogIn, at(number), Reason::Unknown);
        guard.fail(id(number), tag(password), verdict, failure);
    }

    const WRONG: BlockReason = BlockReason::WrongCredentials { code: None };

    #[test]
    fn law_2_what_a_login_means_decides_when_the_next_is_made() {
        let probe = |due, may_be_early| Permission::Probe { due, may_be_early };
        let mut guard = guard();
        assert_eq!(permission(&guard), Permission::From(Timestamp::default()));
        fails(&mut guard, 100, "IMgr8", Verdict::Uncertain);
        assert_eq!(permission(&guard), Permission::From(at(130)));
        fails(&mut guard, 200, "IMgr8", Verdict::Uncertain);
        assert_eq!(permission(&guard), probe(at(200 + 1800), true));
        fails(&mut guard, 300, "IMgr8", Verdict::Uncertain);
        assert_eq!(permission(&guard), probe(at(300 + 7200), false));
        fails(&mut guard, 400, "IMgr8", Verdict::Uncertain);
        let spent = Permission::Blocked(BlockReason::BudgetSpent);
        assert_eq!(permission(&guard), spent);
    }

    #[test]
    fn law_2_the_guard_is_blocked_when_the_budget_is_spent() {
        let mut guard = guard();
        fails(&mut guard, 1, "IMgr8", Verdict::Judged);
        assert_eq!(
            (state(&guard).attempts_left, state(&guard).blocked),
            (1, None)
        );
        fails(&mut guard, 2, "IMgr8", Verdict::Uncertain);
        assert_eq!(state(&guard).blocked, Some(BlockReason::BudgetSpent));
        guard.refund(id(2));
        assert_eq!(state(&guard).blocked, None);
        guard.succeed(&operation(3, OperationKind::LogIn, "IMgr8"));
        assert_eq!(state(&guard).failed_logins, 0);
    }

    #[test]
    fn law_2_a_login_counts_once_whatever_is_heard_of_it() {
        let mut guard = guard();
        logs_in(&mut guard, 1, "IMgr8");
        logs_in(&mut guard, 1, "IMgr8");
        assert_eq!(state(&guard).failed_logins, 1);
        let failure = |seconds| Failure::of(OperationKind::LogIn, at(seconds), Reason::Unknown);
        for verdict in [Verdict::Judged, Verdict::Uncertain] {
            guard.fail(id(1), tag("IMgr8"), verdict, failure(50));
        }
        assert_eq!(state(&guard).failed_logins, 1);
        // What is certain stays so.
        logs_in(&mut guard, 2, "IMgr8");
        assert_eq!(state(&guard).blocked, Some(BlockReason::BudgetSpent));
        for _ in 0..2 {
            guard.refund(id(1));
            assert_eq!(state(&guard).failed_logins, 1);
        }
    }

    #[test]
    fn law_3_credentials_that_are_refused_are_blocked_and_no_others() {
        let mut guard = guard();
        fails(&mut guard, 1, "IMgr8", Verdict::WrongCredentials);
        assert_eq!(state(&guard).blocked, Some(WRONG));
        fails(&mut guard, 2, "other", Verdict::CantBeSent);
        let settings = &Settings::default();
        let other = guard.state(tag("other"), false, settings);
        assert_eq!(other.blocked, Some(BlockReason::CantBeSent { code: None }));
        let third = guard.state(tag("third"), false, settings);
        assert_eq!((third.failed_logins, third.attempts_left), (2, 2));
        assert_eq!((third.blocked, third.next_login), (None, None));
        // A success with another one says nothing about them.
        guard.succeed(&operation(3, OperationKind::LogIn, "third"));
        assert_eq!(state(&guard).blocked, Some(WRONG));
        guard.succeed(&operation(4, OperationKind::LogIn, "IMgr8"));
        assert_eq!(state(&guard).blocked, None);
    }

    #[test]
    fn law_2_only_unblocking_allows_the_login_that_could_lock_the_user_name() {
        let mut guard = guard();
        for (number, left) in [(1, 2), (2, 2), (3, 1), (4, 0)] {
            fails(&mut guard, number, &number.to_string(), Verdict::Uncertain);
            assert_eq!(state(&guard).attempts_left, left);
        }
        assert_eq!(state(&guard).blocked, Some(BlockReason::BudgetSpent));
        for number in 5..10 {
            guard.unblock(id(number), tag("IMgr8"));
            assert_eq!(state(&guard).attempts_left, 1);
        }
        assert_eq!(
            state(&guard).failed_logins,
            4,
            "the platform's count goes on"
        );
        logs_in(&mut guard, 10, "IMgr8");
        assert_eq!(state(&guard).blocked, Some(BlockReason::BudgetSpent));
    }

    #[test]
    fn law_3_an_unblock_is_one_login_that_is_judged() {
        let unblocked = || {
            let mut guard = guard();
            fails(&mut guard, 1, "IMgr8", Verdict::WrongCredentials);
            guard.unblock(id(2), tag("IMgr8"));
            assert_eq!(state(&guard).attempts_left, 1);
            guard
        };
        for (verdict, reason) in [
            (Verdict::Uncertain, BlockReason::BudgetSpent),
            (Verdict::Judged, BlockReason::BudgetSpent),
            (Verdict::WrongCredentials, WRONG),
        ] {
            let mut guard = unblocked();
            fails(&mut guard, 3, "IMgr8", verdict);
            assert_eq!(state(&guard).blocked, Some(reason));
        }
        let mut guard = unblocked();
        for number in 3..6 {
            logs_in(&mut guard, number, "IMgr8");
            guard.refund(id(number));
            assert_eq!(state(&guard).attempts_left, 1, "it was not judged");
        }
        // One that others use up is none of theirs.
        logs_in(&mut guard, 6, "other");
        assert_eq!(state(&guard).attempts_left, 1);
        // A success leaves nothing of it.
        guard.succeed(&operation(7, OperationKind::LogIn, "IMgr8"));
        assert_eq!(guard.unblocked, None);
    }

    #[test]
    fn law_8_a_reset_leaves_the_password_in_doubt_until_it_is_known() {
        let mut guard = guard();
        resets(&mut guard, 1);
        assert_eq!(state(&guard).blocked, Some(BlockReason::PasswordInDoubt));
        assert_eq!(state(&guard).failed_logins, 1);
        guard.settle_success(id(1));
        guard.await_confirmation(id(1));
        let awaiting = Some(BlockReason::AwaitingConfirmation);
        assert_eq!(state(&guard).blocked, awaiting);
        assert_eq!(state(&guard).failed_logins, 0);
        // Of another reset, nobody knows what comes.
        resets(&mut guard, 2);
        assert_eq!(state(&guard).blocked, Some(BlockReason::PasswordInDoubt));
        assert!(guard.is_last_in_doubt(id(2)) && !guard.is_last_in_doubt(id(1)));
        guard.end_doubt(id(2));
        assert_eq!(state(&guard).blocked, awaiting);
        guard.end_doubts(Some(id(1)));
        assert_eq!(state(&guard).blocked, awaiting, "that one is in progress");
        guard.end_doubts(None);
        assert_eq!(state(&guard).blocked, None);
    }

    #[test]
    fn a_success_settles_what_began_before_it_and_nothing_after() {
        let mut guard = guard();
        logs_in(&mut guard, 1, "IMgr8");
        resets(&mut guard, 2);
        logs_in(&mut guard, 3, "IMgr8");
        logs_in(&mut guard, 4, "IMgr8");
        guard.succeed(&operation(3, OperationKind::LogIn, "IMgr8"));
        assert_eq!(state(&guard).failed_logins, 1);
        assert_eq!(guard.tag_of(id(4)), Some(tag("IMgr8")));
        assert_eq!(guard.tag_of(id(1)), None);
        assert!(!guard.is_in_doubt());
    }

    #[test]
    fn the_last_refusals_are_remembered_and_the_oldest_forgotten() {
        let mut guard = guard();
        for number in 0..9 {
            fails(
                &mut guard,
                number,
                &number.to_string(),
                Verdict::WrongCredentials,
            );
        }
        guard.succeed(&operation(10, OperationKind::LogIn, "right"));
        let blocked = |password: &str| {
            guard
                .state(tag(password), false, &Settings::default())
                .blocked
        };
        assert_eq!(blocked("0"), None);
        for number in 1..9 {
            assert_eq!(blocked(&number.to_string()), Some(WRONG));
        }
    }

    #[test]
    fn law_15_a_merge_counts_what_either_counts_but_for_what_either_took_back() {
        let mut here = guard();
        logs_in(&mut here, 1, "IMgr8");
        logs_in(&mut here, 2, "IMgr8");
        resets(&mut here, 3);
        let mut there = here.clone();
        here.refund(id(1));
        fails(&mut here, 4, "other", Verdict::WrongCredentials);
        fails(&mut there, 2, "IMgr8", Verdict::WrongCredentials);
        there.end_doubt(id(3));
        fails(&mut there, 5, "IMgr8", Verdict::Uncertain);

        for (mut one, other) in [(here.clone(), there.clone()), (there, here)] {
            one.merge(other, |_| tag("IMgr8"));
            let counted: Vec<_> = one.counted.iter().map(|one| one.id.number).collect();
            assert_eq!(counted, [2, 3, 4, 5]);
            assert_eq!(state(&one).blocked, Some(WRONG));
            let other = one.state(tag("other"), false, &Settings::default());
            assert_eq!(other.blocked, Some(WRONG));
            assert!(!one.is_in_doubt());
            assert!(one.last_failure.is_some());
        }
    }

    #[test]
    fn law_15_an_unblock_that_is_used_up_is_given_by_no_merge_again() {
        let mut here = guard();
        fails(&mut here, 1, "IMgr8", Verdict::WrongCredentials);
        here.unblock(id(2), tag("IMgr8"));
        let store = here.clone();
        fails(&mut here, 3, "IMgr8", Verdict::Uncertain);
        here.merge(store, |_| tag("IMgr8"));
        assert_eq!(state(&here).blocked, Some(BlockReason::BudgetSpent));
    }

    #[test]
    fn law_3_of_two_unblockings_that_meet_the_earlier_one_never_comes_back() {
        let mut here = guard();
        fails(&mut here, 1, "IMgr8", Verdict::WrongCredentials);
        let mut there = here.clone();
        here.unblock(id(2), tag("IMgr8"));
        let mut third = here.clone();
        logs_in(&mut third, 3, "IMgr8");
        here.merge(third.clone(), |_| tag("IMgr8"));
        here.refund(id(3));
        there.unblock(id(4), tag("IMgr8"));
        here.merge(there, |_| tag("IMgr8"));
        logs_in(&mut here, 5, "IMgr8");
        here.succeed(&operation(5, OperationKind::LogIn, "IMgr8"));
        third.merge(here, |_| tag("IMgr8"));
        assert_eq!(third.unblocked, None);
    }

    #[test]
    fn law_12_a_clock_set_back_does_not_prolong_the_wait_for_a_login() {
        let mut guard = guard();
        fails(&mut guard, 100, "IMgr8", Verdict::Uncertain);
        assert!(guard.rebase(at(0)));
        assert!(!guard.rebase(at(0)));
        assert_eq!(permission(&guard), Permission::From(at(30)));
    }

    #[test]
    fn the_guard_says_what_unblocks_it() {
        let mut guard = guard();
        fails(&mut guard, 1, "IMgr8", Verdict::WrongCredentials);
        assert_eq!(
            state(&guard).to_string(),
            "the service says that the credentials are wrong; give other ones, or unblock the guard if you know that they are right (1 failed since the last success; the platform locks the user name at 5)"
        );
    }

    #[test]
    fn the_guard_says_what_it_waits_for() {
        let mut guard = guard();
        fails(&mut guard, 1, "IMgr8", Verdict::Uncertain);
        let rest = "since the last success; the platform locks the user name at 5";
        assert_eq!(
            state(&guard).to_string(),
            format!(
                "1 of the logins that may fail are left; check the credentials before the next (1 failed {rest})"
            )
        );
        fails(&mut guard, 2, "IMgr8", Verdict::Uncertain);
        let due = at(2 + 1800);
        assert_eq!(
            state(&guard).to_string(),
            format!(
                "logins had no usable response; the next one is made from {due} on, as soon as the API responds (2 failed {rest})"
            )
        );
    }

    #[test]
    fn law_15_a_merge_with_an_older_history_brings_nothing_to_life_again() {
        let tag = Tag::of(&Password::new("IMgr8").unwrap(), 7);
        let id = |number| OperationId { number, nonce: 7 };
        let counted = |number| Counted {
            id: id(number),
            tag,
            verdict: Verdict::Uncertain,
            at: Timestamp::default(),
        };
        let mut here = Guard::default();
        for number in 1..=200 {
            here.counted.push(counted(number));
            let store = here.clone();
            here.refund(id(number));
            // The store has not heard of it yet, and both have forgotten their oldest.
            here.merge(store, |_| tag);
            assert_eq!(here.counted, [], "{number}");
        }
    }

    #[test]
    fn law_3_a_late_word_about_the_credentials_counts_also_of_a_login_that_is_settled() {
        for verdict in [Verdict::WrongCredentials, Verdict::CantBeSent] {
            let mut guard = guard();
            logs_in(&mut guard, 1, "IMgr8");
            guard.refund(id(1));
            let failure = Failure::of(OperationKind::LogIn, at(1), Reason::Unknown);
            guard.fail(id(1), tag("IMgr8"), verdict, failure);
            assert!(matches!(permission(&guard), Permission::Blocked(_)));
        }
    }

    #[test]
    fn law_3_an_unblocking_of_other_credentials_ends_with_the_success_after_its_login() {
        let mut guard = guard();
        fails(&mut guard, 1, "other", Verdict::WrongCredentials);
        guard.unblock(id(2), tag("other"));
        logs_in(&mut guard, 3, "other");
        logs_in(&mut guard, 4, "IMgr8");
        let mut before = guard.clone();
        guard.succeed(&operation(4, OperationKind::LogIn, "IMgr8"));
        assert_eq!(guard.unblocking(), None);
        // One whose login was made later goes on.
        before.succeed(&operation(2, OperationKind::LogIn, "IMgr8"));
        assert_eq!(before.unblocking(), Some(id(2)));
    }

    #[test]
    fn law_2_a_doubt_brings_nothing_back_that_was_taken_back() {
        let mut there = guard();
        logs_in(&mut there, 1, "IMgr8");
        let mut here = there.clone();
        here.refund(id(1));
        here.doubt(id(2));
        here.merge(there, |_| tag("IMgr8"));
        assert_eq!(state(&here).failed_logins, 0);
    }

    #[test]
    fn law_3_of_two_unblockings_the_later_one_is_in_force_whoever_gave_it() {
        let unblocked = |number| {
            let mut guard = guard();
            guard.unblock(id(number), tag("IMgr8"));
            guard
        };
        for (here, there) in [(2, 3), (3, 2)] {
            let mut merged = unblocked(here);
            merged.merge(unblocked(there), |_| tag("IMgr8"));
            assert_eq!(merged.unblocking(), Some(id(3)));
        }
    }

    #[test]
    fn law_3_an_unblocking_is_for_one_login_whoever_has_refused_the_password_meanwhile() {
        let mut here = guard();
        here.unblock(id(3), tag("IMgr8"));
        logs_in(&mut here, 4, "IMgr8");
        let mut there = guard();
        fails(&mut there, 1, "IMgr8", Verdict::WrongCredentials);
        fails(&mut there, 2, "other", Verdict::WrongCredentials);
        here.merge(there, |_| tag("IMgr8"));
        let is_refused = |password, login| here.is_refused(tag(password), id(login));
        assert!(!is_refused("IMgr8", 4));
        assert!(is_refused("IMgr8", 5));
        assert!(is_refused("other", 4));
    }

    #[test]
    fn a_reset_is_alone_in_doubt_unless_another_is_too() {
        let mut guard = guard();
        resets(&mut guard, 1);
        guard.doubt(id(1));
        assert!(guard.is_in_doubt_only_of(id(1)));
        guard.doubt(id(2));
        assert!(!guard.is_in_doubt_only_of(id(1)));
    }

    #[test]
    fn as_much_as_may_be_is_remembered_of_what_was_taken_back() {
        let mut guard = guard();
        for number in (1..).take(MAX_SETTLED) {
            logs_in(&mut guard, number, "IMgr8");
            guard.refund(id(number));
        }
        assert_eq!(guard.settled.len(), MAX_SETTLED);
        assert!(guard.settled.contains(&Settled::Counted(id(1))));
        guard.settle(Settled::Counted(id(1000)));
        assert_eq!(guard.settled.len(), MAX_SETTLED);
        assert!(!guard.settled.contains(&Settled::Counted(id(1))));
    }
}
