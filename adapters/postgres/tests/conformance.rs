//! The laws that every store keeps.

#![cfg(test)]
#![cfg(feature = "servers")]

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use thingspace_conformance::{Can, Frozen, Held, Opened, Place};
use thingspace_core::session::Snapshot;
use thingspace_fleet::{Link, Postgres as Server};
use thingspace_postgres::{Limits, Postgres, RemoteStore};

/// One server for all tests, with the table.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::start();
    server.sql(Postgres::TABLE);
    server
});

static PLACES: AtomicU32 = AtomicU32::new(0);

/// The longest that an access takes: of a machine that may be slow.
const LIMIT: Duration = Duration::from_secs(3);

/// A row, and a way to it that may hang.
struct Row {
    name: String,
    link: Link,
}

impl Row {
    fn store(&self) -> RemoteStore {
        let mut limits = Limits::default();
        limits.access = LIMIT;
        let address = SERVER.address_at(self.link.address());
        let place = Postgres::at(&address).unwrap().name(&self.name).unwrap();
        place.limits(limits).store().unwrap()
    }
}

impl Place for Row {
    fn new() -> Self {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("place {number}"),
            link: Link::to(SERVER.socket_address()),
        }
    }

    fn open(&self) -> Opened {
        Opened::both(self.store(), self.store())
    }

    fn read(&self) -> Option<String> {
        let name = &self.name;
        // Also an empty text is one.
        let select =
            format!("SELECT '>' || snapshot FROM thingspace_session WHERE name = '{name}'");
        SERVER.sql(&select).strip_prefix('>').map(ToOwned::to_owned)
    }

    fn write(&self, text: Option<&str>) {
        let name = &self.name;
        SERVER.sql(&format!(
            "DELETE FROM thingspace_session WHERE name = '{name}'"
        ));
        let Some(text) = text else {
            return;
        };
        let revision = serde_json::from_str(text).map_or_else(
            |_| "none".to_owned(),
            |snapshot: Snapshot| {
                let revision = snapshot.revision();
                format!("{}-{:016x}", revision.version, revision.nonce)
            },
        );
        SERVER.sql(&format!(
            "INSERT INTO thingspace_session VALUES ('{name}', '{revision}', $text${text}$text$, now())"
        ));
    }

    fn let_pass(&self, time: Duration) -> Can<()> {
        let (name, seconds) = (&self.name, time.as_secs_f64());
        SERVER.sql(&format!(
            "UPDATE thingspace_session SET saved_at = saved_at - interval '{seconds} seconds' WHERE name = '{name}'"
        ));
        Can::Yes(())
    }

    fn freeze(&self) -> Can<Frozen<'_>> {
        struct Stalled<'a>(&'a Link);
        impl Drop for Stalled<'_> {
            fn drop(&mut self) {
                self.0.mend();
            }
        }
        self.link.stall();
        let stalled: Box<dyn Held> = Box::new(Stalled(&self.link));
        Can::Yes(Frozen::all(LIMIT, stalled))
    }

    fn wakes(&self) -> Can<()> {
        Can::Yes(())
    }
}

thingspace_conformance::all!(Row);
