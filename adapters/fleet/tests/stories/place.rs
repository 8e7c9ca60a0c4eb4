//! Places where a session is saved, as a worker is told of one.

use std::{future::ready, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use thingspace_core::{
    StoreError,
    session::{AsyncStore, Loaded, Revision, Saved, Snapshot, Store, StoreFuture, Watcher},
};
use thingspace_file::FileStore;
use thingspace_postgres::{Postgres, RemoteStore};
use thingspace_redis::Redis;

use crate::{
    messages::{Ended, Report, Save},
    time::Time,
    worker::report,
};

/// A place where a session is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Place {
    File(PathBuf),
    Postgres(String),
    Redis(String),
}

impl Place {
    /// The revision that is saved there.
    pub(crate) fn revision(&self) -> Option<Revision> {
        let loaded = match self.open() {
            Opened::File(store) => store.load(),
            Opened::Remote(store) => Store::load(&store),
        };
        loaded.unwrap().map(|loaded| loaded.snapshot.revision())
    }

    fn open(&self) -> Opened {
        match self {
            Self::File(path) => Opened::File(FileStore::new(path)),
            Self::Postgres(address) => {
                let place = Postgres::at(address).unwrap().create_table();
                Opened::Remote(place.store().unwrap())
            }
            Self::Redis(address) => Opened::Remote(Redis::at(address).unwrap().store().unwrap()),
        }
    }
}

enum Opened {
    File(FileStore),
    Remote(RemoteStore),
}

/// The store at a place. It reports what is loaded and saved, and what is in it grows
/// older as time is made to pass.
pub(crate) struct Witnessed {
    store: Opened,
    time: Time,
}

impl Witnessed {
    pub(crate) fn new(place: &Place, time: Time) -> Self {
        let store = place.open();
        Self { store, time }
    }

    fn loaded(
        &self,
        loaded: Result<Option<Loaded>, StoreError>,
    ) -> Result<Option<Loaded>, StoreError> {
        let loaded = loaded?.map(|loaded| Loaded {
            age: self.time.age(loaded.age),
            ..loaded
        });
        let revision = loaded.as_ref().map(|loaded| loaded.snapshot.revision());
        report(&Report::Loaded(revision));
        Ok(loaded)
    }

    fn begins(seen: Option<Revision>, snapshot: &Snapshot) -> Save {
        let revision = snapshot.revision();
        let save = Save { seen, revision };
        report(&Report::Saving { save });
        save
    }

    fn saved(save: Save, saved: Result<Saved, StoreError>) -> Result<Saved, StoreError> {
        let ended = match &saved {
            Ok(Saved::Saved) => Ended::Saved,
            Ok(Saved::Conflict) => Ended::Conflict,
            Err(_) => Ended::Failed,
        };
        report(&Report::Saved { save, ended });
        saved
    }
}

/// The face that blocks, for ureq.
impl Store for Witnessed {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.loaded(match &self.store {
            Opened::File(store) => store.load(),
            Opened::Remote(store) => Store::load(store),
        })
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let save = Self::begins(seen, snapshot);
        let saved = match &self.store {
            Opened::File(store) => store.save(seen, snapshot),
            Opened::Remote(store) => Store::save(store, seen, snapshot),
        };
        Self::saved(save, saved)
    }

    fn poll_interval(&self) -> Duration {
        match &self.store {
            Opened::File(store) => store.poll_interval(),
            Opened::Remote(store) => Store::poll_interval(store),
        }
    }

    fn watch(&self, watcher: Watcher) {
        match &self.store {
            Opened::File(store) => store.watch(watcher),
            Opened::Remote(store) => Store::watch(store, watcher),
        }
    }
}

/// The face that is awaited, for hyper.
impl AsyncStore for Witnessed {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async {
            let loaded = match &self.store {
                Opened::File(store) => ready(store.load()).await,
                Opened::Remote(store) => AsyncStore::load(store).await,
            };
            self.loaded(loaded)
        })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move {
            let save = Self::begins(seen, snapshot);
            let saved = match &self.store {
                Opened::File(store) => ready(store.save(seen, snapshot)).await,
                Opened::Remote(store) => AsyncStore::save(store, seen, snapshot).await,
            };
            Self::saved(save, saved)
        })
    }

    fn poll_interval(&self) -> Duration {
        Store::poll_interval(self)
    }

    fn watch(&self, watcher: Watcher) {
        Store::watch(self, watcher);
    }
}
