//! Everything about a session that must outlive the process.
//!
//! One rule makes any store correct: *if the version changed, save before
//! acting on the step.* A login is counted before it is sent, so a crash at any
//! point forgets nothing. In one process the store is a mutex, on one machine a
//! file, across a fleet any register with compare-and-swap; an operation's lease
//! is then the lease across the fleet.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};
use thiserror::Error;

use super::memory::Memory;
use crate::{Credentials, Environment};

/// The name that a snapshot is saved under, with the number of its format.
const FORMAT: &str = "thingspace-session-2";

/// A session at rest. Serialise it with any serde format, save it, and build the
/// session from it with
/// [`SessionBuilder::snapshot`](super::SessionBuilder::snapshot).
///
/// It holds live tokens, so protect it as you would a password; it never holds the
/// password or the application's secret. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot(Contents);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Contents {
    environment: String,
    key: String,
    username: String,
    memory: Memory,
}

impl Snapshot {
    pub(super) fn of(
        environment: &Environment,
        credentials: &Credentials,
        memory: &Memory,
    ) -> Self {
        Self(Contents {
            environment: environment.to_string(),
            key: credentials.app.key().to_owned(),
            username: credentials.user.username().to_owned(),
            memory: memory.clone(),
        })
    }

    /// The [version](super::Session::version) of the session at the time.
    pub const fn version(&self) -> u64 {
        self.0.memory.version
    }

    pub(super) fn open(
        self,
        environment: &Environment,
        credentials: &Credentials,
    ) -> Result<Memory, OtherSession> {
        let Contents {
            environment: theirs,
            key,
            username,
            memory,
        } = self.0;
        if theirs != environment.to_string() {
            return Err(OtherSession::Environment);
        }
        OtherSession::check(&key, &username, credentials)?;
        Ok(memory)
    }
}

/// The reason why a snapshot, or other credentials, can't be used for a session:
/// they belong to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OtherSession {
    /// The environment is another one.
    #[error(
        "this belongs to a session in another environment; make one session, and one store, for each"
    )]
    Environment,
    /// The application is another one.
    #[error(
        "this belongs to a session of another application key; make one session, and one store, for each"
    )]
    App,
    /// The user is another one.
    #[error(
        "this belongs to a session of another user name; make one session, and one store, for each"
    )]
    User,
}

impl OtherSession {
    /// Checks that `credentials` are of this application and user.
    pub(super) fn check(key: &str, username: &str, credentials: &Credentials) -> Result<(), Self> {
        if key != credentials.app.key() {
            return Err(Self::App);
        }
        if username != credentials.user.username() {
            return Err(Self::User);
        }
        Ok(())
    }
}

/// Writes one entry, named after the format, so that a format of the future can
/// be told from damage.
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(FORMAT, &self.0)?;
        map.end()
    }
}

/// Fails, without repeating any of it, for what is damaged, not a snapshot, or
/// of another format.
impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entered = false;
        let visitor = SnapshotVisitor {
            entered: &mut entered,
        };
        // The message about a text that stands in place of a map repeats the text.
        deserializer.deserialize_map(visitor).map_err(|error| {
            if entered {
                error
            } else {
                D::Error::custom(format_args!("not a snapshot of the format {FORMAT}"))
            }
        })
    }
}

struct SnapshotVisitor<'a> {
    /// True as soon as a map is read.
    entered: &'a mut bool,
}

impl<'de> Visitor<'de> for SnapshotVisitor<'_> {
    type Value = Snapshot;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a snapshot of a session ({FORMAT})")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Snapshot, A::Error> {
        *self.entered = true;
        let damaged = || A::Error::custom("the snapshot is damaged");
        let format: String = map.next_key().ok().flatten().ok_or_else(damaged)?;
        if format != FORMAT {
            return Err(A::Error::custom(format_args!(
                "not a snapshot of the format {FORMAT}; it may be from a newer version, or no snapshot at all"
            )));
        }
        // Their message may repeat what stands there, and a token may stand anywhere.
        let contents: Contents = map.next_value().map_err(|_| damaged())?;
        if !contents.memory.is_possible() {
            return Err(damaged());
        }
        match map.next_key::<String>() {
            Ok(None) => Ok(Snapshot(contents)),
            _ => Err(damaged()),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
