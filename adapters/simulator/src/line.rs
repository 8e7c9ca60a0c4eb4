//! The connections that are open, so that all of them can be closed and their
//! end be waited for.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;

use tokio::sync::{Notify, watch};

/// Every connection since the server started, or since all were closed.
pub(crate) struct Lines {
    /// Nothing is ever sent: the lines wait for its end.
    close: watch::Sender<()>,
    open: mpsc::Sender<Infallible>,
    /// Nothing ever comes: it ends with the last line.
    all_closed: mpsc::Receiver<Infallible>,
}

impl Lines {
    pub(crate) fn open(&self) -> Line {
        Line {
            closed_by_server: self.close.subscribe(),
            closed_by_request: Arc::default(),
            _open: self.open.clone(),
        }
    }

    /// Tells every line to close, and returns when they have.
    pub(crate) fn close(self) {
        drop((self.close, self.open));
        self.all_closed.recv().ok();
    }
}

impl Default for Lines {
    fn default() -> Self {
        let (close, _) = watch::channel(());
        let (open, all_closed) = mpsc::channel();
        Self {
            close,
            open,
            all_closed,
        }
    }
}

/// One connection, which is open for as long as this lives.
pub(crate) struct Line {
    closed_by_server: watch::Receiver<()>,
    closed_by_request: Arc<Notify>,
    _open: mpsc::Sender<Infallible>,
}

impl Line {
    /// What a request holds until it has been answered; notified, it has the
    /// line closed.
    pub(crate) fn hold(&self) -> Arc<Notify> {
        Arc::clone(&self.closed_by_request)
    }

    /// Waits until the line is to be closed.
    pub(crate) async fn told_to_close(&self) {
        let mut by_server = self.closed_by_server.clone();
        ends_first(self.closed_by_request.notified(), by_server.changed()).await;
    }

    /// Whether no request holds the line.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.closed_by_request) == 1
    }
}

/// Waits until one of two ends, and says whether it was the first of them.
pub(crate) async fn ends_first(first: impl Future, second: impl Future) -> bool {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| {
        if first.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        second.as_mut().poll(context).map(|_| false)
    })
    .await
}
