//! The ways in which the service, or something between it and the client, can
//! be told to misbehave.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::Reply;
use crate::refusal::{Refusal, bare};

/// One misbehaviour, queued with [`inject`](crate::Simulator::inject).
///
/// A fault stands in the place of the service: the request is *not* carried
/// out. Four are different, and say so: [`Delay`](Self::Delay),
/// [`CutShort`](Self::CutShort), [`GoAway`](Self::GoAway) and
/// [`AfterActing`](Self::AfterActing).
///
/// Where HTTP/1.1 closes the connection, HTTP/2 resets the request's stream
/// with `INTERNAL_ERROR`, and other requests on the connection go on.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed without an answer.
    Drop,
    /// The answer never comes; the connection stays open until the client
    /// gives up.
    Hang,
    /// The request is carried out at once, and rightly answered this much
    /// later.
    Delay(Duration),
    /// The request is carried out, and the connection is lost half-way through
    /// the right answer's body. An answer without a body is lost whole.
    CutShort,
    /// HTTP/2 resets the stream with `REFUSED_STREAM`, the service's word that
    /// it has not begun with the request (RFC 9113 §8.7). HTTP/1.1, which has
    /// no such word, does as with [`Drop`](Self::Drop). After acting, it is a
    /// lie.
    RefusedStream,
    /// The request is carried out and rightly answered, and the connection is
    /// closed behind it. The client is told before the answer: over HTTP/2 by a
    /// GOAWAY (RFC 9113 §6.8), over HTTP/1.1 by `Connection: close`.
    GoAway,
    /// 200, and bytes that are neither JSON nor UTF-8.
    Garbage,
    /// A proxy's error page, with this status.
    Html(StatusCode),
    /// 200, and no body.
    Empty,
    /// 200, and a body that never ends.
    Endless,
    /// 429 without a body. ThingSpace documents that limits exist, not what
    /// the header will say.
    Throttled {
        /// The `Retry-After` header: seconds, a date, or whatever a client
        /// should not stumble over.
        retry_after: Option<HeaderValue>,
    },
    /// 429 with the gateway's fault `900800`. The gateway's own throttling has
    /// codes of the form `9008xx`; this one and its status are our choice.
    ThrottledOut,
    /// This status without a body.
    Status(StatusCode),
    /// 307 to this place, which asks for the same request there, body and all.
    Redirect(HeaderValue),
    /// Any answer at all.
    Replace(Response<Bytes>),
    /// The request is carried out, and the fault stands in the place of its
    /// answer. [`after_acting`](Self::after_acting) writes it shorter.
    AfterActing(Box<Fault>),
}

impl Fault {
    /// The same fault after the request has been carried out: the client
    /// cannot tell the two apart, and the service has moved on.
    #[must_use]
    pub fn after_acting(self) -> Self {
        Self::AfterActing(Box::new(self))
    }

    /// Whether the request is carried out.
    pub(crate) fn acts(&self) -> bool {
        matches!(
            self,
            Self::Delay(_) | Self::CutShort | Self::GoAway | Self::AfterActing(_)
        )
    }

    /// What the client sees. `right` is the answer of a fault that
    /// [acts](Self::acts); the others do not look at it.
    pub(crate) fn befall(self, right: Response<Bytes>) -> Reply {
        match self {
            Self::Drop => Reply::Dropped,
            Self::Hang => Reply::Hung,
            Self::Delay(delay) => Reply::Late(delay, right),
            Self::CutShort if right.body().is_empty() => Reply::Dropped,
            Self::CutShort => Reply::CutShort(right),
            Self::RefusedStream => Reply::Refused,
            Self::GoAway => Reply::Last(right),
            Self::Garbage => Reply::Answer(Response::new(GARBAGE)),
            Self::Html(status) => Reply::Answer(page(status)),
            Self::Empty => Reply::Answer(Response::default()),
            Self::Endless => Reply::Endless(Response::new(ENDLESS)),
            Self::Throttled { retry_after } => {
                let mut response = bare(StatusCode::TOO_MANY_REQUESTS);
                if let Some(retry_after) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, retry_after);
                }
                Reply::Answer(response)
            }
            Self::ThrottledOut => Reply::Answer(Refusal::THROTTLED_OUT.into_response()),
            Self::Status(status) => Reply::Answer(bare(status)),
            Self::Redirect(location) => {
                let mut response = bare(StatusCode::TEMPORARY_REDIRECT);
                response.headers_mut().insert(LOCATION, location);
                Reply::Answer(response)
            }
            Self::Replace(response) => Reply::Answer(response),
            Self::AfterActing(fault) => fault.befall(right),
        }
    }
}

const GARBAGE: Bytes = Bytes::from_static(b"\xff\xfe\x00{\"sessionToken\":\xc3\x28");

/// Blanks may stand before any JSON, so a reader has no cause to stop early.
const ENDLESS: Bytes = Bytes::from_static(&[b' '; 1024]);

fn page(status: StatusCode) -> Response<Bytes> {
    let mut response = bare(status);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    *response.body_mut() = Bytes::from(format!(
        "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
    ));
    response
}
