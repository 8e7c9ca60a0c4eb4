//! One request over any stack, and its outcome when it fails.

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Request, Response, Version, response::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::rt::{Sleep, Timer};
use thingspace_core::{Refusal, TransportError, session::Transmit};
use tower_service::Service;

use crate::{
    error::BoxError,
    streamed::{Asked, Coming, Rest},
};

/// The most bytes of a response that is streamed which are read before it is there:
/// shorter ones are retried like any other if they break off. Our choice.
const BEGINNING: usize = 16 * 1024;

/// An HTTP stack: any tower service that takes requests with a whole body, such as a
/// hyper-util client with a connector of one's own, a stack of middleware, or a test
/// double.
///
/// Implemented for every service that has what it needs; there is nothing to write:
///
/// - It is a [`Service`] of `http::Request<http_body_util::Full<bytes::Bytes>>`.
/// - Its response is an `http::Response` whose body is a `http_body::Body` that is `Send`.
/// - Its future is `Send`; its error, and that of the body, becomes a
///   `Box<dyn Error + Send + Sync>`.
/// - It is `Clone`, `Send` and `'static`. It need not be `Sync`: every request has a clone of
///   its own, and one at a time is made.
///
/// To name the type of a stack of middleware, put it into a
/// `tower::util::BoxCloneSyncService` or a `BoxCloneService`.
///
/// A service that knows better whether a request left puts a [`TransportError`] among the
/// causes of its error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an HTTP stack for a ThingSpace client",
    label = "not a `Stack`",
    note = "a stack is a `tower_service::Service<http::Request<http_body_util::Full<bytes::Bytes>>>` that is `Clone + Send + 'static`, with a future that is `Send`, and with an `http::Response` of any body that is `Send`",
    note = "to give a stack of middleware a name, put it into a `tower::util::BoxCloneSyncService` or a `BoxCloneService`"
)]
#[doc(alias = "BoxCloneSyncService")]
#[doc(alias = "BoxCloneService")]
pub trait Stack:
    Service<
        Request<Full<Bytes>>,
        Response = Response<Self::Body>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// The body of its responses.
    type Body: Body<Data: Buf + Send, Error: Into<BoxError>> + Send;
}

impl<S, B> Stack for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Buf + Send, Error: Into<BoxError>> + Send,
{
    type Body = B;
}

/// Sends a request and reads its response, up to the limit of the core.
///
/// The request is taken out of the transmit only where it is sent: it is large to
/// move.
pub(crate) async fn send<S: Stack>(
    stack: S,
    transmit: &mut Transmit,
    timer: &Arc<dyn Timer + Send + Sync>,
    timeout: Duration,
) -> Result<Response<Bytes>, TransportError> {
    let timeout = timer.sleep(timeout);
    let mut progress = Progress::default();
    let result = {
        let exchange = pin!(exchange(stack, transmit, timer, &mut progress));
        within(exchange, timeout).await
    };
    let result = match result {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(classify(error)),
        None if !progress.has_begun => {
            Err(TransportError::not_sent("the stack was not ready in time"))
        }
        None => Err(TransportError::unknown("no response in time")),
    };
    match (result, progress.into_response()) {
        (Ok(()), Some(response)) => Ok(response),
        (Ok(()), None) => Err(TransportError::unknown("no response")),
        (Err(error), Some(part)) => Err(TransportError::broken_off(part, error)),
        (Err(error), None) => Err(error),
    }
}

/// The progress of a request, which stays if its future is dropped.
#[derive(Default)]
struct Progress {
    has_begun: bool,
    head: Option<Parts>,
    first: Bytes,
    more: BytesMut,
    /// The rest of a response that is streamed.
    rest: Option<Rest>,
}

impl Progress {
    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    /// Takes a piece of the body. A body that comes in one piece is not copied.
    fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
        } else {
            self.more.extend_from_slice(&mem::take(&mut self.first));
            self.more.extend_from_slice(&piece);
        }
    }

    /// Returns true if what came may be a refusal, however its status.
    fn may_be_refusal(&self) -> bool {
        Refusal::may_open(if self.more.is_empty() {
            &self.first
        } else {
            &self.more
        })
    }

    /// The response, as far as it came.
    fn into_response(self) -> Option<Response<Bytes>> {
        let mut head = self.head?;
        if let Some(rest) = self.rest {
            head.extensions.insert(Coming::new(rest));
        }
        let body = if self.more.is_empty() {
            self.first
        } else {
            self.more.freeze()
        };
        Some(Response::from_parts(head, body))
    }
}

/// Returns the output of a future; `None` if the timeout comes first.
pub(crate) async fn within<F: Future>(
    future: F,
    mut timeout: Pin<Box<dyn Sleep>>,
) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timeout.as_mut().poll(context).map(|()| None),
    })
    .await
}

