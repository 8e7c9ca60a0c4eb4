//! The set of open connections, to close all of them and wait for their end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;

use tokio::sync::{Notify, watch};

/// The connections since the server started, or since all were closed.
pub(crate) struct ConnectionTracker {
    /// The end of this channel closes the connections. Nothing is ever sent.
    close: watch::Sender<()>,
    open: mpsc::Sender<Infallible>,
    /// The end of this channel is the end of the last connection. Nothing is
    /// ever received.
    all_closed: mpsc::Receiver<Infallible>,
}

impl ConnectionTracker {
    pub(crate) fn track(&self) -> TrackedConnection {
        TrackedConnection {
            closed_by_server: self.close.subscribe(),
            closed_by_request: Arc::default(),
            _open: self.open.clone(),
        }
    }

    /// Requests the end of every connection, and returns when all have ended.
    pub(crate) fn close_all(self) {
        drop((self.close, self.open));
        self.all_closed.recv().ok();
    }
}

impl Default for ConnectionTracker {
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

/// One open connection. Dropping it marks the connection as closed.
pub(crate) struct TrackedConnection {
    closed_by_server: watch::Receiver<()>,
    closed_by_request: Arc<Notify>,
    _open: mpsc::Sender<Infallible>,
}

impl TrackedConnection {
    /// Marks the connection as busy for as long as the returned value lives.
    /// Each request holds one until its response has been sent. A notification
    /// requests the end of the connection.
    pub(crate) fn hold(&self) -> Arc<Notify> {
        Arc::clone(&self.closed_by_request)
    }

    /// Waits until the server or an HTTP request wants the connection closed.
    pub(crate) async fn close_requested(&self) {
        let mut by_server = self.closed_by_server.clone();
        ends_first(self.closed_by_request.notified(), by_server.changed()).await;
    }

    /// Returns true if the connection has no request in progress.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.closed_by_request) == 1
    }
}

/// Waits for the end of one of two futures. Returns true if `first` has ended.
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
