//! A session that many processes share.
//!
//! The machine needs nothing of a store but a register with compare-and-swap:
//! what is kept is replaced only by somebody who has seen it. So of two
//! processes that want to log in, one gets its flight kept and the other finds
//! it there. The rule is the one of every driver: *if the version changed, save
//! before acting on the step*; [`Session::transact`] keeps it.

use std::{sync::Arc, time::Duration};

use super::{RestoreError, Session, Snapshot};
use crate::error::StoreError;

/// How often a change is tried anew because others were faster: far more than
/// any number of honest processes needs.
const MOST_TRIES: u32 = 1000;

/// Where a session is kept that many processes share: a file, a row of a
/// database, a key of a register. It holds live tokens.
///
/// Both methods block for as long as they take, and are called with the
/// session's lock held. A store that must be awaited is driven by hand: load,
/// [`Session::reload`], step on clones of session and call, save, and again from
/// the start if that was [`Overtaken`](Saved::Overtaken).
pub trait Store: Send + Sync {
    /// What is kept; `None` if nothing ever was.
    ///
    /// Fails if there is something that can't be read or understood: taking
    /// that for nothing would forget failed logins.
    fn load(&self) -> Result<Option<Snapshot>, StoreError>;

    /// Keeps `snapshot` in place of the one of version `seen` (`None`: of
    /// nothing), in one step that no other process comes between.
    ///
    /// What is [`Kept`](Saved::Kept) survives the process and the machine from
    /// then on.
    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError>;

    /// How often a call that waits looks for what other processes have changed.
    /// A tenth of a second unless said otherwise.
    fn poll_interval(&self) -> Duration {
        Duration::from_millis(100)
    }
}

/// One that many sessions of a process go to.
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

/// What came of keeping a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is kept.
    Kept,
    /// Somebody else was faster: it is not kept, and what is kept is newer than
    /// what was seen.
    Overtaken,
}

impl Session {
    /// Does something to the session as `store` has it, and gives its result
    /// once the store has kept what changed. If other processes are faster, it
    /// is done anew on what they left: `act` must do nothing else that matters.
    ///
    /// Fails if the store does or has somebody else's session; then nothing has
    /// changed here. (What a store has lost is kept there again.)
    pub fn transact<R>(
        &mut self,
        store: &dyn Store,
        mut act: impl FnMut(&mut Self) -> R,
    ) -> Result<R, StoreError> {
        for _ in 0..MOST_TRIES {
            let kept = store.load()?;
            let seen = kept.as_ref().map(Snapshot::version);
            if let Some(kept) = kept {
                self.reload(kept).map_err(StoreError::new)?;
            }
            let mut next = self.clone();
            let result = act(&mut next);
            if next.version() == self.version()
                || store.save(seen, &next.snapshot())? == Saved::Kept
            {
                *self = next;
                return Ok(result);
            }
        }
        Err(StoreError::new("other processes keep changing the session"))
    }

    /// Goes on with what another process has kept, with this one's credentials.
    ///
    /// If a process has reset the password since this session was made, or was
    /// given another one, the login guard is closed here until that one is given.
    /// So one that joins others is [restored](Self::restore) from what they have
    /// kept: its credentials are taken for those that are right as of then.
    ///
    /// Fails if the snapshot is of another environment, application or user.
    pub fn reload(&mut self, snapshot: Snapshot) -> Result<(), RestoreError> {
        let known = self.password_outdated();
        self.memory = snapshot.open(&self.environment, &self.credentials)?;
        if self.password_outdated() && !known {
            self.tell_of_outdated_password();
        }
        Ok(())
    }
}
