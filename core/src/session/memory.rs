//! The memory of a session: everything that outlives the process.

use serde::{Deserialize, Serialize};

use super::{
    cooldown::Cooldown,
    failure::Failure,
    guard::Guard,
    nullable,
    operation::{Lease, Operation, OperationId, OperationKind},
    settings::GREATEST_NUMBER,
    span::{Shift, Span},
    tag::Tag,
};
use crate::{BearerToken, SessionToken, Timestamp};

/// Everything that outlives the process.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Grows with every change. The process's own, as the next one.
    #[serde(skip)]
    pub(super) version: u64,
    /// Grows with every change that must not be lost: all but the time of the last
    /// use.
    #[serde(skip)]
    pub(super) changes: u64,
    /// The number of operations that have begun. Tokens carry the name of the
    /// operation that brought them: their generation.
    pub(super) operations: u64,
    /// The last operation whose result came: another result of it changes nothing.
    pub(super) settled: OperationId,
    /// The lease of the operation in progress.
    #[serde(deserialize_with = "nullable::present")]
    pub(super) lease: Option<Lease>,
    #[serde(deserialize_with = "nullable::present")]
    pub(super) bearer: Option<Bearer>,
    #[serde(deserialize_with = "nullable::present")]
    pub(super) open: Option<Open>,
    /// The last bearer token that was refused, and the last session that was refused
    /// or ended: neither comes back by a merge.
    pub(super) ended_bearer: OperationId,
    pub(super) ended_session: OperationId,
    /// The password epoch: the number of other passwords that resets have
    /// brought, or callers have given.
    pub(super) password_epoch: u64,
    /// The password that began it.
    #[serde(deserialize_with = "nullable::present")]
    pub(super) epoch_password: Option<Tag>,
    pub(super) guard: Guard,
    pub(super) cooldown: Cooldown,
    /// The time at which the last session was refused that had not been ended on purpose.
    #[serde(deserialize_with = "nullable::present")]
    pub(super) cooled_at: Option<Timestamp>,
    /// The time for which 401s that name nothing open no further login.
    #[serde(deserialize_with = "nullable::present")]
    pub(super) unnamed: Option<Span>,
    /// The time for which no other bearer token is fetched for a 401 that names nothing.
    #[serde(deserialize_with = "nullable::present")]
    pub(super) suspected: Option<Span>,
    /// The number of token fetches and logins in a row that failed in a way that
    /// may pass.
    pub(super) failures: u32,
    #[serde(deserialize_with = "nullable::present")]
    pub(super) delay: Option<Delay>,
    #[serde(deserialize_with = "nullable::present")]
    pub(super) failed: Option<FailedOperation>,
}

/// A bearer token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bearer {
    pub(super) token: BearerToken,
    pub(super) generation: OperationId,
    pub(super) renew_at: Timestamp,
}

/// An open session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) token: SessionToken,
    pub(super) generation: OperationId,
    pub(super) since: Timestamp,
    pub(super) used: Timestamp,
    /// The last use that the version reported.
    pub(super) reported: Timestamp,
}

/// A delay of the next token fetch or login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Delay {
    /// Token fetches or logins failed in a way that may pass.
    Backoff { span: Span, because: Failure },
    /// Sessions keep being refused right after login.
    Cooldown { span: Span, because: Failure },
}

/// The last token fetch or login that failed, for those who waited for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FailedOperation {
    pub(super) operation: OperationId,
    /// The password of its process: a login with another one is another matter.
    pub(super) password: Tag,
    pub(super) failure: Failure,
}

impl Memory {
    /// Lets the version grow: the snapshot has changed.
    pub(super) fn touch(&mut self) {
        self.version = self.version.saturating_add(1);
        self.changes = self.changes.saturating_add(1);
    }

    /// Lets the version grow: the session was used, and nothing else has changed.
    pub(super) fn touch_use(&mut self) {
        self.version = self.version.saturating_add(1);
    }

