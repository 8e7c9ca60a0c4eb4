//! The reply to a request, which is not always a response.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

/// The reply that a client sees: a response, a part of one, or none.
///
/// A test in memory translates it into the result that its client expects from
/// a connection. `Server` does the same on a real connection. `Debug` leaves
/// out headers and bodies, because they contain tokens.
#[derive(Clone)]
pub enum Reply {
    /// A response, at once.
    Response(Response<Bytes>),
    /// A response, after this time.
    Late(Duration, Response<Bytes>),
    /// A response, at once, and the last on its connection. The service
    /// announces before it that the connection will be closed.
    Last(Response<Bytes>),
    /// A response that breaks off in the middle of its body. The connection is
    /// closed, or over HTTP/2 the stream is reset. The value is the whole
    /// response.
    CutShort(Response<Bytes>),
    /// A response that breaks off in the middle of its body. Over HTTP/2 the service
    /// states that it did not process the request. Over HTTP/1.1 it is the same as
    /// [`CutShort`](Self::CutShort). The value is the whole response.
    RefusedMidway(Response<Bytes>),
    /// A response that comes to a halt in the middle of its body. The connection
    /// stays open until the client gives up. The value is the whole response.
    Stalled(Response<Bytes>),
    /// A response that repeats this body without end.
    Endless(Response<Bytes>),
    /// No response. The connection is closed, or over HTTP/2 the stream is
    /// reset.
    Dropped,
    /// No response. Over HTTP/2 the service states that it did not process the
    /// request. HTTP/1.1 has no such signal, so there it is the same as
    /// [`Dropped`](Self::Dropped).
    Refused,
    /// No response. The connection stays open until the client gives up.
    Hung,
}

impl Reply {
    /// Returns the response, at once or late. `None` if no whole response
    /// arrives.
    pub fn into_response(self) -> Option<Response<Bytes>> {
        match self {
            Self::Response(response) | Self::Late(_, response) | Self::Last(response) => {
                Some(response)
            }
            Self::CutShort(_)
            | Self::RefusedMidway(_)
            | Self::Stalled(_)
            | Self::Endless(_)
            | Self::Dropped
            | Self::Refused
            | Self::Hung => None,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(response) => write!(f, "Response({})", response.status()),
            Self::Late(delay, response) => write!(f, "Late({delay:?}, {})", response.status()),
            Self::Last(response) => write!(f, "Last({})", response.status()),
            Self::CutShort(response) => write!(f, "CutShort({})", response.status()),
            Self::RefusedMidway(response) => write!(f, "RefusedMidway({})", response.status()),
            Self::Stalled(response) => write!(f, "Stalled({})", response.status()),
            Self::Endless(response) => write!(f, "Endless({})", response.status()),
            Self::Dropped => f.write_str("Dropped"),
            Self::Refused => f.write_str("Refused"),
            Self::Hung => f.write_str("Hung"),
        }
    }
}
