//! A listener for callbacks on axum: an address for each service, a 2xx only for what is
//! saved, and an end that lets messages in progress come in.
//!
//! ```text
//! cargo run -p thingspace-example-callbacks --example callbacks_axum
//! ```

use std::{future::IntoFuture, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    routing::any,
};
use bytes::Bytes;
use http::{Request, Response, request::Parts};
use thingspace_core::callback::{CallbackContent, CarrierService, NiddService};
use thingspace_example_callbacks::{BoxError, Inbox, thingspace};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

/// The time that messages in progress have at the end.
const LAST: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (inbox, saving) = Inbox::open(thingspace::registered()?, tempfile::tempfile()?);
    let limit = inbox.read_limit();
    // The body does not name its service, so each has an address of its own. The core
    // refuses other methods than POST.
    let app = Router::new()
        .route("/carrier", any(listen::<CarrierService>))
        .route("/nidd", any(listen::<NiddService>))
        .layer(DefaultBodyLimit::max(limit))
        .with_state(Arc::new(inbox));

    // ThingSpace calls an address with a certificate, at one of few ports. Whatever ends
    // TLS stands before this listener, and bounds the time of a request.
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    // In place of `stopped`, await your service manager's signal.
    let (stop, stopped) = oneshot::channel();
    let (stopping, is_stopping) = oneshot::channel();
    let thingspace = tokio::spawn(thingspace::play(socket.local_addr()?, stop));
    let serving = axum::serve(socket, app).with_graceful_shutdown(async move {
        let _ = stopped.await;
        let _ = stopping.send(());
    });
    let serving = tokio::spawn(serving.into_future());
    let _ = is_stopping.await;
    timeout(LAST, serving).await???;

    thingspace.await??;
    let number = saving.join().map_err(|_| "the inbox panicked")?;
    println!("Saved {number} messages, none of them twice.");
    Ok(())
}

/// Responds to whatever comes to the address of a service.
async fn listen<C: CallbackContent>(
    State(inbox): State<Arc<Inbox>>,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    let request = Request::from_parts(head, body);
    inbox.respond::<C>(&request).await.map(Body::from)
}
