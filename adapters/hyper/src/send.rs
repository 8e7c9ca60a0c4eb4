//! One request over any stack, and its outcome when it fails.

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_lite::future::or;
use http::{Request, Response, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::rt::Sleep;
use thingspace_core::{TransportError, session::Transmit};
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// An HTTP stack: any cloneable tower service that takes requests with a whole
/// body, such as a hyper-util client with a connector of one's own, a stack of
/// middleware, or a test double.
///
/// Implemented for all such services; there is nothing to write. A service that
/// knows better whether a request left puts a [`TransportError`] among the causes
/// of its error.
pub trait Stack:
    Service<
        Request<Full<Bytes>>,
        Response = Response<Self::Body>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + Sync
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
        + Sync
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
    stack: &S,
    transmit: &mut Transmit,
    timeout: Pin<Box<dyn Sleep>>,
) -> Result<Response<Bytes>, TransportError> {
    let mut begun = false;
    let result = within(pin!(exchange(stack, transmit, &mut begun)), timeout).await;
    match result {
        Some(result) => result.map_err(classify),
        None if !begun => Err(TransportError::not_sent("the stack was not ready in time")),
        None => Err(TransportError::unknown("no response in time")),
    }
}

/// Returns the output of a future; `None` if the timeout comes first.
pub(crate) async fn within<F: Future>(
    future: F,
    timeout: Pin<Box<dyn Sleep>>,
) -> Option<F::Output> {
    let timeout = async {
        timeout.await;
        None
    };
    or(async { Some(future.await) }, timeout).await
}

async fn exchange<S: Stack>(
    stack: &S,
    transmit: &mut Transmit,
    begun: &mut bool,
) -> Result<Response<Bytes>, BoxError> {
    let mut stack = stack.clone();
    poll_fn(|context| stack.poll_ready(context))
        .await
        .map_err(TransportError::not_sent)?;
    *begun = true;
    let mut request = mem::take(&mut transmit.request).map(Full::new);
    *request.version_mut() = Version::HTTP_11;
    let (parts, body) = stack.call(request).await.map_err(Into::into)?.into_parts();
    let body = read(body, transmit.read_limit).await?;
    Ok(Response::from_parts(parts, body))
}

/// Reads a body up to a limit. A shorter one is read to its end: then the connection
/// can be used again. A body that comes in one piece is not copied.
async fn read<B>(body: B, limit: usize) -> Result<Bytes, BoxError>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(Into::into)?.into_data() else {
            continue;
        };
        let room = limit - whole.len() - pieces.len();
        let piece = data.copy_to_bytes(data.remaining().min(room));
        if whole.is_empty() && pieces.is_empty() {
            whole = piece;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&piece);
        }
        if whole.len() + pieces.len() >= limit {
            break;
        }
    }
    if pieces.is_empty() {
        return Ok(whole);
    }
    Ok(pieces.freeze())
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
    // The connection gives the request back: it ended before the request was begun.
    if error
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_canceled)
    {
        return true;
    }
    #[cfg(feature = "tokio")]
    if error
        .downcast_ref::<hyper_util::client::legacy::Error>()
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
    {
        return true;
    }
    // RFC 9113 §8.7: refused before any processing.
    #[cfg(feature = "h2")]
    if error.downcast_ref::<h2::Error>().is_some_and(|error| {
        error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM)
    }) {
        return true;
    }
    false
}
