//! All devices of an account with their state and last use, as a table.
//!
//! ```text
//! cargo run --example fleet_report
//! ```

use std::error::Error;

use thingspace_simulator::{Server, Simulator};
use thingspace_ureq::{
    Builder,
    core::{
        AppCredentials, Credentials, SessionBuilder, UserCredentials,
        api::devices::ListDevicesInformation, model::DeviceIdKind,
    },
};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42).devices(12))?;
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?); // leave this out for production
    let client = Builder::new(session).build()?;

    let mut list = ListDevicesInformation::new(Simulator::ACCOUNT);
    list.max_number_of_devices = Some(5); // as large as you like: a page is in memory at a time
    println!("{:20}  {:8}  last use", "ICCID", "state");
    let mut devices = client.items(list);
    for device in devices.by_ref() {
        let device = device?;
        let mut ids = device.device_ids.iter();
        let iccid = ids.find(|id| id.kind == DeviceIdKind::ICCID);
        let mut services = device.carrier_informations.iter();
        let state = services.find_map(|service| service.state.as_ref());
        let used = device.last_connection_date.as_ref();
        println!(
            "{:20}  {:8}  {}",
            iccid.map_or("-", |id| &id.id),
            state.map_or("-", |state| state.as_str()),
            used.map_or("never", |used| used.as_str()),
        );
    }
    if devices.repeats() {
        return Err("the service has more devices, and does not say how to get at them".into());
    }

    client.log_out()?;
    println!("Logged out.");
    Ok(())
}
