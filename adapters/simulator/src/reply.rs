//! What goes back over the wire, which is not always an answer.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

/// What a client gets to see of its request.
///
/// A test in memory turns this into what its client expects of a connection;
/// `Server` does the same on a real one. What it prints in
/// `Debug` leaves out headers and bodies, which hold tokens.
#[derive(Clone)]
pub enum Reply {
    /// An answer, at once.
    Answer(Response<Bytes>),
    /// An answer, this much later.
    Late(Duration, Response<Bytes>),
    /// An answer whose body breaks off half-way, and the connection with it.
    /// The response here is the whole one.
    CutShort(Response<Bytes>),
    /// An answer whose body is this response's, over and over, for ever.
    Endless(Response<Bytes>),
    /// No answer: the connection is closed.
    Dropped,
    /// No answer, ever: the connection stays open until the client gives up.
    Hung,
}

impl Reply {
    /// The answer, early or late; `None` if no whole one arrives.
    pub fn into_answer(self) -> Option<Response<Bytes>> {
        match self {
            Self::Answer(response) | Self::Late(_, response) => Some(response),
            Self::CutShort(_) | Self::Endless(_) | Self::Dropped | Self::Hung => None,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(response) => write!(f, "Answer({})", response.status()),
            Self::Late(delay, response) => write!(f, "Late({delay:?}, {})", response.status()),
            Self::CutShort(response) => write!(f, "CutShort({})", response.status()),
            Self::Endless(response) => write!(f, "Endless({})", response.status()),
            Self::Dropped => f.write_str("Dropped"),
            Self::Hung => f.write_str("Hung"),
        }
    }
}