    /// Begins an operation: it holds the lease, and a login or reset counts. Once
    /// more changes nothing.
    pub(super) fn begin(&mut self, operation: &Operation, lease: Span) {
        let Operation { id, kind, .. } = *operation;
        self.operations = self.operations.max(id.number);
        self.lease = Some(Lease {
            operation: id,
            kind,
            span: lease,
        });
        if matches!(kind, OperationKind::LogIn | OperationKind::PasswordReset) {
            self.guard.count(operation);
        }
        self.touch();
    }

    /// Ends the bearer token.
    pub(super) fn end_bearer(&mut self) {
        if let Some(ended) = self.bearer.take() {
            self.ended_bearer = self.ended_bearer.max(ended.generation);
        }
    }

    /// Ends the open session.
    pub(super) fn end_session(&mut self) {
        if let Some(ended) = self.open.take() {
            self.ended_session = self.ended_session.max(ended.generation);
        }
    }

    /// The memory as seen by another clock.
    pub(super) fn shifted(self, shift: Shift) -> Self {
        Self {
            lease: self.lease.map(|lease| Lease {
                span: lease.span.shifted(shift),
                ..lease
            }),
            bearer: self.bearer.map(|bearer| Bearer {
                renew_at: shift.of(bearer.renew_at),
                ..bearer
            }),
            open: self.open.map(|open| Open {
                since: shift.of(open.since),
                used: shift.of(open.used),
                reported: shift.of(open.reported),
                ..open
            }),
            cooled_at: self.cooled_at.map(|at| shift.of(at)),
            unnamed: self.unnamed.map(|span| span.shifted(shift)),
            suspected: self.suspected.map(|span| span.shifted(shift)),
            guard: self.guard.shifted(shift),
            delay: self.delay.map(|delay| delay.shifted(shift)),
            failed: self.failed.map(|failed| FailedOperation {
                failure: failed.failure.shifted(shift),
                ..failed
            }),
            ..self
        }
    }

    /// Keeps a clock that was set back from prolonging anything. Returns true if that
    /// changed more than the times of the open session, which calls that come in turn
    /// may have read a moment before each other.
    pub(super) fn rebase(&mut self, now: Timestamp) -> bool {
        let mut rebased = self.guard.rebase(now);
        if let Some(delay) = &mut self.delay {
            rebased |= delay.span_mut().rebase(now);
            rebased |= delay.because_mut().rebase(now);
        }
        if let Some(lease) = &mut self.lease {
            rebased |= lease.span.rebase(now);
        }
        if let Some(failed) = &mut self.failed {
            rebased |= failed.failure.rebase(now);
        }
        if let Some(at) = &mut self.cooled_at {
            rebased |= *at > now;
            *at = (*at).min(now);
        }
        if let Some(unnamed) = &mut self.unnamed {
            rebased |= unnamed.rebase(now);
        }
        if let Some(suspected) = &mut self.suspected {
            rebased |= suspected.rebase(now);
        }
        if let Some(open) = &mut self.open {
            let times = [&mut open.since, &mut open.used, &mut open.reported];
            let is_ahead = times.iter().any(|at| **at > now);
            for at in times {
                *at = (*at).min(now);
            }
            if is_ahead {
                self.touch_use();
            }
        }
        rebased
    }

