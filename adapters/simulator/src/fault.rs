//! Faults of the service, or of something between it and the client, that a
//! test can inject.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::refusal::{Refusal, bare};
use crate::{Form, Reply};

/// A fault to inject with [`inject`](crate::Simulator::inject).
///
/// A fault replaces the service: the request is *not* executed. The exceptions
/// are [`Delay`](Self::Delay), [`CutShort`](Self::CutShort),
/// [`RefusedMidway`](Self::RefusedMidway), [`Stall`](Self::Stall),
/// [`GoAway`](Self::GoAway) and [`AfterActing`](Self::AfterActing), which execute it.
///
/// Where HTTP/1.1 closes the connection, HTTP/2 resets the request's stream
/// with `INTERNAL_ERROR`, and other requests on the connection go on.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed without a response.
    Drop,
    /// No response is sent. The connection stays open until the client gives
    /// up.
    Hang,
    /// The request is executed at once. Its normal response is sent after this
    /// time.
    Delay(Duration),
    /// The request is executed. The connection is closed in the middle of the
    /// normal response's body. A response without a body is not sent at all.
    CutShort,
    /// The request is executed. The first half of the normal response's body is
    /// sent, and no more. The connection stays open until the client gives up.
    Stall,
    /// HTTP/2 resets the stream with `REFUSED_STREAM`: the service states that
    /// it did not process the request (RFC 9113 §8.7). HTTP/1.1 has no such
    /// signal, so there it is the same as [`Drop`](Self::Drop). Combined with
    /// [`AfterActing`](Self::AfterActing), the statement is false.
    RefusedStream,
    /// The request is executed. HTTP/2 resets the stream with `REFUSED_STREAM` in
    /// the middle of the normal response's body. The statement is false: it is
    /// only true before any processing (RFC 9113 §8.7), and what has a response
    /// was processed. Over HTTP/1.1, and for a response without a body, it is the
    /// same as [`CutShort`](Self::CutShort).
    RefusedMidway,
    /// The request is executed, its normal response is sent, and then the
    /// connection is closed. The service announces this before the response:
    /// over HTTP/2 by a GOAWAY (RFC 9113 §6.8), over HTTP/1.1 by `Connection:
    /// close`.
    GoAway,
    /// 200, and bytes that are neither JSON nor UTF-8.
    Garbage,
    /// A proxy's error page, with this status.
    Html(StatusCode),
    /// 200, and no body.
    Empty,
    /// 200, and a body that never ends.
    Endless,
    /// 429 without a body. ThingSpace documents that limits exist, but not the
    /// value of the header.
    Throttled {
        /// The `Retry-After` header: seconds, a date, or any other value that a
        /// client must cope with.
        retry_after: Option<HeaderValue>,
    },
    /// 429 with the gateway's fault `900800`. The gateway's own throttling has
    /// codes of the form `9008xx`; this one and its status are our choice.
    ThrottledOut,
    /// The tokens are refused, in one of the forms that the simulator does not give by
    /// itself.
    TokensRefused(Form),
    /// This status without a body.
    Status(StatusCode),
    /// 307 to this location. The client is asked to send the same request
    /// there, with its body.
    Redirect(HeaderValue),
    /// This response, whatever it is.
    Replace(Response<Bytes>),
    /// The request is executed, and this fault replaces its response. The
    /// short form is [`after_acting`](Self::after_acting).
    AfterActing(Box<Fault>),
}

impl Fault {
    /// Returns this fault, but after the execution of the request.
    ///
    /// The client cannot distinguish the two. The service's state has changed.
    #[must_use]
    pub fn after_acting(self) -> Self {
        Self::AfterActing(Box::new(self))
    }

    /// Returns true if the request is executed.
    pub(crate) fn executes(&self) -> bool {
        matches!(
            self,
            Self::Delay(_)
                | Self::CutShort
                | Self::Stall
                | Self::RefusedMidway
                | Self::GoAway
                | Self::AfterActing(_)
        )
    }

    /// Returns the reply that the client sees.
    ///
    /// `normal` is the response of the executed request. A fault that does not
    /// [execute](Self::executes) the request ignores it.
    pub(crate) fn apply(self, normal: Response<Bytes>) -> Reply {
        match self {
            Self::Drop => Reply::Dropped,
            Self::Hang => Reply::Hung,
            Self::Delay(delay) => Reply::Late(delay, normal),
            Self::CutShort | Self::RefusedMidway if normal.body().is_empty() => Reply::Dropped,
            Self::CutShort => Reply::CutShort(normal),
            Self::Stall => Reply::Stalled(normal),
            Self::RefusedStream => Reply::Refused,
            Self::RefusedMidway => Reply::RefusedMidway(normal),
            Self::GoAway => Reply::Last(normal),
            Self::Garbage => Reply::Response(Response::new(GARBAGE)),
            Self::Html(status) => Reply::Response(page(status)),
            Self::Empty => Reply::Response(Response::default()),
            Self::Endless => Reply::Endless(Response::new(ENDLESS)),
            Self::Throttled { retry_after } => {
                let mut response = bare(StatusCode::TOO_MANY_REQUESTS);
                if let Some(retry_after) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, retry_after);
                }
                Reply::Response(response)
            }
            Self::ThrottledOut => Reply::Response(Refusal::THROTTLED_OUT.into_response()),
            Self::TokensRefused(form) => Reply::Response(form.response()),
            Self::Status(status) => Reply::Response(bare(status)),
            Self::Redirect(location) => {
                let mut response = bare(StatusCode::TEMPORARY_REDIRECT);
                response.headers_mut().insert(LOCATION, location);
                Reply::Response(response)
            }
            Self::Replace(response) => Reply::Response(response),
            Self::AfterActing(fault) => fault.apply(normal),
        }
    }
}

const GARBAGE: Bytes = Bytes::from_static(b"\xff\xfe\x00{\"sessionToken\":\xc3\x28");

/// Blanks. They may precede any JSON, so a reader has no reason to stop early.
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
