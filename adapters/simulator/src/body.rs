//! Request and response bodies.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::sync::Notify;

use crate::cut::Cut;

/// Reads a request's whole body. `None` if it is too long.
///
/// Such a body is read to its end too, because a client does not see the
/// response while it is still sending.
pub(crate) async fn read(mut body: Incoming) -> Result<Option<Bytes>, Cut> {
    const LIMIT: usize = 1024 * 1024;
    let mut content = Vec::new();
    let mut is_too_long = false;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| Cut::Broken)?.into_data() else {
            continue;
        };
        is_too_long |= content.len() + data.len() > LIMIT;
        if !is_too_long {
            content.extend_from_slice(&data);
        }
    }
    Ok((!is_too_long).then(|| Bytes::from(content)))
}

/// A response's body. Its connection counts as busy until it has been sent.
pub(crate) struct Body {
    content: Content,
    _busy: Arc<Notify>,
}

enum Content {
    Whole(Option<Bytes>),
    /// The first half of a body, followed by the end of the connection, or by
    /// nothing at all.
    CutShort {
        whole: usize,
        half: Option<Bytes>,
        is_flushed: bool,
        end: Option<Cut>,
    },
    Endless(Bytes),
}

impl Body {
    pub(crate) fn whole(bytes: Bytes, busy: Arc<Notify>) -> Self {
        Self {
            content: Content::Whole(Some(bytes)),
            _busy: busy,
        }
    }

    /// Sends only the first half of `bytes`, but announces the whole length, and ends
    /// with this error.
    pub(crate) fn cut_short(bytes: &Bytes, end: Cut, busy: Arc<Notify>) -> Self {
        Self::half(bytes, Some(end), busy)
    }

    /// Sends only the first half of `bytes`, and leaves the client waiting.
    pub(crate) fn stalled(bytes: &Bytes, busy: Arc<Notify>) -> Self {
        Self::half(bytes, None, busy)
    }

    fn half(bytes: &Bytes, end: Option<Cut>, busy: Arc<Notify>) -> Self {
        Self {
            content: Content::CutShort {
                whole: bytes.len(),
                half: Some(bytes.slice(..bytes.len() / 2)),
                is_flushed: false,
                end,
            },
            _busy: busy,
        }
    }

    /// Sends `bytes` again and again.
    pub(crate) fn endless(bytes: Bytes, busy: Arc<Notify>) -> Self {
        Self {
            content: Content::Endless(bytes),
            _busy: busy,
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
                half,
                is_flushed,
                end,
                ..
            } => match half.take() {
                Some(bytes) => Some(Ok(Frame::data(bytes))),
                // hyper flushes the first half only when the body is pending.
                None if !*is_flushed => {
                    *is_flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => match end.take() {
                    Some(end) => Some(Err(end)),
                    None => return Poll::Pending,
                },
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
