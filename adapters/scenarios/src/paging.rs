//! Lists that come in pages, item by item.

use http::{Response, StatusCode};
use serde_json::json;
use thingspace_core::{
    api::{
        device_groups::GetDeviceGroupInformation,
        devices::{ListDevicesInformation, ThingspaceDevice},
        sms::ListDevicesSmsMessages,
    },
    session::Settings,
};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{
    Client, Listing,
    stage::{Stage, settings},
};

/// Returns a request for all devices of the account, from the first page on.
fn all() -> ListDevicesInformation {
    ListDevicesInformation::new(Simulator::ACCOUNT)
}

/// Returns settings for pages of 2,000 devices.
pub(crate) fn for_large_pages() -> Settings {
    let mut settings = settings();
    settings.max_body = 4 * 1024 * 1024;
    settings
}

/// Returns the places of the devices in the list, from 1 on.
fn place(device: &ThingspaceDevice) -> i64 {
    device.id().unwrap() - 100_000_000
}

pub(crate) fn thousands_of_devices_are_listed_one_by_one<C: Client>() {
    let stage = Stage::<C>::of(Simulator::new(42).devices(5000));
    let client = stage.builder().settings(for_large_pages()).build().unwrap();
    let mut devices = client.items(all());
    assert_eq!(stage.seen_in_all(), 0);
    for number in 1..=5000 {
        assert_eq!(place(&devices.next().unwrap().unwrap()), number);
        // A page at a time.
        let pages = u64::try_from(number).unwrap().div_ceil(2000);
        assert_eq!(stage.done(Call::Devices), pages);
    }
    assert!(devices.next().is_none() && devices.next().is_none());
    assert!(devices.request().is_none() && !devices.repeats());
    assert_eq!(stage.seen(Call::Devices), 3);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

pub(crate) fn thousands_are_listed_by_the_location_of_the_next_page<C: Client>() {
    let stage = Stage::<C>::of(Simulator::new(42).devices(5000));
    let client = stage.client();
    let imei = |number: u32| format!("99{:013}", 100_000_000 + number);

    // The name of the group has a blank.
    let group = GetDeviceGroupInformation::new(Simulator::ACCOUNT, "Unassigned Devices");
    let devices = client.items(group).map(Result::unwrap);
    let devices = devices.map(|device| device.device_ids[0].id.clone());
    assert!(devices.eq((1..=5000).map(imei)));
    assert_eq!(stage.done(Call::GetDeviceGroupInformation), 50);

    let now = stage.server.now();
    stage.server.with(|service| {
        for number in 1..=2050 {
            assert!(service.receive_sms(now, &imei(number), &number.to_string()));
        }
    });
    let history = ListDevicesSmsMessages::new(Simulator::ACCOUNT);
    let messages = client.items(history).map(Result::unwrap);
    let messages = messages.map(|sms| (sms.device_ids[0].id.clone(), sms.message.unwrap()));
    assert!(messages.eq((1..=2050).map(|number| (imei(number), number.to_string()))));
    assert_eq!(stage.done(Call::ListDevicesSmsMessages), 21);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

pub(crate) fn a_page_that_fails_is_resumed_here_and_elsewhere<C: Client>() {
    let stage = Stage::<C>::of(Simulator::new(42).devices(350));
    let client = stage.client();
    let mut first = all();
    first.max_number_of_devices = Some(100);
    let mut devices = client.items(first);
    for number in 1..=200 {
        assert_eq!(place(&devices.next().unwrap().unwrap()), number);
    }
    stage.inject(Call::Devices, Fault::Status(StatusCode::BAD_REQUEST));
    let error = devices.next().unwrap().unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    // It does not go on by itself.
    assert!(devices.next().is_none() && devices.next().is_none());
    assert_eq!(stage.seen(Call::Devices), 3);

    let failed = devices.request().unwrap().clone();
    devices.resume();
    let elsewhere = stage.client();
    for rest in [
        devices.map(Result::unwrap).collect::<Vec<_>>(),
        elsewhere.items(failed).map(Result::unwrap).collect(),
    ] {
        let rest: Vec<_> = rest.iter().map(place).collect();
        assert_eq!(rest, (201..=350).collect::<Vec<_>>());
    }
    assert_eq!(stage.done(Call::Devices), 6);
}

pub(crate) fn a_list_that_repeats_itself_ends<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let device = json!({"extendedAttributes": [{"key": "DeviceId", "value": "100000001"}]});
    let page = json!({"hasMoreData": true, "devices": [device]}).to_string();
    for _ in 0..2 {
        let response = Response::new(page.clone().into());
        stage.inject(Call::Devices, Fault::Replace(response));
    }
    let mut devices = client.items(all());
    assert_eq!(place(&devices.next().unwrap().unwrap()), 1);
    assert!(!devices.repeats());
    assert!(devices.next().is_none());
    assert!(devices.repeats());
    assert_eq!(stage.seen(Call::Devices), 2);
}

pub(crate) fn a_list_that_is_left_harms_nothing<C: Client>() {
    let stage = Stage::<C>::of(Simulator::new(42).devices(5000));
    let client = stage.builder().settings(for_large_pages()).build().unwrap();
    let mut devices = client.items(all());
    assert!(devices.nth(2500).unwrap().is_ok());
    drop(devices);
    assert_eq!(client.items(all()).count(), 5000);
    assert_eq!(stage.done(Call::Devices), 5);
    assert_eq!(stage.seen(Call::LogIn), 1);
}
