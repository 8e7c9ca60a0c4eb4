//! The accesses to the store.

use std::time::Duration;

use thingspace_core::{
    Session, StoreError, Timestamp,
    session::{Loaded, Revision, Saved, Snapshot},
};

use super::{Client, Place, Running};
use crate::{
    json::{Fields, Json},
    redact::redact,
    value,
    words::Words,
};

/// The time after which a store that does not respond is taken for down (our choice).
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// An access to the store that is not over.
#[derive(Clone, Copy)]
pub(super) struct Access {
    call: u64,
    pub(super) deadline: Timestamp,
    is_load: bool,
}

impl Client {
    /// Takes the store's word.
    pub(super) fn take_access(
        &mut self,
        now: Timestamp,
        what: &str,
        access: u64,
        mut given: Fields,
    ) -> Result<(), String> {
        match what {
            "loaded" => {
                let record = given.optional("record");
                given.end()?;
                let loaded = record.map(loaded).transpose().map_err(StoreError::new);
                self.loaded(now, access, loaded);
            }
            "saved" => {
                let saved = match given.take("saved") {
                    Json::Bool(true) => Ok(Saved::Saved),
                    Json::Bool(false) => Ok(Saved::Conflict),
                    _ => Err(Words::from(
                        "the store says neither true nor false of a save",
                    )),
                };
                given.end()?;
                self.saved(now, access, saved.map_err(StoreError::new));
            }
            _ => {
                let error = given.text("error").unwrap_or_default();
                given.end()?;
                let error = redact(&error, &self.session, &self.secret);
                self.store_failed(now, access, error.into());
            }
        }
        Ok(())
    }

    /// Loads what the store has, for a call.
    pub(super) fn load(&mut self, now: Timestamp, call: u64) {
        let access = self.access(now, call, true);
        let load = Json::Shown(vec![("access", access.into())]);
        self.effects.push(Json::named("load", load));
    }

    /// Saves a snapshot, for a call.
    pub(super) fn save(
        &mut self,
        now: Timestamp,
        call: u64,
        seen: Option<Revision>,
        snapshot: &Snapshot,
    ) {
        let access = self.access(now, call, false);
        match snapshot.to_json() {
            Ok(json) => {
                let save = Json::Shown(vec![
                    ("access", access.into()),
                    ("seen", seen.map(name_of_revision).into()),
                    ("revision", name_of_revision(snapshot.revision()).into()),
                    ("snapshot", json.as_str().into()),
                ]);
                self.effects.push(Json::named("save", save));
            }
            Err(error) => self.saved(now, access, Err(StoreError::new(error))),
        }
    }

    /// Begins an access to the store.
    fn access(&mut self, now: Timestamp, call: u64, is_load: bool) -> u64 {
        let access = self.next_number();
        if let Some(running) = self.calls.get_mut(call) {
            running.place = Place::Accessing(access);
        }
        let deadline = now + STORE_TIMEOUT;
        self.accesses.insert(
            access,
            Access {
                call,
                deadline,
                is_load,
            },
        );
        access
    }

    /// Ends an access to the store. Returns its call, unless nobody waits for it.
    fn end_access(&mut self, access: u64) -> Option<(&mut Running, &mut Session)> {
        let Access { call, .. } = *self.accesses.remove(access)?;
        let running = self.calls.get_mut(call)?;
        running.place = Place::Ready;
        self.ready.push_back(call);
        Some((running, &mut self.session))
    }

    fn loaded(&mut self, now: Timestamp, access: u64, result: Result<Option<Loaded>, StoreError>) {
        if let Some((running, session)) = self.end_access(access) {
            running.call.loaded(session, now, result);
        }
    }

    fn saved(&mut self, now: Timestamp, access: u64, result: Result<Saved, StoreError>) {
        if let Some((running, session)) = self.end_access(access) {
            running.call.saved(session, now, result);
        }
    }

    pub(super) fn store_failed(&mut self, now: Timestamp, access: u64, error: Words) {
        let Some(Access { is_load, .. }) = self.accesses.get(access).copied() else {
            return;
        };
        let error = StoreError::new(error);
        if is_load {
            self.loaded(now, access, Err(error));
        } else {
            self.saved(now, access, Err(error));
        }
    }
}

/// Reads what a store has.
fn loaded(mut record: Fields) -> Result<Loaded, Words> {
    let snapshot = record.secret("snapshot").unwrap_or_default();
    // A clock that was set back makes it less than nothing.
    let age = match record.take("age") {
        Json::Number(age) => age,
        _ => 0,
    };
    let no_snapshot = |_| Words::from("the store has loaded something that is no snapshot");
    record.end().map_err(no_snapshot)?;
    Ok(Loaded {
        snapshot: value::snapshot(&snapshot)?,
        age: Duration::from_millis(age),
    })
}

/// The name of a revision, for stores: they only compare it.
fn name_of_revision(revision: Revision) -> String {
    format!("{}-{:016x}", revision.version, revision.nonce)
}
