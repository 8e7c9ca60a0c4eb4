//! The runtime: the part of a client that differs from one HTTP stack to another.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use event_listener::EventListener;
use http::Response;
use thingspace_core::{TransportError, session::Transmit};

/// The task of an operation, which a runtime runs to its end.
pub type Operating = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An HTTP stack and the place where it runs: how a request is sent, how a call waits,
/// and who runs an operation.
///
/// If its futures never wait for their waker, but block until they are ready, the
/// client's are ready at their first poll.
pub trait Runtime: Send + Sync + 'static {
    /// Sends a request and reads its response, within this time.
    ///
    /// Fails with the error of the stack, which says whether the request may have
    /// left. A panic while an operation is sent is caught, and is such an error.
    fn send(
        &self,
        transmit: &mut Transmit,
        timeout: Duration,
    ) -> impl Future<Output = Result<Response<Bytes>, TransportError>> + Send;

    /// Waits for a change of the session, or for a callback about a request that is
    /// followed, for this long at most.
    fn wait(&self, changed: EventListener, timeout: Duration) -> impl Future<Output = ()> + Send;

    /// Runs an operation to its end, whatever becomes of the call that began it. An
    /// operation that is dropped before is abandoned.
    ///
    /// Fails if it can't be run: then it was never sent.
    fn spawn(&self, operation: Operating) -> Result<(), TransportError>;
}
