//! A session that many processes share: what is loaded from a store, and what is
//! saved there and when.
//!
//! - What *spends* is saved before it is acted on: an operation that is to begin is
//!   a [`Draft`] until the store has it.
//! - What a response brought is used at once, and saved as soon as it can be.
//! - Every load [merges](super::memory::Memory::merge): a store may be emptied, or
//!   go back in time, and no process forgets what it saw.
//! - A call with an open session neither loads nor saves.
//!
//! No safety rests on clocks that agree, nor on processes that exclude each other: a
//! login counts from the moment at which its draft is saved.

use std::fmt;

use bytes::Bytes;
use http::Request;

use super::{
    error::Error,
    event::Event,
    guard::BlockReason,
    machine::Session,
    memory::Memory,
    operation::{Lease, Operation, OperationKind},
    settings::{GREATEST_NUMBER, STORE_PATIENCE, USE_GRAIN},
    snapshot::{Revision, Snapshot, SnapshotError},
    span::Span,
    store::{Loaded, Saved},
    tag::Tag,
};
use crate::{Timestamp, transport::StoreError};

/// A snapshot that is to be saved in place of what was seen.
#[derive(Clone, Debug)]
pub(super) struct Saving {
    pub(super) access: u64,
    pub(super) seen: Option<Revision>,
    pub(super) snapshot: Snapshot,
    changes: u64,
    last_use: Timestamp,
}

/// An operation that is to begin, until the store has it.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) operation: Operation,
    pub(super) request: Request<Bytes>,
    pub(super) saving: Saving,
}