    /// Takes over what others know, by this clock.
    ///
    /// `own` is the password in use here, by the salt of a guard; `in_flight` the
    /// operation that this process has sent and has no result of; `ended` are its
    /// operations of which nothing more will be heard.
    pub(super) fn merge(
        &mut self,
        theirs: Self,
        own: impl Fn(u64) -> Tag,
        in_flight: Option<OperationId>,
        ended: impl Fn(OperationId) -> bool,
    ) {
        let before = self.clone();
        // What only describes the way to the next operation is taken from those who have
        // gone farther on it.
        if (theirs.operations, theirs.settled) >= (self.operations, self.settled) {
            self.cooldown = theirs.cooldown;
            self.cooled_at = theirs.cooled_at;
            self.failures = theirs.failures;
            self.delay = theirs.delay;
            self.failed = theirs.failed;
        } else if theirs.guard.salt != self.guard.salt {
            self.failed
                .take_if(|failed| failed.password != own(self.guard.salt));
            if let Some(failed) = &mut self.failed {
                failed.password = own(theirs.guard.salt);
            }
        }
        // Who has never seen an operation begin knows nothing of its end either.
        let have_not_seen = |lease: &Lease| theirs.operations < lease.operation.number;
        let mine = self
            .lease
            .filter(|lease| in_flight == Some(lease.operation) || have_not_seen(lease));
        self.operations = self.operations.max(theirs.operations);
        self.settled = self.settled.max(theirs.settled);
        if theirs.password_epoch > self.password_epoch {
            self.password_epoch = theirs.password_epoch;
            self.epoch_password = theirs.epoch_password;
        } else if theirs.guard.salt != self.guard.salt {
            let is_own = self.epoch_password == Some(own(self.guard.salt));
            self.epoch_password = is_own.then(|| own(theirs.guard.salt));
        }
        self.unnamed = newer(self.unnamed, theirs.unnamed, Span::end);
        self.suspected = newer(self.suspected, theirs.suspected, Span::end);
        self.guard.merge(theirs.guard, &own);
        self.ended_bearer = self.ended_bearer.max(theirs.ended_bearer);
        self.ended_session = self.ended_session.max(theirs.ended_session);
        self.bearer = newer(self.bearer.take(), theirs.bearer, |bearer| {
            bearer.generation
        });
        self.bearer
            .take_if(|bearer| bearer.generation <= self.ended_bearer);
        let other = theirs.open.as_ref();
        if let Some(mine) = &mut self.open {
            if let Some(other) = other.filter(|other| other.generation == mine.generation) {
                mine.used = mine.used.max(other.used);
                mine.reported = mine.reported.max(other.reported);
            }
        }
        self.open = newer(self.open.take(), theirs.open, |open| open.generation);
        self.open
            .take_if(|open| open.generation <= self.ended_session);
        let holds_on = |lease: &Lease| {
            !ended(lease.operation) || self.guard.awaits_confirmation(lease.operation)
        };
        let other = theirs.lease.filter(holds_on);
        self.lease = match mine.filter(holds_on) {
            Some(mine) if other.is_none_or(|other| other.operation <= mine.operation) => Some(mine),
            _ => other,
        };
        self.version = before.version;
        if *self != before {
            self.touch_use();
        }
    }

    /// Returns true if an operation is known here that has begun: what a new process has
    /// decided by itself does not count.
    pub(super) fn has_seen_operations(&self) -> bool {
        self.settled != OperationId::default()
            || self.lease.is_some()
            || self.guard.greatest_number() > 0
    }

    /// Returns true if others lack something that matters of what is known here, once
    /// that is merged with what they know.
    pub(super) fn knows_more_than(&self, theirs: &Self) -> bool {
        let bearer = |memory: &Self| memory.bearer.as_ref().map(|bearer| bearer.generation);
        let open = |memory: &Self| memory.open.as_ref().map(|open| open.generation);
        self.operations > theirs.operations
            || self.password_epoch > theirs.password_epoch
            || self.ended_bearer > theirs.ended_bearer
            || self.ended_session > theirs.ended_session
            || bearer(self) > bearer(theirs)
            || open(self) > open(theirs)
            || self.guard.differs_from(&theirs.guard)
    }

    /// Returns true if others know all of this, once that is merged with what they know:
    /// the last use and the rounding of clocks left aside.
    pub(super) fn is_known_to(&self, theirs: &Self) -> bool {
        let lease = |memory: &Self| memory.lease.map(|lease| lease.operation);
        !self.knows_more_than(theirs)
            && lease(self) == lease(theirs)
            && self.settled == theirs.settled
            && self.epoch_password == theirs.epoch_password
            && self.guard.is_known_to(&theirs.guard)
            // These are taken as they are.
            && self.cooldown == theirs.cooldown
            && self.cooled_at == theirs.cooled_at
            && self.failures == theirs.failures
            && self.delay == theirs.delay
            && self.failed == theirs.failed
            && self.unnamed.is_some() == theirs.unnamed.is_some()
            && self.suspected.is_some() == theirs.suspected.is_some()
    }

