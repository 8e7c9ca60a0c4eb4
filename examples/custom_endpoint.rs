//! A call that the crate does not know, with types of one's own: the list of
//! devices, page by page.
//!
//! ```text
//! cargo run --example custom_endpoint
//! ```

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use serde::Deserialize;
use serde_json::json;
use thingspace_simulator::{Server, Simulator};
use thingspace_ureq::{
    Client,
    core::{
        AppCredentials, Credentials, Endpoint, Environment, Malformed, RequestError,
        UserCredentials, endpoint::WithSession,
    },
};

/// The devices of the account, from the one after `after` on.
struct Devices {
    after: Option<u64>,
}

impl Endpoint for Devices {
    type Auth = WithSession;
    type Output = Page;

    fn build(&self, at: &Environment) -> Result<Request<Bytes>, RequestError> {
        let question = json!({"largestDeviceIdSeen": self.after}).to_string();
        Request::post(at.uri("/m2m/v1/devices/actions/list")?)
            .body(Bytes::from(question))
            .map_err(|_| RequestError::Part("address"))
    }

    fn read(answer: &Response<Bytes>) -> Result<Page, Malformed> {
        Ok(serde_json::from_slice(answer.body())?)
    }

    // A POST, but one that changes nothing: it may be sent again.
    fn is_idempotent(&self) -> bool {
        true
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
    /// ThingSpace's own number of the last device, which asks for the next page.
    fn last(&self) -> Option<u64> {
        let attributes = &self.devices.last()?.extended_attributes;
        let id = attributes.iter().find(|each| each.key == "DeviceId")?;
        id.value.parse().ok()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42).devices(4500))?;
    let client = Client::builder(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?)
    .build()?;

    let mut after = None;
    loop {
        let page = client.call(Devices { after })?.into_body();
        println!("A page of {} devices.", page.devices.len());
        if !page.has_more_data {
            break;
        }
        // Without an id the same page would come for ever.
        after = Some(page.last().ok_or("the last device has no DeviceId")?);
    }

    client.log_out()?;
    println!("Logged out.");
    Ok(())
}
