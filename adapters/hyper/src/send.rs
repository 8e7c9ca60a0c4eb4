//! One request over any stack, and its outcome when it fails.

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_lite::future::or;
use http::{Request, Response, Version, response::Parts};
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
    let mut progress = Progress::default();
    let result = {
        let exchange = pin!(exchange(stack, transmit, &mut progress));
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

    /// The response, as far as it came.
    fn into_response(self) -> Option<Response<Bytes>> {
        let body = if self.more.is_empty() {
            self.first
        } else {
            self.more.freeze()
        };
        Some(Response::from_parts(self.head?, body))
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
    progress: &mut Progress,
) -> Result<(), BoxError> {
    let mut stack = stack.clone();
    poll_fn(|context| stack.poll_ready(context))
        .await
        .map_err(TransportError::not_sent)?;
    progress.has_begun = true;
    let mut request = mem::take(&mut transmit.request).map(Full::new);
    *request.version_mut() = Version::HTTP_11;
    let (head, body) = stack.call(request).await.map_err(Into::into)?.into_parts();
    progress.head = Some(head);
    read(body, transmit.read_limit, progress).await
}

/// Reads a body up to a limit. A shorter one is read to its end: then the connection
/// can be used again.
async fn read<B>(body: B, limit: usize, progress: &mut Progress) -> Result<(), BoxError>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(Into::into)?.into_data() else {
            continue;
        };
        let room = limit - progress.len();
        progress.push(data.copy_to_bytes(data.remaining().min(room)));
        if progress.len() >= limit {
            break;
        }
    }
    Ok(())
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