    /// Returns true if no honest process can have saved this then.
    pub(super) fn is_impossible(&self, saved_at: Timestamp) -> bool {
        let numbers = [
            self.settled.number,
            self.ended_bearer.number,
            self.ended_session.number,
            self.lease.map_or(0, |lease| lease.operation.number),
            self.bearer
                .as_ref()
                .map_or(0, |bearer| bearer.generation.number),
            self.open.as_ref().map_or(0, |open| open.generation.number),
            self.failed
                .as_ref()
                .map_or(0, |failed| failed.operation.number),
            self.guard.greatest_number(),
        ];
        self.operations > GREATEST_NUMBER
            || self.password_epoch > GREATEST_NUMBER
            || numbers.iter().any(|number| *number > self.operations)
            || self
                .lease
                .is_some_and(|lease| lease.span.is_impossible(saved_at))
            || self.delay.as_ref().is_some_and(|delay| {
                delay.span().is_impossible(saved_at) || delay.because().at() > saved_at
            })
            || self
                .failed
                .as_ref()
                .is_some_and(|failed| failed.failure.at() > saved_at)
            || self
                .open
                .as_ref()
                .is_some_and(|open| open.since.max(open.used).max(open.reported) > saved_at)
            || self.cooled_at.is_some_and(|at| at > saved_at)
            || [self.unnamed, self.suspected]
                .iter()
                .flatten()
                .any(|span| span.is_impossible(saved_at))
            || self.guard.is_impossible(saved_at)
    }

    pub(super) fn open_of(&mut self, generation: OperationId) -> Option<&mut Open> {
        self.open
            .as_mut()
            .filter(|open| open.generation == generation)
    }

    /// The delay that is not over yet, and its end.
    pub(super) fn delay(&self, now: Timestamp) -> Option<(Timestamp, &Delay)> {
        let delay = self.delay.as_ref()?;
        Some((delay.span().rest(now)?, delay))
    }
}

/// Returns the newer one of two, by its generation.
fn newer<T, O: Ord>(mine: Option<T>, other: Option<T>, of: impl Fn(&T) -> O) -> Option<T> {
    match (mine, other) {
        (Some(mine), Some(other)) if of(&other) > of(&mine) => Some(other),
        (mine, other) => mine.or(other),
    }
}

impl Delay {
    fn shifted(self, shift: Shift) -> Self {
        match self {
            Self::Backoff { span, because } => Self::Backoff {
                span: span.shifted(shift),
                because: because.shifted(shift),
            },
            Self::Cooldown { span, because } => Self::Cooldown {
                span: span.shifted(shift),
                because: because.shifted(shift),
            },
        }
    }

    pub(super) const fn span(&self) -> &Span {
        match self {
            Self::Backoff { span, .. } | Self::Cooldown { span, .. } => span,
        }
    }

    const fn span_mut(&mut self) -> &mut Span {
        match self {
            Self::Backoff { span, .. } | Self::Cooldown { span, .. } => span,
        }
    }

    const fn because(&self) -> &Failure {
        match self {
            Self::Backoff { because, .. } | Self::Cooldown { because, .. } => because,
        }
    }

