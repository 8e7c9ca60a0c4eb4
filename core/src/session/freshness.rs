//! The freshness of what a session knows of its store: when that is looked at, and
//! when it is left alone.

use super::{machine::Session, operation::Lease, settings::STORE_PAUSE, span::Span};
use crate::{Timestamp, transport::StoreError};

impl Session {
    /// Notes that others may have changed what the store has: a call that waits for them
    /// loads it at its next step. For drivers whose store
    /// [says so](super::Store::watch).
    pub fn store_changed(&mut self) {
        if let Some(sharing) = &mut self.sharing {
            sharing.fresh = None;
            // What is being loaded, or was loaded just now, may be what was there before.
            sharing.is_outrun = true;
        }
    }

    /// Returns true if the store has changed since it was accessed last.
    pub(super) fn is_outrun(&self) -> bool {
        self.sharing
            .as_ref()
            .is_some_and(|sharing| sharing.is_outrun)
    }

    /// Notes that what the store has is known here, unless it has changed meanwhile.
    pub(super) fn refreshed(&mut self, now: Timestamp) {
        if let Some(sharing) = &mut self.sharing {
            let fresh = Span::new(now, sharing.poll_interval);
            sharing.fresh = Some(fresh).filter(|_| !sharing.is_outrun);
        }
    }

    /// Returns true if a store has to be looked at before this session may tell what
    /// others have done.
    pub(super) fn must_load(&mut self, now: Timestamp) -> bool {
        let Some(sharing) = &mut self.sharing else {
            return false;
        };
        if let Some((span, _)) = &mut sharing.down {
            span.rebase(now);
        }
        !self.is_fresh(now) && self.store_error(now).is_none() && !self.holds_lease()
    }

    /// Returns true if what the store has was loaded, or saved, a moment ago.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let fresh = self.sharing.as_ref().and_then(|sharing| sharing.fresh);
        fresh.is_some_and(|fresh| fresh.has(now))
    }

    /// The error of the store, if it failed a moment ago.
    pub(super) fn store_error(&self, now: Timestamp) -> Option<&StoreError> {
        let (span, error) = self.sharing.as_ref()?.down.as_ref()?;
        span.rest(now).map(|_| error)
    }

    /// Notes that the store failed.
    pub(super) fn store_failed(&mut self, now: Timestamp, error: &StoreError) {
        if let Some(sharing) = &mut self.sharing {
            sharing.fresh = None;
            sharing.down = Some((Span::new(now, STORE_PAUSE), error.clone()));
        }
    }

    /// Returns true if the operation in progress is this process's own.
    pub(super) fn holds_lease(&self) -> bool {
        self.memory
            .lease
            .is_some_and(|lease| self.in_flight == Some(lease.operation))
    }

    /// The time at which to look again whether the operation in progress has ended.
    pub(super) fn look_again(&self, lease: &Lease, now: Timestamp) -> Timestamp {
        match &self.sharing {
            Some(sharing) if self.in_flight != Some(lease.operation) => {
                lease.span.end().min(now + sharing.poll_interval)
            }
            _ => lease.span.end(),
        }
    }
}
