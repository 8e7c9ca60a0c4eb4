//! The store around another one.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use thingspace_core::{
    StoreError,
    session::{AsyncStore, Loaded, Revision, Saved, Snapshot, Store, StoreFuture, Watcher},
};

use crate::{Keys, SealError, content};

/// A store whose sessions only the holders of a key can read or make. It wraps any
/// [`Store`] or [`AsyncStore`], and is one itself.
///
/// Whatever can't be opened makes a load fail with a [`SealError`] and is left as it is. It
/// is never taken for an empty store, and a save replaces it only for a process that has
/// seen its revision.
#[derive(Debug)]
#[doc(alias = "encrypt")]
#[doc(alias = "encryption")]
pub struct Sealed<S> {
    store: S,
    keys: Keys,
    accepts_unsealed: AtomicBool,
}

impl<S> Sealed<S> {
    /// Wraps a store. The keys are a [`SealingKey`](crate::SealingKey), a
    /// [`Keyring`](crate::Keyring), or come from [a file](Keys::file) or
    /// [a function](Keys::from_fn).
    pub fn new(store: S, keys: impl Into<Keys>) -> Self {
        Self {
            store,
            keys: keys.into(),
            accepts_unsealed: AtomicBool::new(false),
        }
    }

    /// Accepts a session that is not sealed, until one is: for a store that was in use
    /// before. The next save seals it; from then on, or as soon as a sealed session is
    /// loaded, this store accepts no others any more.
    ///
    /// Until then whoever can write to the store can make a session up, such as one that
    /// knows of no failed logins. So remove this as soon as the session is sealed. The
    /// tokens of before are still in the backups of before: log out if others can read them.
    #[must_use]
    pub fn accept_unsealed(self) -> Self {
        Self {
            accepts_unsealed: AtomicBool::new(true),
            ..self
        }
    }

    /// The store that is wrapped, which sees what is sealed.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    fn seal(&self, snapshot: &Snapshot) -> Result<Snapshot, SealError> {
        content::seal(snapshot, self.keys.now()?.current())
    }

    fn open(&self, loaded: Option<Loaded>) -> Result<Option<Loaded>, SealError> {
        let Some(Loaded { snapshot, age }) = loaded else {
            return Ok(None);
        };
        let snapshot = match snapshot.sealed() {
            // The keys are read after the session: it may be sealed with a new one.
            Some(sealed) => {
                let opened = content::open(&snapshot, sealed, &*self.keys.now()?)?;
                self.accepts_unsealed.store(false, Relaxed);
                opened
            }
            None if self.accepts_unsealed.load(Relaxed) => snapshot,
            None => return Err(SealError::NotSealed),
        };
        Ok(Some(Loaded { snapshot, age }))
    }

    /// Notes the result of a save.
    fn ended(&self, saved: Saved) -> Saved {
        if saved == Saved::Saved {
            self.accepts_unsealed.store(false, Relaxed);
        }
        saved
    }
}

impl<S: Store> Store for Sealed<S> {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Ok(self.open(self.store.load()?)?)
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let sealed = self.seal(snapshot)?;
        Ok(self.ended(self.store.save(seen, &sealed)?))
    }

    fn poll_interval(&self) -> Duration {
        self.store.poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        self.store.watch(watcher);
    }
}

impl<S: AsyncStore> AsyncStore for Sealed<S> {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async { Ok(self.open(self.store.load().await?)?) })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move {
            let sealed = self.seal(snapshot)?;
            Ok(self.ended(self.store.save(seen, &sealed).await?))
        })
    }

    fn poll_interval(&self) -> Duration {
        self.store.poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        self.store.watch(watcher);
    }
}