async fn exchange<S: Stack>(
    mut stack: S,
    transmit: &mut Transmit,
    timer: &Arc<dyn Timer + Send + Sync>,
    progress: &mut Progress,
) -> Result<(), BoxError> {
    poll_fn(|context| stack.poll_ready(context))
        .await
        .map_err(TransportError::not_sent)?;
    progress.has_begun = true;
    // In blocks of their own, or the future would have room for them to its end.
    let (responding, asked, is_head) = {
        let mut request = mem::take(&mut transmit.request).map(Full::new);
        *request.version_mut() = Version::HTTP_11;
        let asked: Option<Asked> = request.extensions_mut().remove();
        let is_head = request.method() == Method::HEAD;
        (stack.call(request), asked, is_head)
    };
    let (asked, body) = {
        let (head, body) = responding.await.map_err(Into::into)?.into_parts();
        let asked = asked.filter(|_| head.status.is_success());
        progress.head = Some(head);
        (asked, body)
    };
    // The length that a HEAD announces is that of another response.
    let announced = body.size_hint().exact().filter(|_| !is_head);
    let limit = transmit.read_limit;
    // Of one that is too long, nothing is given on.
    let is_long = |length: u64| wide(BEGINNING) < length && length < wide(limit);
    let may_be_long = announced.is_none_or(is_long);
    if let Some(Asked { patience }) = asked.filter(|_| may_be_long) {
        let mut body = boxed(body);
        if !read_beginning(&mut body, limit, progress).await? {
            let came = progress.len();
            progress.rest = Some(Rest {
                body,
                announced: announced.map(|length| length.saturating_sub(wide(came))),
                // The last byte up to the limit is one too many.
                room: limit.saturating_sub(came).saturating_sub(1),
                patience,
                timer: Arc::clone(timer),
                stalled: None,
            });
            return Ok(());
        }
    } else {
        read(pin!(body), limit, limit, progress).await?;
    }
    let is_short = announced.is_some_and(|length| wide(progress.len()) < length);
    if is_short && progress.len() < limit {
        // hyper takes an HTTP/2 stream that is reset without an error for one that ended.
        return Err("the response is shorter than it announced".into());
    }
    Ok(())
}

/// Reads the beginning of a body, or the whole if only that tells what it is. Returns true
/// if no more is to be read.
async fn read_beginning(
    body: &mut UnsyncBoxBody<Bytes, BoxError>,
    limit: usize,
    progress: &mut Progress,
) -> Result<bool, BoxError> {
    let has_ended = read(Pin::new(body), BEGINNING, limit, progress).await?;
    if has_ended || body.is_end_stream() || progress.len() >= limit {
        return Ok(true);
    }
    if progress.may_be_refusal() {
        read(Pin::new(body), limit, limit, progress).await?;
        return Ok(true);
    }
    Ok(false)
}

fn boxed<B>(body: B) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    let body = body.map_frame(|frame| {
        frame.map_data(|mut data| {
            let length = data.remaining();
            data.copy_to_bytes(length)
        })
    });
    body.map_err(Into::into).boxed_unsync()
}

/// Reads a body until there is enough of it, and no more than the limit. Returns true if
/// it has ended: then the connection can be used again.
async fn read<B>(
    mut body: Pin<&mut B>,
    enough: usize,
    limit: usize,
    progress: &mut Progress,
) -> Result<bool, BoxError>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(Into::into)?.into_data() else {
            continue;
        };
        let room = limit.saturating_sub(progress.len());
        progress.push(data.copy_to_bytes(data.remaining().min(room)));
        if progress.len() >= enough.min(limit) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn wide(length: usize) -> u64 {
    length.try_into().unwrap_or(u64::MAX)
}

/// Classifies an error: the request certainly did not leave, or it may have. When in
/// doubt, it may have.
fn classify(error: BoxError) -> TransportError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(known) = cause {
        if let Some(by_stack) = known.downcast_ref::<TransportError>() {
            return by_stack.clone();
        }
        if is_before_sending(known) {
            return TransportError::not_sent(error);
        }
        cause = known.source();
    }
    TransportError::unknown(error)
}

/// Returns true if this can only have happened to a request of which nothing was
/// processed.
fn is_before_sending(error: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        // The connection gives the request back: it ended before the request was begun.
        if error.is_canceled() {
            return true;
        }
        #[cfg(feature = "h2")]
        if is_unprocessed(error) {
            return true;
        }
    }
    #[cfg(feature = "tokio")]
    if error
        .downcast_ref::<hyper_util::client::legacy::Error>()
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
    {
        return true;
    }
    false
}

/// Returns true if an HTTP/2 service stated, instead of a response, that it did not
/// process the request.
///
/// That is a stream that was reset as refused (RFC 9113 §8.7), and one beyond the last
/// that a GOAWAY names (§6.8): h2 gives such a stream alone the error of a GOAWAY. Once
/// a response had begun, the same is no statement about the request. A stack that reads
/// the whole body passes the error on as if there had been none. hyper has another kind
/// of error then, which only its text tells: if the text should change, the outcome is
/// unknown.
#[cfg(feature = "h2")]
fn is_unprocessed(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref());
    let is_stated = source.is_some_and(|stated: &h2::Error| {
        let is_refused = stated.reason() == Some(h2::Reason::REFUSED_STREAM);
        stated.is_remote() && (is_refused || stated.is_go_away())
    });
    is_stated && error.to_string() == "http2 error"
}