/// Shows what is to begin, and nothing of its request.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Returns true if it is time to save something that the store does not have. Then run a
    /// [`Call::sync`](super::Call::sync); other calls can go on meanwhile. Always false
    /// without a store.
    pub fn is_unsaved(&self, now: Timestamp) -> bool {
        let Some(sharing) = &self.sharing else {
            return false;
        };
        self.has_changes() || sharing.use_due.is_some_and(|due| now >= due)
    }

    /// Returns true if the store has all that this session knows, or there is none.
    pub(super) fn is_synced(&self) -> bool {
        let used = self.memory.open.as_ref().map(|open| open.used);
        let sharing = self.sharing.as_ref();
        let has_last_use = |used: Timestamp| {
            sharing.is_none_or(|sharing| used.since(sharing.saved_use) < USE_GRAIN)
        };
        !self.has_changes() && used.is_none_or(has_last_use)
    }

    /// Returns true if the store does not have all that this session knows, the last use
    /// left aside.
    pub(super) fn has_changes(&self) -> bool {
        let sharing = self.sharing.as_ref();
        sharing.is_some_and(|sharing| self.memory.changes != sharing.saved)
    }

    /// Begins an access to the store. Fails with the time to wait for if another
    /// call of this process is at it.
    pub(super) fn begin_access(&mut self, now: Timestamp) -> Result<u64, Timestamp> {
        let Some(sharing) = &mut self.sharing else {
            return Err(now);
        };
        if let Some((_, span)) = &mut sharing.access {
            span.rebase(now);
            if let Some(until) = span.rest(now) {
                return Err(until);
            }
        }
        let access = self.nonces.next();
        sharing.access = Some((access, Span::new(now, STORE_PATIENCE)));
        sharing.is_outrun = false;
        Ok(access)
    }

    pub(super) fn end_access(&mut self, access: u64) {
        if let Some(sharing) = &mut self.sharing {
            sharing.access.take_if(|(one, _)| *one == access);
            self.memory.touch_use();
        }
    }

    /// Takes what the store has, or that it has nothing. Returns its revision.
    pub(super) fn load(
        &mut self,
        now: Timestamp,
        access: u64,
        result: Result<Option<Loaded>, StoreError>,
    ) -> Result<Option<Revision>, StoreError> {
        self.end_access(access);
        let loaded = result.and_then(|loaded| {
            if let Some(loaded) = loaded {
                let revision = loaded.snapshot.revision();
                return Ok((Some(revision), self.take_loaded(now, loaded)?));
            }
            self.compare_with(&Memory::default());
            Ok((None, None))
        });
        let (revision, lease) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                self.store_failed(now, &error);
                self.events.push(Event::StoreFailed);
                return Err(error);
            }
        };
        let fetches = self.memory.lease.filter(|lease| {
            lease.kind == OperationKind::TokenFetch && self.in_flight == Some(lease.operation)
        });
        let Some(sharing) = &mut self.sharing else {
            return Ok(revision);
        };
        sharing.seen = revision;
        sharing.has_loaded = true;
        sharing.down = None;
        sharing.hidden = lease
            .filter(|theirs| fetches.is_some_and(|fetches| fetches.operation != theirs.operation));
        self.refreshed(now);
        Ok(revision)
    }

    /// Takes what the store has. Returns the lease in it.
    fn take_loaded(&mut self, now: Timestamp, loaded: Loaded) -> Result<Option<Lease>, StoreError> {
        let Loaded { snapshot, age } = loaded;
        match snapshot.open(&self.environment, &self.credentials, now.before(age)) {
            Ok(theirs) => {
                self.merge(theirs.clone());
                self.compare_with(&theirs);
                Ok(theirs.lease)
            }
            // What is damaged is replaced by those who know better.
            Err(SnapshotError::Damaged) if self.memory.has_seen_operations() => {
                self.memory.changes = self.memory.changes.saturating_add(1);
                Ok(None)
            }
            Err(error) => Err(StoreError::new(error)),
        }
    }

    /// Finds out whether the store lacks something that is known here: it may have been
    /// emptied, or have gone back in time. Then it gets that again.
    fn compare_with(&mut self, theirs: &Memory) {
        if self.memory.knows_more_than(theirs) {
            self.memory.changes = self.memory.changes.saturating_add(1);
        }
        // Others have saved the same: that need not be saved once more.
        let has_all = self.memory.is_known_to(theirs);
        let changes = self.memory.changes;
        if let Some(sharing) = self.sharing.as_mut().filter(|_| has_all) {
            sharing.saved = changes;
        }
        let used = |memory: &Memory| {
            memory
                .open
                .as_ref()
                .map_or(Timestamp::default(), |o| o.used)
        };
        if let Some(sharing) = &mut self.sharing {
            sharing.saved_use = used(theirs);
            let has_later = used(&self.memory).since(sharing.saved_use) >= USE_GRAIN;
            sharing.use_due.take_if(|_| !has_later);
        }
    }

    fn merge(&mut self, theirs: Memory) {
        let before = self.login_guard().blocked;
        // It is for the password that it was given with, and not if it is used up.
        let is_unblocked = self.memory.guard.is_unblocked(self.tag());
        let has_unblocked = is_unblocked && self.has_unsaved_unblocking();
        let password = self.credentials.password();
        let theirs_is_another = theirs.password_epoch >= self.memory.password_epoch
            && theirs.epoch_password != Some(Tag::of_any(password, theirs.guard.salt));
        let ended = self.sharing.as_ref().map(|sharing| &sharing.ended);
        self.memory.merge(
            theirs,
            |salt| Tag::of_any(password, salt),
            self.in_flight,
            |operation| ended.is_some_and(|ended| ended.contains(&operation)),
        );
        let is_first = self
            .sharing
            .as_ref()
            .is_none_or(|sharing| !sharing.has_loaded);
        if is_first || self.memory.epoch_password == Some(self.tag()) {
            self.password_epoch = self.memory.password_epoch;
        }
        // What somebody has decided here, and the store does not have, is decided on top
        // of what others did.
        let sharing = self.sharing.as_ref();
        if sharing.is_some_and(|sharing| sharing.given > sharing.saved) {
            self.end_doubts();
            if theirs_is_another {
                self.begin_password_epoch();
            }
        }
        if has_unblocked && !self.has_unsaved_unblocking() {
            let (id, tag) = (self.next_name(), self.tag());
            self.memory.guard.unblock(id, tag);
            if let Some(sharing) = &mut self.sharing {
                sharing.unblocked.1 = id;
            }
        }
        let reason = BlockReason::PasswordOutdated;
        let blocked = self.login_guard().blocked;
        if blocked.as_ref() == Some(&reason) && blocked != before {
            self.events.push(Event::LoginsBlocked { reason });
        }
    }

    /// Returns true if the guard is unblocked by somebody here, and the store does not
    /// have that.
    fn has_unsaved_unblocking(&self) -> bool {
        let in_force = self.memory.guard.unblocking();
        self.sharing.as_ref().is_some_and(|sharing| {
            let (change, name) = sharing.unblocked;
            change > sharing.saved && in_force == Some(name)
        })
    }

    /// Drafts an operation, which must be allowed to begin.
    pub(super) fn draft(
        &mut self,
        access: u64,
        kind: OperationKind,
        now: Timestamp,
    ) -> Result<Draft, Error> {
        let (operation, request) = self.prepare(kind, now)?;
        let mut memory = self.memory.clone();
        memory.begin(&operation, self.lease_of(&operation));
        let saving = self.saving_of(access, now, memory);
        Ok(Draft {
            operation,
            request,
            saving,
        })
    }

    /// Returns what there is to save of the session as it is.
    pub(super) fn saving(&mut self, access: u64, now: Timestamp) -> Saving {
        self.saving_of(access, now, self.memory.clone())
    }

    fn saving_of(&mut self, access: u64, now: Timestamp, mut memory: Memory) -> Saving {
        let hidden = self.sharing.as_ref().and_then(|sharing| sharing.hidden);
        let hidden = hidden.filter(|hidden| hidden.span.rest(now).is_some());
        memory.lease = hidden.or(memory.lease);
        let seen = self.sharing.as_ref().and_then(|sharing| sharing.seen);
        let revision = Revision {
            // One at the end of the range is of a damaged snapshot.
            version: seen
                .map_or(0, |seen| seen.version % GREATEST_NUMBER)
                .saturating_add(1),
            nonce: self.nonces.next(),
        };
        let last_use = memory.open.as_ref().map(|open| open.used);
        Saving {
            access,
            seen,
            snapshot: Snapshot::of(revision, now, &self.environment, &self.credentials, memory),
            changes: self.memory.changes,
            last_use: last_use.unwrap_or_default(),
        }
    }

    /// Takes the result of saving. Returns true if it is saved.
    pub(super) fn save_ended(
        &mut self,
        now: Timestamp,
        saving: &Saving,
        result: Result<Saved, StoreError>,
    ) -> Result<bool, StoreError> {
        self.end_access(saving.access);
        let Some(sharing) = &mut self.sharing else {
            return Ok(true);
        };
        match result {
            Ok(Saved::Saved) => {
                self.is_saved(now, saving);
                Ok(true)
            }
            Ok(Saved::Conflict) => {
                sharing.fresh = None;
                self.events.push(Event::StoreConflict);
                Ok(false)
            }
            Err(error) => {
                sharing.fresh = None;
                self.events.push(Event::StoreFailed);
                Err(error)
            }
        }
    }

    /// Notes that the store has this.
    pub(super) fn is_saved(&mut self, now: Timestamp, saving: &Saving) {
        // How long the lease of another process lasts, only a load says.
        let is_fresh = self.memory.lease.is_none() || self.holds_lease();
        if let Some(sharing) = &mut self.sharing {
            sharing.seen = Some(saving.snapshot.revision());
            sharing.saved = sharing.saved.max(saving.changes);
            sharing.saved_use = sharing.saved_use.max(saving.last_use);
            sharing.use_due = None;
        }
        if is_fresh {
            self.refreshed(now);
        }
    }

    /// Begins an operation whose draft is saved. Returns false if it came too late,
    /// or the credentials are other ones now: then it was never sent.
    pub(super) fn begin_drafted(&mut self, now: Timestamp, operation: &Operation) -> bool {
        let Operation { id, password, .. } = *operation;
        let has_lease = self.memory.lease.is_some_and(|lease| lease.operation == id);
        // Other credentials take a number too.
        let is_overtaken = self.memory.operations >= id.number && !has_lease;
        let is_late = is_overtaken || self.is_too_late_for(now, operation);
        if is_late || password != self.tag() || self.is_refused_since(operation) {
            self.drop_draft(operation);
            return false;
        }
        self.memory.begin(operation, self.lease_of(operation));
        // The store has this change already.
        let changes = self.memory.changes;
        if let Some(sharing) = &mut self.sharing {
            if sharing.saved.saturating_add(1) == changes {
                sharing.saved = changes;
            }
        }
        self.in_flight = Some(operation.id);
        true
    }

    /// Returns true if an operation whose draft is saved may be sent: nothing has
    /// changed since it began.
    pub(super) fn may_send(&self, now: Timestamp, operation: &Operation) -> bool {
        self.in_flight == Some(operation.id)
            && self.holds_lease()
            && !self.is_too_late_for(now, operation)
            && operation.password == self.tag()
            && !self.is_refused_since(operation)
    }

    /// Returns true if the password of an operation that would use it was refused by now: a
    /// late result has said so.
    fn is_refused_since(&self, operation: &Operation) -> bool {
        let Operation {
            id, kind, password, ..
        } = *operation;
        let uses_password = matches!(kind, OperationKind::LogIn | OperationKind::PasswordReset);
        uses_password && self.memory.guard.is_refused(password, id)
    }

    fn is_too_late_for(&self, now: Timestamp, operation: &Operation) -> bool {
        now >= operation.sent_at + self.settings.attempt_timeout
    }

    /// Gives a draft up: its operation was certainly never sent, whether it was
    /// saved or not.
    pub(super) fn drop_draft(&mut self, operation: &Operation) {
        let guard = &mut self.memory.guard;
        match operation.kind {
            OperationKind::LogIn => guard.refund(operation.id),
            OperationKind::PasswordReset => {
                guard.refund(operation.id);
                guard.end_doubt(operation.id);
            }
            _ => {}
        }
        self.memory
            .lease
            .take_if(|lease| lease.operation == operation.id);
        self.has_ended(operation.id);
        self.memory.touch();
    }

    /// Returns true if the store has this draft, as it was loaded last.
    pub(super) fn has_draft(&self, draft: &Draft, revision: Option<Revision>) -> bool {
        revision.is_some_and(|revision| revision == draft.saving.snapshot.revision())
            || self
                .memory
                .lease
                .is_some_and(|lease| lease.operation == draft.operation.id)
    }
}
