//! The async client on smol: a stack and a timer of one's own, and no other
//! runtime.
//!
//! ```text
//! cargo run -p thingspace-example-smol --example smol
//! ```

mod service;

use std::error::Error;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::HOST};
use http_body_util::Full;
use hyper::{body::Incoming, client::conn::http1};
use serde_json::Value;
use smol::net::TcpStream;
use smol_hyper::rt::{FuturesIo, SmolTimer};
use thingspace_hyper::{
    Client,
    core::{AppCredentials, Credentials, TransportError, UserCredentials},
};
use thingspace_simulator::Simulator;
use tower::service_fn;

type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), BoxError> {
    smol::block_on(async {
        let client = Client::builder(Credentials::new(
            AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
            UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
        ))
        .environment(service::start(Simulator::new(42)).await?.parse()?)
        .stack(service_fn(send), SmolTimer::new())
        .build()?;

        let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
        let account = client.call(account).await?;
        let account: Value = serde_json::from_slice(account.body())?;
        let name = account.get("organizationName").ok_or("no name")?;
        println!("The account of {name}.");

        client.log_out().await?;
        println!("Logged out.");
        Ok(())
    })
}

/// The whole stack: a connection for every request. For the real service, put
/// TLS around the stream (futures-rustls, say); for many calls, keep the sender.
async fn send(mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, BoxError> {
    println!(" > {} {}", request.method(), request.uri());
    let host = request.uri().authority().ok_or("no host")?.to_string();
    let stream = TcpStream::connect(&host).await;
    // Without a connection nothing was sent. The client tells the rest by itself.
    let stream = stream.map_err(TransportError::not_sent)?;
    let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
    smol::spawn(connection).detach();

    // On a connection, the target is a path, and a header names the host.
    let target = request.uri().path_and_query().ok_or("no path")?.as_str();
    *request.uri_mut() = target.parse()?;
    request
        .headers_mut()
        .insert(HOST, HeaderValue::try_from(host)?);
    Ok(sender.send_request(request).await?)
}
