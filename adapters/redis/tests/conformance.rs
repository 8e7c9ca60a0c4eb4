//! The laws of every store, on one server, and on a primary with a replica.

#![cfg(test)]
#![cfg(feature = "servers")]

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use thingspace_conformance::{Can, Frozen, Opened, Place};
use thingspace_core::session::Snapshot;
use thingspace_fleet::{Link, Redis as Server};
use thingspace_redis::{Limits, Redis};

/// The bound of an access: long enough for a busy machine.
const BOUND: Duration = Duration::from_secs(3);

/// The servers of all tests. They are removed when the process ends.
static ALONE: LazyLock<Server> = LazyLock::new(Server::start);
static REPLICATED: LazyLock<[Server; 2]> = LazyLock::new(|| {
    let servers = [Server::start(), Server::start()];
    let [primary, replica] = &servers;
    replica.replica_of(primary);
    servers
});

/// A key on a server with so many replicas, and a link of its own to the server.
struct Key<const REPLICAS: u8> {
    server: &'static Server,
    link: Link,
    name: String,
}

impl<const REPLICAS: u8> Key<REPLICAS> {
    fn cli(&self, command: &str, arguments: &[&str]) -> String {
        let command = [&[command, &self.name], arguments].concat();
        self.server.cli(&command)
    }
}

impl<const REPLICAS: u8> Place for Key<REPLICAS> {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = match REPLICAS {
            0 => &*ALONE,
            _ => &REPLICATED[0],
        };
        Self {
            server,
            link: Link::to(server.socket_address()),
            name: format!("session {}", COUNT.fetch_add(1, Relaxed)),
        }
    }

    fn open(&self) -> Opened {
        let mut limits = Limits::default();
        limits.access = BOUND;
        let place = Redis::at(&self.server.address_at(self.link.address())).unwrap();
        let place = place.key(&self.name).replicas(REPLICAS).limits(limits);
        let store = place.store().unwrap();
        Opened::both(store.clone(), store)
    }

    fn read(&self) -> Option<String> {
        let is_there = self.cli("HEXISTS", &["snapshot"]) == "1";
        is_there.then(|| self.cli("HGET", &["snapshot"]))
    }

    fn write(&self, text: Option<&str>) {
        let Some(text) = text else {
            self.cli("DEL", &[]);
            return;
        };
        let revision = serde_json::from_str::<Snapshot>(text).map(|snapshot| snapshot.revision());
        let revision = revision.map_or_else(
            |_| "none".to_owned(),
            |revision| format!("{}-{:016x}", revision.version, revision.nonce),
        );
        let now = self.server.cli(&["TIME"]);
        let (seconds, micros) = now.split_once('\n').unwrap();
        let saved_at = format!("{seconds}{micros:0>6}");
        let fields = [
            "revision", &revision, "snapshot", text, "saved_at", &saved_at,
        ];
        self.cli("HSET", &fields);
    }

    fn let_pass(&self, time: Duration) -> Can<()> {
        let micros = format!("-{}", time.as_micros());
        self.cli("HINCRBY", &["saved_at", &micros]);
        Can::Yes(())
    }

    fn freeze(&self) -> Can<Frozen<'_>> {
        self.link.stall();
        Can::Yes(Frozen::all(BOUND, Mend(&self.link)))
    }

    fn wakes(&self) -> Can<()> {
        Can::Yes(())
    }
}

/// Mends a link when it is dropped.
struct Mend<'a>(&'a Link);

impl Drop for Mend<'_> {
    fn drop(&mut self) {
        self.0.mend();
    }
}

mod alone {
    type Key = super::Key<0>;

    thingspace_conformance::all!(Key);
}

mod with_a_replica {
    type Key = super::Key<1>;

    thingspace_conformance::all!(Key);
}
