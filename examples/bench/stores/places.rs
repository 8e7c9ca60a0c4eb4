//! The places where a session is shared: files, and servers near and far.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;
use thingspace_core::session::Store;
use thingspace_file::FileStore;
use thingspace_fleet::{Link, Postgres, Redis};
use thingspace_sealed::{Sealed, SealingKey};

/// The name of the place whose sessions are encrypted.
const SEALED: &str = "file, sealed";

/// All kinds of places, each with its servers.
pub(crate) struct Places {
    folder: TempDir,
    postgres: Postgres,
    redis: Redis,
    far_postgres: Link,
    far_redis: Link,
}

/// A place, and how it is called.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    /// The address of a session there that no other measurement uses; `None` if the session
    /// is not shared.
    address: Option<Box<dyn Fn(u32) -> String>>,
}

impl Place {
    /// The address of a session of this number.
    pub(crate) fn address(&self, number: u32) -> Option<String> {
        self.address.as_ref().map(|address| address(number))
    }
}

impl Places {
    pub(crate) fn start() -> Self {
        let (postgres, redis) = (Postgres::start(), Redis::start());
        let far = |link: Link| {
            link.delay(Duration::from_micros(1500));
            link
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            far_postgres: far(Link::to(postgres.socket_address())),
            far_redis: far(Link::to(redis.socket_address())),
            postgres,
            redis,
        }
    }

    /// All places, the one of no store first.
    pub(crate) fn all(&self) -> Vec<Place> {
        let none = Place {
            name: "no store",
            address: None,
        };
        [none].into_iter().chain(self.shared()).collect()
    }

    /// The places of a shared session.
    pub(crate) fn shared(&self) -> Vec<Place> {
        let far_postgres = self.postgres.address_at(self.far_postgres.address());
        let far_redis = self.redis.address_at(self.far_redis.address());
        let folder = self.folder.path().display().to_string();
        let at = |name, address: String| Place {
            name,
            address: Some(Box::new(move |number| format!("{address} {name} {number}"))),
        };
        vec![
            at("file", folder.clone()),
            at(SEALED, folder),
            at("PostgreSQL", self.postgres.address()),
            at("PostgreSQL, 3 ms away", far_postgres),
            at("Redis", self.redis.address()),
            at("Redis, 3 ms away", far_redis),
        ]
    }
}

/// Opens the store at an address of [`Place`], as one more process does.
pub(crate) fn open(address: &str) -> Arc<dyn Store> {
    let (address, name) = address.split_once(' ').unwrap();
    if address.starts_with("postgres") {
        let place = thingspace_postgres::Postgres::at(address).unwrap();
        let place = place.name(name).unwrap().create_table();
        Arc::new(place.store().unwrap())
    } else if address.starts_with("redis") {
        let place = thingspace_redis::Redis::at(address).unwrap();
        Arc::new(place.key(name).store().unwrap())
    } else {
        let file = FileStore::new(format!("{address}/{name}/session.json"));
        if name.starts_with(SEALED) {
            // All processes have the same key.
            let key: SealingKey = "2a".repeat(32).parse().unwrap();
            Arc::new(Sealed::new(file, key))
        } else {
            Arc::new(file)
        }
    }
}
