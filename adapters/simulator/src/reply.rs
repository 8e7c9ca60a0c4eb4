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
    /// An answer, at once, and the last on its connection: the client is told
    /// before that the connection will be closed.
    Last(Response<Bytes>),
    /// An answer whose body breaks off half-way, and the connection with it,
    /// or over HTTP/2 the stream. The response here is the whole one.
    CutShort(Response<Bytes>),
    /// An answer whose body is this response's, over and over, for ever.
    Endless(Response<Bytes>),
    /// No answer: the connection is closed, or over HTTP/2 the stream is reset.
    Dropped,
    /// No answer, and over HTTP/2 the word of the service that it has not begun
    /// with the request. Over HTTP/1.1, which has no such word, the same as
    /// [`Dropped`](Self::Dropped).
    Refused,
    /// No answer, ever: the connection stays open until the client gives up.
    Hung,
}

impl Reply {
    /// The answer, early or late; `None` if no whole one arrives.
    pub fn into_answer(self) -> Option<Response<Bytes>> {
        match self {
            Self::Answer(response) | Self::Late(_, response) | Self::Last(response) => {
                Some(response)
            }
            Self::CutShort(_) | Self::Endless(_) | Self::Dropped | Self::Refused | Self::Hung => {
                None
            }
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(response) => write!(f, "Answer({})", response.status()),
            Self::Late(delay, response) => write!(f, "Late({delay:?}, {})", response.status()),
            Self::Last(response) => write!(f, "Last({})", response.status()),
            Self::CutShort(response) => write!(f, "CutShort({})", response.status()),
            Self::Endless(response) => write!(f, "Endless({})", response.status()),
            Self::Dropped => f.write_str("Dropped"),
            Self::Refused => f.write_str("Refused"),
            Self::Hung => f.write_str("Hung"),
        }
    }
}
