//! The store of a session that many processes share.
//!
//! The machine needs nothing of a store but a register with compare-and-swap:
//! what is saved is replaced only by somebody who has seen it. So of two
//! processes that want to log in, one gets its operation saved and the other
//! finds it there. The rule is the one of every driver: *if the version changed,
//! save before acting on the step*; [`Session::transact`] keeps it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;

use super::{
    call::Call,
    error::Error,
    event::Event,
    guard::BlockReason,
    machine::Session,
    operation::{Operation, OperationKind},
    results::OperationResult,
    settings::MAX_SAVE_ATTEMPTS,
    snapshot::{OtherSession, Snapshot},
    step::{Attempt, Step},
};
use crate::{
    Timestamp,
    transport::{StoreError, TransportError},
};

/// The place where a session is saved that many processes share: a file, a row of
/// a database, a key of a register. It holds live tokens.
///
/// Both methods block for as long as they take, and are called with the
/// session's lock held. A store that must be awaited is driven by hand: load,
/// [`Session::reload`], step on clones of session and call, save, and again from
/// the start if that was a [`Conflict`](Saved::Conflict).
pub trait Store: Send + Sync {
    /// Loads what is saved; `None` if nothing ever was.
    ///
    /// Fails if there is something that can't be read or understood: taking
    /// that for nothing would forget failed logins.
    fn load(&self) -> Result<Option<Snapshot>, StoreError>;

    /// Saves `snapshot` in place of the one of version `seen` (`None`: of
    /// nothing), in one step that no other process comes between.
    ///
    /// What is [`Saved`](Saved::Saved) survives the process and the machine from
    /// then on.
    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError>;

    /// The interval at which a call that waits looks for what other processes
    /// have changed. A tenth of a second unless said otherwise.
    fn poll_interval(&self) -> Duration {
        Duration::from_millis(100)
    }
}

/// A store that many sessions of a process use.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        (**self).load()
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        (**self).save(seen, snapshot)
    }

    fn poll_interval(&self) -> Duration {
        (**self).poll_interval()
    }
}

/// The result of saving a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Saved,
    /// Somebody else was faster: it is not saved, and what is saved is newer than
    /// what was seen.
    Conflict,
}

impl Session {
    /// Does something to the session as `store` has it, and returns the result
    /// once the store has saved what changed. If other processes are faster, it
    /// is done anew on what they left: `act` must do nothing else that matters.
    ///
    /// Fails if the store does or has somebody else's session; then nothing has
    /// changed here. (What a store has lost is saved there again.)
    pub fn transact<R>(
        &mut self,
        store: &dyn Store,
        mut act: impl FnMut(&mut Self) -> R,
    ) -> Result<R, StoreError> {
        for _ in 0..MAX_SAVE_ATTEMPTS {
            let saved = store.load()?;
            let seen = saved.as_ref().map(Snapshot::version);
            if let Some(saved) = saved {
                self.reload(saved).map_err(StoreError::new)?;
            }
            let mut next = self.clone();
            let result = act(&mut next);
            if next.version() == self.version()
                || store.save(seen, &next.snapshot())? == Saved::Saved
            {
                *self = next;
                return Ok(result);
            }
        }
        Err(StoreError::new("other processes keep changing the session"))
    }

    /// Continues with what another process has saved, with this one's
    /// credentials.
    ///
    /// If a process has reset the password since this session was made, or was
    /// given another one, the login guard is blocked here until that one is given.
    /// So one that joins others is
    /// [built from the snapshot](super::SessionBuilder::snapshot) that they have
    /// saved: its credentials are taken for those that are right as of then.
    ///
    /// Fails if the snapshot is of another environment, application or user.
    pub fn reload(&mut self, snapshot: Snapshot) -> Result<(), OtherSession> {
        let known = self.password_outdated();
        self.memory = snapshot.open(&self.environment, &self.credentials)?;
        if self.password_outdated() && !known {
            let reason = BlockReason::PasswordOutdated;
            self.events.push(Event::LoginsBlocked { reason });
        }
        Ok(())
    }

    /// [`receive`](Self::receive), for a session that many processes share. If
    /// the store fails, the calls of this process that wait for the operation
    /// learn of it, and a logout or password reset has its own result all the
    /// same.
    pub fn receive_in(
        &mut self,
        store: &dyn Store,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let received = self.transact(store, |session| {
            session.receive(now, operation, result.clone());
        });
        let Err(error) = received else {
            return;
        };
        let mut imagined = self.clone();
        imagined.receive(now, operation, result);
        let has_own_result = matches!(
            operation.kind,
            OperationKind::LogOut | OperationKind::PasswordReset
        );
        let result = match imagined.results.of(operation.id) {
            Some(finished) if has_own_result => finished.result.clone(),
            _ => OperationResult::Failed(error.into()),
        };
        self.results.new_password = imagined.results.new_password.take();
        self.results.push(operation.id, operation.kind, result);
    }

    /// [`abandon`](Self::abandon), for a session that many processes share. If
    /// the store fails, the operation ends with its lease.
    pub fn abandon_in(&mut self, store: &dyn Store, now: Timestamp, operation: Operation) {
        // Nothing is lost by it but time.
        let _ = self.transact(store, |session| session.abandon(now, operation));
    }
}

impl Call {
    /// [`step`](Self::step), for a session that many processes share: on what the
    /// store has, and with every change saved before it returns. If the store
    /// fails, the call ends and nothing is sent.
    pub fn step_in(&mut self, store: &dyn Store, session: &mut Session, now: Timestamp) -> Step {
        // Neither a result that is there nor one that this process will have needs a
        // store.
        self.execution.take_result(&self.purpose, session, now);
        if self.execution.is_finishing() || self.execution.awaits_own_operation(session, now) {
            return self.step(session, now);
        }
        let before = self.execution.clone();
        let stepped = session.transact(store, |session| {
            self.execution.clone_from(&before);
            self.step(session, now)
        });
        stepped.unwrap_or_else(|error| {
            self.execution = before;
            self.execution.fail(error.into());
            self.step(session, now)
        })
    }

    /// [`receive`](Self::receive), for a session that many processes share. If
    /// the store fails, the call has its own response all the same.
    pub fn receive_in(
        &mut self,
        store: &dyn Store,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        if let Some(operation) = attempt.operation() {
            return session.receive_in(store, now, operation, result);
        }
        if !self.execution.awaits(attempt.number()) {
            return;
        }
        let before = self.execution.clone();
        let received = session.transact(store, |session| {
            self.execution.clone_from(&before);
            self.receive(session, now, attempt, result.clone());
        });
        if let Err(error) = received {
            self.execution = before;
            self.receive(&mut session.clone(), now, attempt, result);
            self.execution.fail(Error::from(error));
        }
    }
}
