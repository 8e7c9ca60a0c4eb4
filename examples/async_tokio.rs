//! The ordinary use with tokio: an async client, and calls at the same time.
//!
//! ```text
//! cargo run --example async_tokio
//! ```

use std::error::Error;

use bytes::Bytes;
use http::Request;
use thingspace_hyper::{
    Client,
    core::{AppCredentials, Credentials, UserCredentials},
};
use thingspace_simulator::{Server, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let client = Client::builder(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?)
    .build()?;

    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    let devices = Request::post("/m2m/v1/devices/actions/list").body(Bytes::from("{}"))?;
    let (account, devices) = tokio::join!(client.call(account), client.call(devices));
    println!("The account: {} bytes.", account?.body().len());
    println!("Its devices: {} bytes.", devices?.body().len());

    client.log_out().await?;
    println!("Logged out.");
    Ok(())
}