    const fn because_mut(&mut self) -> &mut Failure {
        match self {
            Self::Backoff { because, .. } | Self::Cooldown { because, .. } => because,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use proptest::{collection::vec, prelude::*};

    use super::{super::verdict::Verdict, *};
    use crate::session::failure::Reason;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    /// The password in use, with whatever salt.
    fn own(salt: u64) -> Tag {
        tag(u16::try_from(salt % 100).unwrap())
    }

    fn tag(number: u16) -> Tag {
        serde_json::from_value(number.into()).unwrap()
    }

    fn id(number: u64, nonce: u64) -> OperationId {
        OperationId { number, nonce }
    }

    /// The last of those acts by which an operation begins.
    const BEGINS: u8 = 3;
    const UNBLOCKS: u8 = 9;

    /// Something that happens in the life of a session: what, and to which operation.
    type Act = (u8, u64, u64);

    /// A session after all this has happened.
    fn after(acts: &[Act]) -> Memory {
        let mut memory = Memory::default();
        memory.guard.salt = 7;
        let mut seen = BTreeSet::new();
        for (place, &(act, number, nonce)) in (0_u64..).zip(acts) {
            // Nothing begins that has come to an end, and no name is given twice.
            let nonce = if act == UNBLOCKS { nonce + 100 } else { nonce };
            let is_new = seen.insert((number, nonce));
            if is_new || act > BEGINS && act != UNBLOCKS {
                happens(&mut memory, act, id(number, nonce), place);
            }
        }
        memory
    }

    fn happens(memory: &mut Memory, act: u8, id: OperationId, place: u64) {
        let at = START + Duration::from_secs(place);
        // Two processes that know of one operation know the same of it.
        let kind = match id.nonce % 3 {
            0 => OperationKind::PasswordReset,
            _ => OperationKind::LogIn,
        };
        let operation = Operation {
            id,
            kind,
            sent_at: START,
            bearer: OperationId::default(),
            session: OperationId::default(),
            password: tag(u16::try_from(id.nonce % 4).unwrap()),
        };
        let failure = Failure::of(kind, at, Reason::Unknown);
        let guard = &mut memory.guard;
        match act {
            0..=BEGINS => memory.begin(&operation, Span::new(START, Duration::from_secs(35))),
            4 => guard.refund(id),
            5 => guard.fail(id, operation.password, Verdict::Judged, failure),
            6 => guard.fail(id, operation.password, Verdict::WrongCredentials, failure),
            7 if kind == OperationKind::LogIn && id > memory.ended_session => {
                guard.succeed(&operation);
                memory.open = Some(Open {
                    token: SessionToken::new(&format!("session-{}-{}", id.number, id.nonce))
                        .unwrap(),
                    generation: id,
                    since: START,
                    used: at,
                    reported: START,
                });
            }
            8 => guard.end_doubt(id),
            UNBLOCKS => guard.unblock(id, operation.password),
            10 => guard.await_confirmation(id),
            11 => memory.end_session(),
            12 => {
                memory.password_epoch += 1;
                memory.epoch_password = Some(operation.password);
            }
            _ => {}
        }
        memory.operations = memory.operations.max(id.number);
    }

    fn merged(memory: &Memory, theirs: &Memory) -> Memory {
        let mut memory = memory.clone();
        memory.merge(theirs.clone(), own, None, |_| false);
        memory
    }

    /// All of a session that decides on logins and tokens, whatever its order.
    fn weight(memory: &Memory) -> impl PartialEq + std::fmt::Debug + use<> {
        let guard = serde_json::to_value(&memory.guard).unwrap();
        let all = |name: &str, part: &str| {
            let list = guard[name].as_array().unwrap().iter();
            let set: BTreeSet<_> = list.map(|one| one[part].to_string()).collect();
            set
        };
        (
            memory.operations,
            memory.password_epoch,
            memory.ended_session,
            memory.open.as_ref().map(|open| open.generation),
            (all("counted", "id"), all("counted", "verdict").len()),
            all("refused", "id"),
            (all("doubts", "reset"), guard["doubts"].clone()),
            guard["unblocked"].clone(),
        )
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        vec((0..13_u8, 1..8_u64, 1..5_u64), 0..12)
    }

    /// The names of what counts, and of what was taken back.
    fn names(memory: &Memory, list: &str) -> BTreeSet<String> {
        let guard = serde_json::to_value(&memory.guard).unwrap();
        let list = guard[list].as_array().unwrap().iter();
        list.map(|one| match &one["id"] {
            serde_json::Value::Null => one["Counted"].to_string(),
            id => id.to_string(),
        })
        .collect()
    }

    proptest! {
        #[test]
        fn law_15_a_merge_is_the_same_made_once_or_twice(here in acts(), there in acts()) {
            let (here, there) = (after(&here), after(&there));
            prop_assert_eq!(weight(&merged(&here, &here)), weight(&here));
            let once = merged(&here, &there);
            prop_assert!(merged(&once, &there) == once);
        }

        #[test]
        fn law_15_two_who_merge_know_the_same(here in acts(), there in acts()) {
            let (here, there) = (after(&here), after(&there));
            let (one, other) = (merged(&here, &there), merged(&there, &here));
            prop_assert_eq!(weight(&one), weight(&other));
            // So none has to be saved for the other's sake, again and again.
            prop_assert!(!one.knows_more_than(&other) && !other.knows_more_than(&one));
            let both = merged(&one, &other);
            prop_assert!(!both.knows_more_than(&other) && !both.knows_more_than(&one));
        }

        #[test]
        fn law_15_three_who_merge_in_any_order_know_the_same(
            one in acts(), other in acts(), third in acts(),
        ) {
            let (one, other, third) = (after(&one), after(&other), after(&third));
            let before = merged(&merged(&one, &other), &third);
            let after = merged(&one, &merged(&other, &third));
            prop_assert_eq!(names(&before, "counted"), names(&after, "counted"));
            prop_assert_eq!(names(&before, "refused"), names(&after, "refused"));
        }

        #[test]
        fn law_2_a_merge_forgets_nothing_that_counts(here in acts(), there in acts()) {
            let (here, there) = (after(&here), after(&there));
            let both = merged(&here, &there);
            let (counted, settled) = (names(&both, "counted"), names(&both, "settled"));
            for one in names(&here, "counted").union(&names(&there, "counted")) {
                prop_assert!(counted.contains(one) || settled.contains(one), "{}", one);
            }
            // And brings nothing to life again.
            for one in names(&here, "settled").union(&names(&there, "settled")) {
                prop_assert!(!counted.contains(one), "{}", one);
            }
            prop_assert!(both.operations == here.operations.max(there.operations));
        }

        /// Those who began apart have other tags for the same passwords.
        #[test]
        fn law_2_a_merge_with_another_salt_forgets_nothing_that_counts(
            here in acts(), there in acts(),
        ) {
            let (here, mut there) = (after(&here), after(&there));
            there.guard.salt = 8;
            let both = merged(&here, &there);
            let settled = names(&both, "settled");
            let expected = names(&here, "counted");
            let mut expected = &expected | &names(&there, "counted");
            expected.retain(|one| !settled.contains(one));
            prop_assert_eq!(names(&both, "counted"), expected);
            prop_assert_eq!(both.guard.salt, 8);
        }
    }

    fn lease(number: u64, nonce: u64) -> Lease {
        Lease {
            operation: id(number, nonce),
            kind: OperationKind::LogIn,
            span: Span::new(START, Duration::from_secs(35)),
        }
    }

    fn with_lease(operations: u64, lease: Option<Lease>) -> Memory {
        Memory {
            operations,
            lease,
            ..Memory::default()
        }
    }

    #[test]
    fn law_1_a_lease_is_kept_until_somebody_knows_its_end() {
        let (mine, newer) = (lease(3, 1), lease(4, 1));
        let in_flight = Some(mine.operation);
        let nobody: fn(OperationId) -> bool = |_| false;
        let cases = [
            ("it has ended", 3, None, None, None),
            ("it is in flight here", 3, None, in_flight, Some(mine)),
            ("they have never seen it", 2, None, None, Some(mine)),
            (
                "they have an older one",
                2,
                Some(lease(2, 9)),
                None,
                Some(mine),
            ),
            ("they have a newer one", 4, Some(newer), None, Some(newer)),
            (
                "there is a newer one",
                4,
                Some(newer),
                in_flight,
                Some(newer),
            ),
        ];
        for (case, operations, theirs, in_flight, expected) in cases {
            let mut memory = with_lease(3, Some(mine));
            memory.merge(with_lease(operations, theirs), own, in_flight, nobody);
            assert_eq!(memory.lease, expected, "{case}");
        }
        // One of which nothing more will be heard does not come back.
        let mut memory = with_lease(3, None);
        let theirs = with_lease(3, Some(mine));
        memory.merge(theirs, own, None, |ended| ended == mine.operation);
        assert_eq!(memory.lease, None);
    }

    #[test]
    fn what_is_of_the_future_when_a_clock_is_set_back_is_of_now() {
        let mut memory = after(&[(0, 1, 1), (5, 1, 1), (0, 2, 2), (7, 2, 2), (0, 3, 1)]);
        let failure = Failure::of(OperationKind::LogIn, START, Reason::Unknown);
        memory.delay = Some(Delay::Backoff {
            span: Span::new(START, Duration::from_secs(9)),
            because: failure.clone(),
        });
        memory.failed = Some(FailedOperation {
            operation: id(1, 1),
            password: tag(1),
            failure,
        });
        let before = START.before(Duration::from_secs(1000));
        assert!(memory.is_impossible(before));
        assert!(memory.rebase(before));
        assert!(!memory.is_impossible(before));
        assert!(!memory.rebase(before), "it was rebased");
        let end = memory.delay(before).map(|(until, _)| until);
        assert_eq!(end, Some(before + Duration::from_secs(9)));
    }

    fn failure_at(at: Timestamp) -> Failure {
        Failure::of(OperationKind::LogIn, at, Reason::Unknown)
    }

    #[test]
    fn what_a_clock_that_was_set_back_moves_is_a_change_whichever_part_it_is() {
        let before = START.before(Duration::from_secs(1000));
        let ahead = Span::new(START, Duration::from_secs(9));
        let open = Memory::default;
        let delayed = |span, because| Memory {
            delay: Some(Delay::Backoff {
                span,
                because: failure_at(because),
            }),
            ..open()
        };
        let mut checked = open();
        checked
            .guard
            .checks_mut()
            .made(START, true, Duration::from_secs(600));
        let parts = [
            with_lease(3, Some(lease(3, 1))),
            delayed(ahead, before),
            delayed(Span::new(before, Duration::from_secs(9)), START),
            Memory {
                failed: Some(FailedOperation {
                    operation: id(1, 1),
                    password: tag(1),
                    failure: failure_at(START),
                }),
                ..open()
            },
            Memory {
                cooled_at: Some(START),
                ..open()
            },
            Memory {
                unnamed: Some(ahead),
                ..open()
            },
            Memory {
                suspected: Some(ahead),
                ..open()
            },
            // A login that counts, and one that failed.
            Memory {
                lease: None,
                ..after(&[(0, 1, 1)])
            },
            Memory {
                lease: None,
                ..after(&[(0, 1, 1), (6, 1, 1)])
            },
            checked,
        ];
        for (number, mut memory) in parts.into_iter().enumerate() {
            assert!(memory.rebase(before), "part {number}");
            assert!(!memory.rebase(before), "part {number} was rebased");
        }
    }

    /// What somebody learns, and its name.
    type Change = (&'static str, fn(&mut Memory));

    #[test]
    fn whoever_knows_one_thing_more_knows_more() {
        let both = || after(&[(0, 1, 1), (7, 1, 1), (0, 2, 2), (0, 3, 1)]);
        assert!(!both().knows_more_than(&both()));
        let bearer = |number| Bearer {
            token: BearerToken::new("bearer").unwrap(),
            generation: id(number, 1),
            renew_at: START,
        };
        let changes: [Change; 5] = [
            ("an operation", |memory| memory.operations += 1),
            ("a password", |memory| memory.password_epoch += 1),
            ("a bearer that ended", |memory| {
                memory.ended_bearer = id(2, 1);
            }),
            ("a session that ended", |memory| {
                memory.ended_session = id(2, 1);
            }),
            ("a session", |memory| {
                memory.open.as_mut().unwrap().generation = id(2, 2);
            }),
        ];
        for (what, change) in changes {
            let mut knows = both();
            change(&mut knows);
            assert!(knows.knows_more_than(&both()), "{what}");
            assert!(!both().knows_more_than(&knows), "{what}");
        }
        let with_bearer = |number| Memory {
            bearer: Some(bearer(number)),
            ..both()
        };
        assert!(with_bearer(2).knows_more_than(&both()));
        assert!(with_bearer(2).knows_more_than(&with_bearer(1)));
        assert!(!with_bearer(1).knows_more_than(&with_bearer(2)));

        // Of the guard, each of two may know what the other does not.
        let differs = |acts: &[Act], others: &[Act]| {
            let (one, other) = (after(acts), after(others));
            one.guard.differs_from(&other.guard)
        };
        assert!(!differs(&[(0, 2, 1)], &[(0, 2, 1)]));
        assert!(differs(&[(0, 2, 1)], &[(0, 2, 2)]));
        assert!(differs(&[(0, 2, 1), (0, 2, 2)], &[(0, 2, 1)]));
        let refused = |number| [(0, number, 1), (6, number, 1), (4, number, 1)];
        assert!(!differs(&refused(2), &refused(2)));
        assert!(differs(&refused(2), &refused(3)));
        assert!(differs(&refused(2), &[]) && differs(&[], &refused(2)));
        let unblocked = |number| [(UNBLOCKS, number, 1)];
        assert!(!differs(&unblocked(2), &unblocked(2)));
        assert!(differs(&unblocked(2), &unblocked(3)) && differs(&[], &unblocked(2)));
        let doubted = |number| [(0, number, 3), (4, number, 3)];
        assert!(differs(&doubted(2), &[(0, 2, 3), (4, 2, 3), (8, 2, 3)]));
    }

    #[test]
    fn what_is_known_of_the_password_in_use_outlives_another_salt() {
        let failed = |password| {
            let failure = failure_at(START);
            Memory {
                failed: Some(FailedOperation {
                    operation: id(1, 1),
                    password,
                    failure,
                }),
                epoch_password: Some(password),
                ..after(&[(0, 5, 1), (UNBLOCKS, 6, 1)])
            }
        };
        let mut theirs = Memory::default();
        theirs.guard.salt = 8;
        for (is_own, password) in [(true, own(7)), (false, tag(1))] {
            let mut mine = failed(password);
            mine.guard.unblock(id(7, 200), password);
            mine.merge(theirs.clone(), own, None, |_| false);
            let expected = is_own.then_some(own(8));
            assert_eq!(mine.failed.map(|failed| failed.password), expected);
            assert_eq!(mine.epoch_password, expected);
            assert_eq!(mine.guard.is_unblocked(own(8)), is_own);

            let mut refused = after(&[(0, 1, 1)]);
            let guard = &mut refused.guard;
            let names = Verdict::WrongCredentials;
            guard.fail(id(1, 1), password, names, failure_at(START));
            refused.merge(theirs.clone(), own, None, |_| false);
            assert_eq!(refused.guard.is_refused(own(8), id(2, 1)), is_own);
        }
    }

    #[test]
    fn the_last_failure_is_the_latest_that_anybody_knows_while_something_counts() {
        let last = |memory: &Memory| memory.guard.last_failure().map(Failure::at);
        let early = after(&[(0, 1, 1), (5, 1, 1)]);
        let late = after(&[(0, 1, 1), (99, 9, 9), (5, 1, 1)]);
        assert!(last(&early) < last(&late));
        assert_eq!(last(&merged(&early, &late)), last(&late));
        assert_eq!(last(&merged(&late, &early)), last(&late));
        // One that was taken back everywhere is forgotten.
        let refunded = after(&[(0, 1, 1), (99, 9, 9), (5, 1, 1), (4, 1, 1)]);
        assert_eq!(last(&merged(&early, &refunded)), None);
    }

    #[test]
    fn the_clock_of_another_process_moves_every_time_by_the_same() {
        let memory = after(&[(0, 1, 1), (5, 1, 1), (0, 2, 2), (7, 2, 2), (0, 3, 3)]);
        let there = Shift {
            from: START + Duration::from_secs(10),
            to: START.before(Duration::from_secs(10_000)),
        };
        let back = Shift {
            from: there.to,
            to: there.from,
        };
        let shifted = memory.clone().shifted(there);
        assert!(shifted != memory);
        assert!(!shifted.is_impossible(there.to));
        assert!(shifted.shifted(back) == memory);
    }
}
