//! The usual way with threads: a blocking client, and one call after another.
//!
//! ```text
//! cargo run --example blocking
//! ```

use std::error::Error;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use thingspace_simulator::{Server, Simulator};
use thingspace_ureq::{
    Builder,
    core::{AppCredentials, Credentials, SessionBuilder, UserCredentials},
};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?); // leave this out for production
    let client = Builder::new(session).build()?;

    // The client opens the session when it is needed.
    let request = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    let account = client.call(request)?;
    let account: Value = serde_json::from_slice(account.body())?;
    let name = account.get("organizationName").ok_or("no name")?;
    println!("The account of {name}.");

    // One page of devices. The example `custom_endpoint` fetches all pages.
    let body = json!({"accountName": Simulator::ACCOUNT}).to_string();
    let request = Request::post("/m2m/v1/devices/actions/list").body(Bytes::from(body))?;
    let devices = client.call(request)?;
    let devices: Value = serde_json::from_slice(devices.body())?;
    let devices = devices.get("devices").and_then(Value::as_array);
    for device in devices.ok_or("no devices")? {
        let imei = device.pointer("/deviceIds/0/id").ok_or("no id")?;
        println!("The device {imei}.");
    }

    client.log_out()?;
    println!("Logged out.");
    Ok(())
}
