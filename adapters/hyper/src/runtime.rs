//! The runtime: the stack of a client, and the timer and executor that it was given.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use thingspace_driver::{
    Runtime,
    core::{TransportError, session::Transmit},
    event_listener::EventListener,
};

use crate::{
    Operating, Own, Stack,
    send::{send, within},
};

impl<S: Stack> Runtime for Own<S> {
    async fn send(
        &self,
        transmit: &mut Transmit,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        send(self.stack(), transmit, &self.timer, timeout).await
    }

    async fn wait(&self, changed: EventListener, timeout: Duration) {
        within(changed, self.timer.sleep(timeout)).await;
    }

    fn spawn(&self, operation: Operating) -> Result<(), TransportError> {
        self.executor.execute(operation);
        Ok(())
    }
}
