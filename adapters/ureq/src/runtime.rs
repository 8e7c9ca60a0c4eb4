//! The runtime: threads that block.

use std::{thread, time::Duration};

use bytes::Bytes;
use futures_lite::future::block_on;
use http::Response;
use thingspace_driver::{
    Operating, Runtime,
    core::{TransportError, session::Transmit},
    event_listener::{EventListener, Listener},
};
use ureq::Agent;

use crate::send::send;

/// The threads of the caller, and one for each operation. All send with one agent.
///
/// Its futures never wait for their waker: they block until they are ready.
pub struct Threads(pub(crate) Agent);

impl Runtime for Threads {
    async fn send(
        &self,
        transmit: &mut Transmit,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        send(&self.0, transmit, timeout)
    }

    async fn wait(&self, changed: EventListener, timeout: Duration) {
        changed.wait_timeout(timeout);
    }

    fn spawn(&self, operation: Operating) -> Result<(), TransportError> {
        thread::Builder::new()
            .name("thingspace operation".to_owned())
            .spawn(|| block_on(operation))
            .map_err(TransportError::not_sent)?;
        Ok(())
    }
}
