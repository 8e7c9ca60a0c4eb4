//! The async client on smol: an HTTP stack of your own with smol's timer and executor,
//! and no other runtime.
//!
//! ```text
//! cargo run -p thingspace-example-smol --example smol
//! ```

mod service;

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::HOST};
use http_body_util::Full;
use hyper::{body::Incoming, client::conn::http1};
use serde_json::Value;
use smol::{Executor, net::TcpStream};
use smol_hyper::rt::{FuturesIo, SmolExecutor, SmolTimer};
use thingspace_hyper::{
    Builder,
    core::{AppCredentials, Credentials, SessionBuilder, TransportError, UserCredentials},
};
use thingspace_simulator::Simulator;
use tower::service_fn;

type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), BoxError> {
    // Runs the client's operations: they go on if the call that needs them does not.
    let executor = Arc::new(Executor::new());
    let on_executor = SmolExecutor::new(Arc::clone(&executor));
    smol::block_on(executor.run(async {
        let session = SessionBuilder::new(Credentials::new(
            AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
            UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
        ))
        .environment(service::start(Simulator::new(42)).await?.parse()?);
        let client = Builder::new(session)
            .stack(service_fn(send), SmolTimer::new(), on_executor)
            .build()?;

        let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
        let account = client.call(account).await?;
        let account: Value = serde_json::from_slice(account.body())?;
        let name = account.get("organizationName").ok_or("no name")?;
        println!("The account of {name}.");

        client.log_out().await?;
        println!("Logged out.");
        Ok(())
    }))
}

/// Sends a request over a new connection: this function is the whole HTTP stack. For
/// the real service, wrap the stream in TLS (for example with futures-rustls). For
/// many calls, reuse the sender.
async fn send(mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, BoxError> {
    println!(" > {} {}", request.method(), request.uri());
    let host = request.uri().authority().ok_or("no host")?.to_string();
    let stream = TcpStream::connect(&host).await;
    // Without a connection the request was never sent. The client classifies all other
    // errors on its own.
    let stream = stream.map_err(TransportError::not_sent)?;
    let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
    smol::spawn(connection).detach();

    // HTTP/1.1 sends the path as the target, and the host in a header.
    let target = request.uri().path_and_query().ok_or("no path")?.as_str();
    *request.uri_mut() = target.parse()?;
    request
        .headers_mut()
        .insert(HOST, HeaderValue::try_from(host)?);
    Ok(sender.send_request(request).await?)
}
