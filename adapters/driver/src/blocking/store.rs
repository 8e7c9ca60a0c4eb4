//! A blocking store, for a client that blocks.

use std::{future::ready, time::Duration};

use thingspace_core::session::{
    AsyncStore, Loaded, Revision, Saved, Snapshot, Store, StoreFuture, Watcher,
};

/// A blocking store as one that is awaited: its futures block until they are ready. For
/// a [`Runtime`](crate::Runtime) that blocks.
pub struct Blocking<S>(pub S);

impl<S: Store> AsyncStore for Blocking<S> {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(ready(self.0.load()))
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(ready(self.0.save(seen, snapshot)))
    }

    fn poll_interval(&self) -> Duration {
        self.0.poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        self.0.watch(watcher);
    }
}
