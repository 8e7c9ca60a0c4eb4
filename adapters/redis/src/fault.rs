//! The failures of a server, in words that show nothing of what was sent to it.

use redis::{ErrorKind, RedisError};
use thiserror::Error;

use crate::script::MAX_SNAPSHOT;

/// A failure of the server, or of the connection to it.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// The server refused a command.
    #[error("{code} {message}")]
    Refused { code: String, message: String },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The client library gave up.
    #[error("{0}")]
    Client(String),
    /// The server's response is none to what it was asked.
    #[error("it does not respond as Redis does")]
    InvalidResponse,
    /// The key holds something else.
    #[error("the key {0} holds something that this store has not saved; name another key")]
    ForeignKey(String),
    /// The session is larger than any.
    #[error("it is larger than {MAX_SNAPSHOT} bytes")]
    TooLarge,
    /// Nothing was saved, since it would not be safe.
    #[error("nothing is saved: fewer than {wanted} replicas are connected and up to date")]
    TooFewReplicas { wanted: u8 },
    /// It was saved in one place only.
    #[error(
        "it is saved on the primary, but {confirmed} of the {wanted} replicas have confirmed it in time, so a failover may lose it"
    )]
    Unconfirmed { wanted: u8, confirmed: i64 },
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io => Self::Broken(error.to_string()),
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Refused {
                code: error.code().unwrap_or("ERR").to_owned(),
                message: without_arguments(error.detail().unwrap_or_default()).to_owned(),
            },
            // Its other errors may show what was received.
            _ => Self::Client(error.category().to_owned()),
        }
    }
}

/// Cuts off the arguments of a command that the server does not know, such as a password
/// or a session.
fn without_arguments(message: &str) -> &str {
    let (message, _) = message.split_once(", with args").unwrap_or((message, ""));
    message
}
