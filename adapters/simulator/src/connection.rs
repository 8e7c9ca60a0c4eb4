//! One HTTP connection to the simulator, whatever it runs over, and how a
//! [`Reply`] looks on it.

use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use crate::Reply;
use crate::refusal::bare;
use crate::server::Shared;

/// Serves one connection until either side ends it.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| respond(request, &shared));
    // How a connection ends, dropped on purpose or by the client, is nobody's
    // business here.
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

/// Answers one request. An error closes the connection without an answer.
async fn respond(request: Request<Incoming>, shared: &Shared) -> Result<Response<Wire>, Cut> {
    let (head, body) = request.into_parts();
    let Some(body) = read(body).await? else {
        return Ok(whole(bare(StatusCode::PAYLOAD_TOO_LARGE)));
    };
    let request = Request::from_parts(head, body);
    let now = shared.now();
    match shared.with(|simulator| simulator.answer(now, &request)) {
        Reply::Answer(response) => Ok(whole(response)),
        Reply::Late(delay, response) => {
            sleep(delay).await;
            Ok(whole(response))
        }
        Reply::CutShort(response) => Ok(response.map(|bytes| Wire::CutShort {
            whole: bytes.len(),
            half: Some(bytes.slice(..bytes.len() / 2)),
            is_flushed: false,
        })),
        Reply::Endless(response) => Ok(response.map(Wire::Endless)),
        Reply::Dropped => Err(Cut),
        Reply::Hung => pending().await,
    }
}

/// A request's whole body, or `None` if it is too long. That one is read to
/// its end too, because a client that is still sending hears no answer.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, Cut> {
    const LIMIT: usize = 1024 * 1024;
    let mut kept = Vec::new();
    let mut is_too_long = false;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| Cut)?.into_data() else {
            continue;
        };
        is_too_long |= kept.len() + data.len() > LIMIT;
        if !is_too_long {
            kept.extend_from_slice(&data);
        }
    }
    Ok((!is_too_long).then(|| Bytes::from(kept)))
}

fn whole(response: Response<Bytes>) -> Response<Wire> {
    response.map(|bytes| Wire::Whole(Some(bytes)))
}

/// A body on its way to the client.
enum Wire {
    Whole(Option<Bytes>),
    /// The first half, after which the connection breaks off.
    CutShort {
        whole: usize,
        half: Option<Bytes>,
        is_flushed: bool,
    },
    Endless(Bytes),
}

impl hyper::body::Body for Wire {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(match &mut *self {
            Self::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Self::CutShort {
                half, is_flushed, ..
            } => match half.take() {
                Some(bytes) => Some(Ok(Frame::data(bytes))),
                // What was written leaves only when the body makes it wait.
                None if !*is_flushed => {
                    *is_flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => Some(Err(Cut)),
            },
            Self::Endless(bytes) => Some(Ok(Frame::data(bytes.clone()))),
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(length(bytes.as_ref().map_or(0, Bytes::len)))
            }
            Self::CutShort { whole, .. } => SizeHint::with_exact(length(*whole)),
            Self::Endless(_) => SizeHint::default(),
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The connection was cut, by either side.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut")
    }
}

impl std::error::Error for Cut {}
