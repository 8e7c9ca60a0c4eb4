//! A listener for callbacks on hyper: an address for each service, a 2xx only for what is
//! saved, and an end that lets messages in progress come in.
//!
//! ```text
//! cargo run -p thingspace-example-callbacks --example callbacks_hyper
//! ```

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use thingspace_core::callback::{CallbackRefusal, CarrierService, NiddService};
use thingspace_example_callbacks::{BoxError, Inbox, thingspace};
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{sleep, timeout},
};

/// The time that a body may take, and messages in progress at the end.
const LAST: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (inbox, saving) = Inbox::open(thingspace::registered()?, tempfile::tempfile()?);
    // ThingSpace calls an address with a certificate, at one of few ports. Whatever ends
    // TLS stands before this listener.
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    // In place of `stopped`, await your service manager's signal.
    let (stop, stopped) = oneshot::channel();
    let thingspace = tokio::spawn(thingspace::play(socket.local_addr()?, stop));
    serve(socket, inbox, stopped).await?;

    thingspace.await??;
    let number = saving.join().map_err(|_| "the inbox panicked")?;
    println!("Saved {number} messages, none of them twice.");
    Ok(())
}

async fn serve(
    socket: TcpListener,
    inbox: Inbox,
    mut stopped: oneshot::Receiver<()>,
) -> Result<(), BoxError> {
    let inbox = Arc::new(inbox);
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = &mut stopped => break,
        };
        let Ok((stream, _)) = accepted else {
            // Perhaps too many files are open. Connections that end will close some.
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        let inbox = Arc::clone(&inbox);
        let service = service_fn(move |request| listen(Arc::clone(&inbox), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connections.watch(connection));
    }
    drop(socket);
    timeout(LAST, connections.shutdown()).await?;
    Ok(())
}

/// Responds to whatever comes. The body does not name its service, so each has an address
/// of its own.
async fn listen(
    inbox: Arc<Inbox>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BoxError> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, inbox.read_limit()).collect();
    let response = match timeout(LAST, body).await? {
        Ok(body) => {
            let request = Request::from_parts(head, body.to_bytes());
            match request.uri().path() {
                "/carrier" => inbox.respond::<CarrierService>(&request).await,
                "/nidd" => inbox.respond::<NiddService>(&request).await,
                _ => not_found()?,
            }
        }
        Err(error) if error.is::<LengthLimitError>() => CallbackRefusal::TooLarge.response(),
        // The connection broke off.
        Err(error) => return Err(error),
    };
    Ok(response.map(Full::new))
}

fn not_found() -> http::Result<Response<Bytes>> {
    Response::builder()
        .status(StatusCode::NOT_FOUND)
        .body(Bytes::new())
}
