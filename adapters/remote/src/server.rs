//! The part of a store that differs from one kind of server to another.

use std::{error::Error as StdError, time::Duration};

use thingspace_core::session::{Revision, Saved};
use zeroize::Zeroizing;

use crate::Changes;

/// An error of a server, or of the client library that speaks to it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A server that holds a session, and the way to it.
///
/// Its futures run on a thread of the store's own, with tokio. They may be dropped at any
/// point: the connection is then used no more.
#[expect(async_fn_in_trait, reason = "they stay on the thread of the store")]
pub trait Server: Send + 'static {
    /// A connection to it.
    type Connection: Connection;

    /// The server's name for errors, as "PostgreSQL at db.example:5432". It holds no
    /// password.
    fn name(&self) -> String;

    /// Connects. The connection tells `changes` of what others save, for as long as it
    /// lives.
    async fn connect(&self, changes: Changes) -> Result<Self::Connection, BoxError>;
}

/// A connection to a [`Server`]. After an error it is used no more.
#[expect(async_fn_in_trait, reason = "they stay on the thread of the store")]
pub trait Connection {
    /// Loads what is saved, and its age by the server's clock; `None` if nothing is.
    ///
    /// Fails if there is something in its place that is no record.
    async fn load(&mut self) -> Result<Option<Record>, BoxError>;

    /// Saves what `save` holds in place of the revision that it has seen, in one step.
    ///
    /// It is [`Saved::Saved`] also if the server has this very revision already: a save
    /// is sent again if nothing was heard of it.
    async fn save(&mut self, save: &Save) -> Result<Saved, BoxError>;

    /// Returns true if it is known to be broken.
    fn is_closed(&self) -> bool {
        false
    }
}

/// A snapshot as a server holds it.
pub struct Record {
    /// The text of its [revision](Save::revision).
    pub revision: String,
    /// The snapshot, as JSON.
    pub snapshot: Zeroizing<String>,
    /// The time since it was saved, by the server's clock.
    pub age: Duration,
}

/// A snapshot that is to be saved.
pub struct Save {
    /// The revision that is replaced; `None` if nothing is to be there.
    pub seen: Option<String>,
    /// Its own revision.
    pub revision: String,
    /// The snapshot, as JSON.
    pub snapshot: Zeroizing<String>,
}

/// Returns a revision as text: its version, and its nonce as 16 hexadecimal digits.
pub(crate) fn text_of(revision: Revision) -> String {
    format!("{}-{:016x}", revision.version, revision.nonce)
}
