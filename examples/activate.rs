//! Devices are activated, and their activation is followed to its outcome.
//!
//! ```text
//! cargo run --example activate
//! ```

use std::{error::Error, time::Duration};

use thingspace_hyper::{
    Builder,
    core::{
        AppCredentials, Credentials, SessionBuilder, UserCredentials,
        api::device_service::ActivateServiceForDevices,
        asynchronous::{AsynchronousRequest, DeviceResult},
        model::{AccountDeviceList, DeviceId},
    },
};
use thingspace_simulator::{Server, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?); // leave this out for production
    let client = Builder::new(session).build()?;

    let device = |imei: &str, iccid: &str| {
        AccountDeviceList::new([DeviceId::imei(imei), DeviceId::iccid(iccid)])
    };
    let devices = [
        device("990013907835573", "89141390780800784259"),
        device("990013907884259", "89141390780800735573"),
    ];
    let mut activate = ActivateServiceForDevices::new(devices.clone(), "m2m4G", "98801");
    activate.account_name = Some(Simulator::ACCOUNT.to_owned());
    let accepted = client.call(activate).await?.into_body();
    let id = accepted.request_id.ok_or("no request id")?;
    println!("Accepted as request {id}.");

    let mut request = AsynchronousRequest::new(Simulator::ACCOUNT, id).with_devices(devices);
    // Leave these out for production: the simulator is quick.
    request.settings.first_pause = Duration::from_millis(100);
    server.advance(Duration::from_secs(10));
    // A listener of yours gives callbacks to `client.mailbox()`: then the devices end one by
    // one, and a failure has a reason.
    let outcome = client.follow(request).await;
    for device in &outcome.devices {
        let id = device.device_ids.first().ok_or("no identifier")?;
        match (device.result, device.fault()) {
            (DeviceResult::Succeeded, _) => println!("{} is active.", id.id),
            (DeviceResult::Failed, None) => println!("{} is not active.", id.id),
            (DeviceResult::Failed, Some(fault)) => {
                let code = fault.fault_code.as_deref().unwrap_or_default();
                let text = fault.fault_string.as_deref().unwrap_or_default();
                println!("{} is not active: {code} {text}", id.id);
            }
            (DeviceResult::Unknown, _) => println!("{} may be active by now.", id.id),
        }
    }

    client.log_out().await?;
    println!("Logged out.");
    Ok(())
}
