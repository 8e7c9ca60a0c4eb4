//! The body of a response that is given on while it arrives.

use std::{
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::rt::{Sleep, Timer};

use crate::error::BoxError;

/// The body of a response: whole, or its beginning with the rest still to come.
///
/// A response is read whole, unless its request [asks](Self::ask) for less. Then a long
/// response of success is there as soon as its beginning is, and the session goes on by
/// that: it needs no more to know that the call was not refused. Anything else is read
/// whole, and retried and replayed as ever.
///
/// The rest fails if it is longer than the limit of the session's settings
/// (`max_body`), if it ends before the length that was announced, and if the service
/// sends nothing for a while. To drop it is to close its connection.
///
/// ```no_run
/// # async fn run(client: thingspace_hyper::Client<thingspace_hyper::Pooled>) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http_body_util::BodyExt;
/// use thingspace_hyper::Streamed;
///
/// let uri = client.environment().uri("/m2m/v1/accounts/0000123456-00001")?;
/// let mut request = http::Request::get(uri).body(Bytes::new())?;
/// Streamed::ask(&mut request, Duration::from_secs(30));
/// let mut body = Streamed::of(client.call(request).await?).into_body();
/// while let Some(frame) = body.frame().await {
///     println!("{:?}", frame.map_err(|error| error.to_string())?.data_ref());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Streamed {
    /// What is there, and was not given yet.
    first: Bytes,
    rest: Option<Rest>,
}

impl Streamed {
    /// Asks for a long response of success to this request as soon as its beginning is
    /// there. Its rest fails if the service sends nothing for `patience`.
    ///
    /// The response has the beginning alone as its body: take [all](Self::of) of it.
    pub fn ask<T>(request: &mut Request<T>, patience: Duration) {
        request.extensions_mut().insert(Asked { patience });
    }

    /// Takes the body of a response, with the rest that is still to come.
    pub fn of(mut response: Response<Bytes>) -> Response<Self> {
        let coming = response.extensions_mut().remove::<Coming>();
        response.map(|first| Self {
            first,
            rest: coming.and_then(Coming::take),
        })
    }
}

impl From<Bytes> for Streamed {
    fn from(whole: Bytes) -> Self {
        Self {
            first: whole,
            rest: None,
        }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.first)))));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let piece = ready!(rest.poll(context));
        if !matches!(piece, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len().try_into().unwrap_or(u64::MAX);
        match &self.rest {
            None => SizeHint::with_exact(first),
            Some(Rest {
                announced: Some(left),
                ..
            }) => SizeHint::with_exact(first.saturating_add(*left)),
            Some(_) => {
                let mut hint = SizeHint::new();
                hint.set_lower(first);
                hint
            }
        }
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed")
            .field("length", &self.size_hint().exact())
            .finish_non_exhaustive()
    }
}

/// The mark of a request whose response may be streamed.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) patience: Duration,
}

/// The rest of a body, on its way among the extensions of its response.
#[derive(Clone)]
pub(crate) struct Coming(Arc<Mutex<Option<Rest>>>);

impl Coming {
    pub(crate) fn new(rest: Rest) -> Self {
        Self(Arc::new(Mutex::new(Some(rest))))
    }

    fn take(self) -> Option<Rest> {
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rest.take()
    }
}

/// The rest of a body.
pub(crate) struct Rest {
    pub(crate) body: UnsyncBoxBody<Bytes, BoxError>,
    /// The bytes that are still to come, if their number was announced.
    pub(crate) announced: Option<u64>,
    /// The bytes that may still come.
    pub(crate) room: usize,
    pub(crate) patience: Duration,
    pub(crate) timer: Arc<dyn Timer + Send + Sync>,
    /// The end of patience, while nothing comes.
    pub(crate) stalled: Option<Pin<Box<dyn Sleep>>>,
}

impl Rest {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
                let (timer, patience) = (&self.timer, self.patience);
                let stalled = self.stalled.get_or_insert_with(|| timer.sleep(patience));
                ready!(stalled.as_mut().poll(context));
                let error = "the service sent nothing more of its response in time";
                return Poll::Ready(Some(Err(error.into())));
            };
            self.stalled = None;
            let piece = match frame {
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // hyper takes an HTTP/2 stream that is reset without an error for one that
                // ended.
                None if self.announced.is_some_and(|left| left > 0) => {
                    let error = "the response is shorter than it announced";
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => return Poll::Ready(None),
            };
            // Trailers are not given on.
            let Ok(piece) = piece else { continue };
            let Some(room) = self.room.checked_sub(piece.len()) else {
                let error = "the response is longer than the limit";
                return Poll::Ready(Some(Err(error.into())));
            };
            self.room = room;
            let came = piece.len().try_into().unwrap_or(u64::MAX);
            self.announced = self.announced.map(|left| left.saturating_sub(came));
            return Poll::Ready(Some(Ok(piece)));
        }
    }
}
