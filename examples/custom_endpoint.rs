//! An endpoint of your own with typed responses: the list of devices, page by page.
//!
//! ```text
//! cargo run --example custom_endpoint
//! ```

use std::error::Error;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::json;
use thingspace_simulator::{Server, Simulator};
use thingspace_ureq::{
    Builder,
    core::{
        AppCredentials, CallOptions, Credentials, Endpoint, Environment, InvalidResponse,
        RequestError, SessionBuilder, UserCredentials, WithSession, json_body, read_json,
    },
};

/// A page of the account's devices, starting after the device `after`.
struct Devices {
    after: Option<u64>,
}

impl Endpoint for Devices {
    type Auth = WithSession;
    type Output = Page;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let path = ["m2m", "v1", "devices", "actions", "list"];
        let body = json_body(&json!({"largestDeviceIdSeen": self.after}))?;
        environment.request(Method::POST, &path, body)
    }

    fn read(response: &Response<Bytes>) -> Result<Page, InvalidResponse> {
        read_json(response)
    }

    // This POST changes nothing, so it may be retried.
    fn options(&self) -> CallOptions {
        CallOptions::idempotent()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    has_more_data: bool,
    devices: Vec<Device>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    extended_attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: String,
}

impl Page {
    /// ThingSpace's own id of the last device. The next page starts after it.
    fn last(&self) -> Option<u64> {
        let attributes = &self.devices.last()?.extended_attributes;
        let id = attributes.iter().find(|each| each.key == "DeviceId")?;
        id.value.parse().ok()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42).devices(4500))?;
    let credentials = Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    );
    let session = SessionBuilder::new(credentials).environment(server.base().parse()?);
    let client = Builder::new(session).build()?;

    let mut after = None;
    loop {
        let page = client.call(Devices { after })?.into_body();
        println!("A page of {} devices.", page.devices.len());
        if !page.has_more_data {
            break;
        }
        // Without an id, the same page would be fetched for ever.
        after = Some(page.last().ok_or("the last device has no DeviceId")?);
    }

    client.log_out()?;
    println!("Logged out.");
    Ok(())
}
