//! The results of operations, for the calls of this process that wait for them.
//!
//! An operation's result goes to the session, whoever brings it. What the result
//! changes is in the memory; what else a caller wants to know of it (the new
//! password, the whole response of a refusal) is held here until the call looks.

use std::collections::VecDeque;

use super::{
    error::Error,
    new_password::NewPassword,
    operation::{OperationId, OperationKind},
    settings::MAX_RESULTS,
    step::Completion,
};

/// The last results of operations. Not part of a snapshot.
#[derive(Clone, Default)]
pub(super) struct Results {
    last: VecDeque<Finished>,
    /// The new password that awaits its confirmation.
    pub(super) new_password: Option<NewPassword>,
}

/// An operation that has ended.
#[derive(Clone)]
pub(super) struct Finished {
    pub(super) operation: OperationId,
    pub(super) kind: OperationKind,
    pub(super) result: OperationResult,
}

/// The result of one operation.
#[derive(Clone)]
pub(super) enum OperationResult {
    /// A logout or password reset succeeded.
    Completed(Completion),
    /// The operation failed.
    Failed(Error),
    /// No result came before the lease expired, or the driver abandoned the
    /// operation.
    Lost,
}

impl Results {
    pub(super) fn push(
        &mut self,
        operation: OperationId,
        kind: OperationKind,
        result: OperationResult,
    ) {
        if self.last.len() == MAX_RESULTS {
            self.last.pop_front();
        }
        self.last.push_back(Finished {
            operation,
            kind,
            result,
        });
    }

    pub(super) fn of(&self, operation: OperationId) -> Option<&Finished> {
        let mut results = self.last.iter().rev();
        results.find(|finished| finished.operation == operation)
    }

    /// Forgets the failures of token fetches and logins, which are of no use once a
    /// token was got.
    pub(super) fn forget_failures(&mut self) {
        self.last.retain(|finished| {
            matches!(
                finished.kind,
                OperationKind::LogOut | OperationKind::PasswordReset
            )
        });
    }
}
