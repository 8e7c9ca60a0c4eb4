//! Everything about a session that must outlive the process.
//!
//! The times in a snapshot are those of the clock of the process that saved it, and so is
//! the moment of its saving. The code that loads it says how old it is, and then every time
//! is moved to the clock here. So the two clocks may differ.

use std::{fmt, mem};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{memory::Memory, settings::GREATEST_NUMBER, span::Shift};
use crate::{Credentials, Environment, Timestamp};

/// The name that a snapshot is saved under, with the number of its format.
const FORMAT: &str = "thingspace-session-3";

/// The name that a sealed snapshot is saved under, with the number of its format.
const SEALED_FORMAT: &str = "thingspace-sealed-1";

/// A session at rest, as data. Serialise it with any serde format, save it, and build the
/// session from it with
/// [`SessionBuilder::snapshot`](super::SessionBuilder::snapshot).
///
/// It holds live tokens, so protect it as you would a password. It never holds the
/// password or the application's secret. Of passwords that were refused lately, it holds
/// 16 bits of a salted hash. `Debug` shows none of it.
///
/// Where many processes share a session, a [`Store`](super::Store) holds the snapshot.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Open(Box<Contents>),
    Sealed(Box<Sealed>),
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Contents {
    revision: Revision,
    saved_at: Timestamp,
    environment: String,
    key: String,
    #[serde(deserialize_with = "super::nullable::present")]
    username: Option<String>,
    memory: Memory,
}

/// A snapshot whose content only the holders of a key can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    revision: Revision,
    saved_at: Timestamp,
    content: String,
}

/// The revision of a session in a store: a version, and a random number of the
/// process that saved it. If a store went back in time, two saves can have the same
/// version. The random number still tells them apart.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Revision {
    /// The number of saves before it, as far as its process knew.
    pub version: u64,
    /// The random number.
    pub nonce: u64,
}

impl Snapshot {
    pub(super) fn of(
        revision: Revision,
        saved_at: Timestamp,
        environment: &Environment,
        credentials: &Credentials,
        mut memory: Memory,
    ) -> Self {
        // Nothing in it is of the future, also if the clock was set back.
        memory.rebase(saved_at);
        (memory.version, memory.changes) = (0, 0);
        Self(Form::Open(Box::new(Contents {
            revision,
            saved_at,
            environment: environment.to_string(),
            key: credentials.app.key().to_owned(),
            username: credentials.username().map(ToOwned::to_owned),
            memory,
        })))
    }

    /// Returns the snapshot as JSON, and leaves no other copy of its tokens in memory. (A
    /// buffer that grows would leave pieces that are not wiped.)
    ///
    /// It has an error only because serde's functions have one. No snapshot is known to
    /// cause it.
    pub fn to_json(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        let mut length = 1024_usize;
        loop {
            let mut text = Zeroizing::new(vec![0; length]);
            // A slice, which can't grow.
            let mut rest = text.as_mut_slice();
            match serde_json::to_writer(&mut rest, self) {
                Ok(()) => {
                    let unused = rest.len();
                    text.truncate(length.saturating_sub(unused));
                    let text = String::from_utf8(mem::take(&mut *text));
                    return text.map(Zeroizing::new).map_err(serde::de::Error::custom);
                }
                Err(error) if error.is_io() => length = length.saturating_mul(2),
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the same snapshot with this text, an encrypted copy of its content, in place
    /// of the content. It has the same revision, so every store accepts it.
    ///
    /// A session can't be built from it. The code that sealed it takes the text from
    /// [`sealed`](Self::sealed) and decrypts it.
    #[must_use]
    pub fn seal(&self, content: String) -> Self {
        Self(Form::Sealed(Box::new(Sealed {
            revision: self.revision(),
            saved_at: self.saved_at(),
            content,
        })))
    }

    /// The content that was [sealed](Self::seal); `None` if this is not sealed.
    pub fn sealed(&self) -> Option<&str> {
        match &self.0 {
            Form::Open(_) => None,
            Form::Sealed(sealed) => Some(&sealed.content),
        }
    }

    /// The revision of the session in its store.
    pub const fn revision(&self) -> Revision {
        match &self.0 {
            Form::Open(contents) => contents.revision,
            Form::Sealed(sealed) => sealed.revision,
        }
    }

    /// The time at which it was taken, by the clock of the process that took it.
    pub const fn saved_at(&self) -> Timestamp {
        match &self.0 {
            Form::Open(contents) => contents.saved_at,
            Form::Sealed(sealed) => sealed.saved_at,
        }
    }

    /// The memory of the session by the clock here, if it was taken at this time.
    pub(super) fn open(
        self,
        environment: &Environment,
        credentials: &Credentials,
        taken: Timestamp,
    ) -> Result<Memory, SnapshotError> {
        let Form::Open(contents) = self.0 else {
            return Err(SnapshotError::Sealed);
        };
        let Contents {
            revision,
            saved_at,
            environment: theirs,
            key,
            username,
            memory,
        } = *contents;
        if theirs != environment.to_string() {
            return Err(OtherSession::Environment.into());
        }
        OtherSession::check(&key, username.as_deref(), credentials)?;
        if revision.version > GREATEST_NUMBER || memory.is_impossible(saved_at) {
            return Err(SnapshotError::Damaged);
        }
        Ok(memory.shifted(Shift {
            from: saved_at,
            to: taken,
        }))
    }
}

/// The reason why a snapshot can't be used for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It belongs to another session.
    #[error(transparent)]
    Other(#[from] OtherSession),
    /// It holds values that no session ever had.
    #[error(
        "the snapshot is damaged: it holds values that no session ever had; removing it forgets which logins have failed"
    )]
    Damaged,
    /// It is sealed.
    #[error("the snapshot is sealed; open it with the key that it was sealed with")]
    Sealed,
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
    pub(super) fn check(
        key: &str,
        username: Option<&str>,
        credentials: &Credentials,
    ) -> Result<(), Self> {
        if key != credentials.app.key() {
            return Err(Self::App);
        }
        if username != credentials.username() {
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
        match &self.0 {
            Form::Open(contents) => map.serialize_entry(FORMAT, contents)?,
            Form::Sealed(sealed) => map.serialize_entry(SEALED_FORMAT, sealed)?,
        }
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
        // Their message may repeat what stands there, and a token may stand anywhere.
        let form = match format.as_str() {
            FORMAT => map.next_value().map(Form::Open).map_err(|_| damaged())?,
            SEALED_FORMAT => map.next_value().map(Form::Sealed).map_err(|_| damaged())?,
            _ => {
                return Err(A::Error::custom(format_args!(
                    "not a snapshot of the format {FORMAT}; it may be from a newer version, or no snapshot at all"
                )));
            }
        };
        match map.next_key::<String>() {
            Ok(None) => Ok(Snapshot(form)),
            _ => Err(damaged()),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision())
            .field("saved_at", &self.saved_at())
            .finish_non_exhaustive()
    }
}
