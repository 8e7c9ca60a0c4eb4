//! Bodies on their way from and to the client.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::sync::Notify;

use crate::cut::Cut;

/// A request's whole body, or `None` if it is too long. That one is read to
/// its end too, because a client that is still sending hears no answer.
pub(crate) async fn read(mut body: Incoming) -> Result<Option<Bytes>, Cut> {
    const LIMIT: usize = 1024 * 1024;
    let mut kept = Vec::new();
    let mut is_too_long = false;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| Cut::Broken)?.into_data() else {
            continue;
        };
        is_too_long |= kept.len() + data.len() > LIMIT;
        if !is_too_long {
            kept.extend_from_slice(&data);
        }
    }
    Ok((!is_too_long).then(|| Bytes::from(kept)))
}

/// An answer's body, which holds its line until it has been sent.
pub(crate) struct Body {
    content: Content,
    _line: Arc<Notify>,
}

enum Content {
    Whole(Option<Bytes>),
    /// The first half, after which the connection breaks off.
    CutShort {
        whole: usize,
        half: Option<Bytes>,
        is_flushed: bool,
    },
    Endless(Bytes),
}

impl Body {
    pub(crate) fn whole(bytes: Bytes, line: Arc<Notify>) -> Self {
        Self {
            content: Content::Whole(Some(bytes)),
            _line: line,
        }
    }

    /// The first half of `bytes`, where the whole was announced.
    pub(crate) fn cut_short(bytes: &Bytes, line: Arc<Notify>) -> Self {
        Self {
            content: Content::CutShort {
                whole: bytes.len(),
                half: Some(bytes.slice(..bytes.len() / 2)),
                is_flushed: false,
            },
            _line: line,
        }
    }

    /// `bytes` over and over.
    pub(crate) fn endless(bytes: Bytes, line: Arc<Notify>) -> Self {
        Self {
            content: Content::Endless(bytes),
            _line: line,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(match &mut self.content {
            Content::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Content::CutShort {
                half, is_flushed, ..
            } => match half.take() {
                Some(bytes) => Some(Ok(Frame::data(bytes))),
                // What was written leaves only when the body makes it wait.
                None if !*is_flushed => {
                    *is_flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => Some(Err(Cut::Broken)),
            },
            Content::Endless(bytes) => Some(Ok(Frame::data(bytes.clone()))),
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => {
                SizeHint::with_exact(length(bytes.as_ref().map_or(0, Bytes::len)))
            }
            Content::CutShort { whole, .. } => SizeHint::with_exact(length(*whole)),
            Content::Endless(_) => SizeHint::default(),
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
