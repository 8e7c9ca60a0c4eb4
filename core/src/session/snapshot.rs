//! Everything about a session that must outlive the process.
//!
//! One rule makes any store correct: *if the version changed, save before
//! acting on the step.* A login is counted before it is sent, so a crash at any
//! point forgets nothing. In one process the store is a mutex, on one machine a
//! file, across a fleet any register with compare-and-swap; a flight's lease is
//! then the lease across the fleet.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};
use thiserror::Error;

use super::{Memory, Session};
use crate::{Credentials, Environment};

/// The name that a snapshot is stored under, with the number of its format.
const FORMAT: &str = "thingspace-session-1";

/// A session at rest. Serialise it with any serde format, keep it, and
/// [`restore`](Session::restore) the session from it.
///
/// It holds live tokens, so keep it as you would a password; it never holds the
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
    pub(super) fn of(session: &Session) -> Self {
        Self(Contents {
            environment: session.environment.to_string(),
            key: session.credentials.app.key().to_owned(),
            username: session.credentials.user.username().to_owned(),
            memory: session.memory.clone(),
        })
    }

    /// The [version](Session::version) of the session that this is of.
    pub const fn version(&self) -> u64 {
        self.0.memory.version
    }

    pub(super) fn open(
        self,
        environment: &Environment,
        credentials: &Credentials,
    ) -> Result<Memory, RestoreError> {
        let Contents {
            environment: theirs,
            key,
            username,
            memory,
        } = self.0;
        if theirs != environment.to_string() {
            return Err(RestoreError::Environment);
        }
        if key != credentials.app.key() {
            return Err(RestoreError::App);
        }
        if username != credentials.user.username() {
            return Err(RestoreError::User);
        }
        Ok(memory)
    }
}

/// Reads a field that may hold nothing, but must be there: serde takes one that is
/// missing for nothing, and a gate would open because a store lost why it closed.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Why a session can't be restored from a snapshot: it is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is of another environment.
    #[error("the snapshot is of another environment; use one store for each")]
    Environment,
    /// It is of another application.
    #[error("the snapshot is of another application key; use one store for each")]
    App,
    /// It is of another user.
    #[error("the snapshot is of another user name; use one store for each")]
    User,
}

/// One entry, named after the format, so that a format of the future can be
/// told from damage.
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
        // What a format says of a text that stands in place of a map repeats the text.
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
    /// Set as soon as what is read is a map.
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
        let contents = map.next_value().map_err(|_| damaged())?;
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
