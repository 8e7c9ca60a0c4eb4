//! One request over any stack, and what is known of it when it fails.

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
/// Implemented for all that are; there is nothing to write. A service whose
/// error has a [`TransportError`] among its causes is believed in what that one
/// says.
pub trait Stack:
    Service<
        Request<Full<Bytes>>,
        Response = Response<Self::Body>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + Sync
{
    /// The body of its answers.
    type Body: Body<Data: Buf + Send, Error: Into<BoxError>> + Send;
}

impl<S, B> Stack for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync,
    B: Body<Data: Buf + Send, Error: Into<BoxError>> + Send,
{
    type Body = B;
}

/// Sends a request and reads its answer, as far as the core wants it read. What is
/// sent is taken out of its place only where it is wanted: it is large to move.
pub(crate) async fn send<S: Stack>(
    stack: &S,
    transmit: &mut Transmit,
    timeout: Pin<Box<dyn Sleep>>,
) -> Result<Response<Bytes>, TransportError> {
    let mut begun = false;
    let result = within(Some(pin!(exchange(stack, transmit, &mut begun))), timeout).await;
    match result {
        Some(result) => result.map_err(classify),
        None if !begun => Err(TransportError::not_sent("the stack was not ready in time")),
        None => Err(TransportError::unknown("no answer in time")),
    }
}

/// What comes of a future, or nothing if there is none before the time is up.
pub(crate) async fn within<F: Future>(
    future: Option<F>,
    timeout: Pin<Box<dyn Sleep>>,
) -> Option<F::Output> {
    let timeout = async {
        timeout.await;
        None
    };
    match future {
        Some(future) => or(async { Some(future.await) }, timeout).await,
        None => timeout.await,
    }
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

/// Reads a body up to a limit. To its end, if it is shorter: then the connection
/// can be used again. One that comes in one piece is not copied.
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

/// Whether a request that failed so may have left. What is not known may have.
fn classify(error: BoxError) -> TransportError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(known) = cause {
        if let Some(told) = known.downcast_ref::<TransportError>() {
            return told.clone();
        }
        if is_before_sending(known) {
            return TransportError::not_sent(error);
        }
        cause = known.source();
    }
    TransportError::unknown(error)
}

/// Whether this can only have happened to a request of which nothing was
/// processed.
fn is_before_sending(error: &(dyn StdError + 'static)) -> bool {
    // What the connection gives back, because it ended before the request was begun.
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
