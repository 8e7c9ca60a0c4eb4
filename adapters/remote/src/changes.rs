//! The changes that others make, for those who wait for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use thingspace_core::session::Watcher;

/// The place that a connection reports to when others have saved something.
#[derive(Clone, Default)]
pub struct Changes(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    watchers: Vec<Watcher>,
    /// The revision that was saved here last.
    own: String,
}

impl Changes {
    /// Reports that this revision was saved. It is no news if it was saved here.
    pub fn saved(&self, revision: &str) {
        if self.state().own != revision {
            self.missed();
        }
    }

    /// Reports that something may have been saved, and that nobody knows.
    pub fn missed(&self) {
        let watchers: Vec<_> = {
            let mut state = self.state();
            state.watchers.retain(|one| one.strong_count() > 0);
            state.watchers.iter().filter_map(Weak::upgrade).collect()
        };
        for watcher in watchers {
            watcher();
        }
    }

    pub(crate) fn watch(&self, watcher: Watcher) {
        self.state().watchers.push(watcher);
    }

    /// Notes that this revision is being saved here.
    pub(crate) fn saving(&self, revision: &str) {
        revision.clone_into(&mut self.state().own);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
