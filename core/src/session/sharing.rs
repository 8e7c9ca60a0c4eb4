//! The process's own knowledge of the store that its session is shared through.

use std::{collections::VecDeque, time::Duration};

use super::{
    operation::{Lease, OperationId},
    settings::USE_SAVED_EVERY,
    snapshot::Revision,
    span::Span,
};
use crate::{Timestamp, transport::StoreError};

/// The knowledge of a store. It is the process's own and in no snapshot.
#[derive(Clone, Debug)]
pub(super) struct Sharing {
    pub(super) poll_interval: Duration,
    /// The revision that the store had last.
    pub(super) seen: Option<Revision>,
    /// The time for which what was loaded is taken as new.
    pub(super) fresh: Option<Span>,
    pub(super) has_loaded: bool,
    /// The last failure of the store, and the time for which it is taken as down.
    pub(super) down: Option<(Span, StoreError)>,
    /// The access to the store that a call is making, for which others wait.
    pub(super) access: Option<(u64, Span)>,
    /// True if the store has changed since the last access began.
    pub(super) is_outrun: bool,
    /// The changes that the store has.
    pub(super) saved: u64,
    /// The change by which other credentials were given here last.
    pub(super) given: u64,
    /// The change by which the guard was unblocked here last, and the name of that.
    pub(super) unblocked: (u64, OperationId),
    /// The last use that the store has.
    pub(super) saved_use: Timestamp,
    /// The time at which a later use is saved.
    pub(super) use_due: Option<Timestamp>,
    /// The lease of another process, hidden by an operation that began here while the
    /// store was down.
    pub(super) hidden: Option<Lease>,
    /// The last operations of this process of which nothing more will be heard.
    pub(super) ended: VecDeque<OperationId>,
}

impl Sharing {
    pub(super) const fn new(poll_interval: Duration) -> Self {
        Self {
            poll_interval,
            seen: None,
            fresh: None,
            has_loaded: false,
            down: None,
            access: None,
            is_outrun: false,
            saved: 0,
            given: 0,
            unblocked: (
                0,
                OperationId {
                    number: 0,
                    nonce: 0,
                },
            ),
            saved_use: Timestamp::from_millis(0),
            use_due: None,
            hidden: None,
            ended: VecDeque::new(),
        }
    }

    /// Keeps a clock that was set back from putting off when the last use is saved.
    pub(super) fn rebase(&mut self, now: Timestamp) {
        self.saved_use = self.saved_use.min(now);
        self.use_due = self.use_due.map(|due| due.min(now + USE_SAVED_EVERY));
    }

    /// The lease that was hidden by an operation which has ended, if it still runs.
    pub(super) fn unhide(&mut self, now: Timestamp) -> Option<Lease> {
        let hidden = self.hidden.take();
        hidden.filter(|hidden| hidden.span.rest(now).is_some())
    }
}
