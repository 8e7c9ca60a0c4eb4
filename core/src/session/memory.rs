//! The memory of a session: everything that outlives the process.

use serde::{Deserialize, Serialize};

use super::{
    cooldown::Cooldown, failure::Failure, guard::Guard, nullable, operation::Lease,
    settings::GREATEST_NUMBER, span::Span,
};
use crate::{BearerToken, SessionToken, Timestamp};

/// Everything that outlives the process.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) version: u64,
    /// The number of operations that have begun. Tokens carry the number of the
    /// operation that brought them: their generation.
    pub(super) operations: u64,
    /// The last operation whose result came: another result of it changes nothing.
    pub(super) settled: u64,
    /// The lease of the operation in progress.
    #[serde(deserialize_with = "nullable::present")]
    pub(super) lease: Option<Lease>,
    #[serde(deserialize_with = "nullable::present")]
    pub(super) bearer: Option<Bearer>,
    #[serde(deserialize_with = "nullable::present")]
    pub(super) open: Option<Open>,
    /// The password epoch: the number of other passwords that resets have
    /// brought, or callers have given.
    pub(super) password_epoch: u64,
    pub(super) guard: Guard,
    pub(super) cooldown: Cooldown,
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
    pub(super) generation: u64,
    pub(super) renew_at: Timestamp,
}

/// An open session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) token: SessionToken,
    pub(super) generation: u64,
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
    pub(super) operation: u64,
    pub(super) failure: Failure,
}

impl Memory {
    /// Lets the version grow: the snapshot has changed.
    pub(super) fn touch(&mut self) {
        self.version = self.version.saturating_add(1);
    }

    /// Returns false if some number can't have come about: one at the end of its range
    /// would no longer tell two operations apart.
    pub(super) fn is_possible(&self) -> bool {
        let counted = self.version.max(self.operations).max(self.password_epoch);
        let operations = [
            Some(self.settled),
            self.lease.map(|lease| lease.operation),
            self.bearer.as_ref().map(|bearer| bearer.generation),
            self.open.as_ref().map(|open| open.generation),
            self.failed.as_ref().map(|failed| failed.operation),
        ];
        let mut operations = operations.iter().flatten();
        counted <= GREATEST_NUMBER && operations.all(|number| *number <= self.operations)
    }

    pub(super) fn open_of(&mut self, generation: u64) -> Option<&mut Open> {
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

impl Delay {
    pub(super) const fn span(&self) -> &Span {
        match self {
            Self::Backoff { span, .. } | Self::Cooldown { span, .. } => span,
        }
    }

    pub(super) const fn span_mut(&mut self) -> &mut Span {
        match self {
            Self::Backoff { span, .. } | Self::Cooldown { span, .. } => span,
        }
    }
}
