//! The two calls that use a session: account information and devices.

use serde_json::{Value, json};
use thingspace_simulator::Simulator;

use crate::service::*;

const UNEXPECTED: &str = "REQUEST_FAILED.UnexpectedError";

/// Returns the ThingSpace id of a listed device.
fn id(device: &Value) -> u64 {
    let attributes = device["extendedAttributes"].as_array().unwrap();
    let attribute = attributes.iter().find(|a| a["key"] == "DeviceId").unwrap();
    attribute["value"].as_str().unwrap().parse().unwrap()
}

#[test]
fn account_information_has_the_name_and_number() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let response = service.account(&tokens);

    assert_eq!(response.status, 200);
    assert_eq!(response.text("accountName"), Simulator::ACCOUNT);
    assert_eq!(response.text("accountNumber"), "0000123456");
}

#[test]
fn an_account_name_may_be_percent_encoded_and_must_exist() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let encoded = tokens.authorize(get("/api/m2m/v1/accounts/0000123456%2D00001"));
    let response = service.send(&without_body(encoded));
    assert_eq!(response.text("accountName"), Simulator::ACCOUNT);

    let other = tokens.authorize(get("/api/m2m/v1/accounts/0000123456-00002"));
    let response = service.send(&without_body(other));
    response.assert_refused("REQUEST_FAILED.AccountNotFound");
}

#[test]
fn a_few_devices_fit_on_one_page() {
    let mut service = Service::new();
    let tokens = service.log_in();

    for body in [json!({}), json!({"accountName": Simulator::ACCOUNT})] {
        let page = service.devices(&tokens, &body).json();
        assert_eq!(page["hasMoreData"], false);
        let devices = page["devices"].as_array().unwrap();
        assert_eq!(devices.len(), 5);
        assert_eq!(devices[0]["accountName"], Simulator::ACCOUNT);
        assert_eq!(devices[0]["connected"], true);
        let kinds = devices[0]["deviceIds"].as_array().unwrap();
        assert_eq!(kinds[0]["kind"], "imei");
        assert_eq!(kinds[0]["id"].as_str().unwrap().len(), 15);
        assert_eq!(kinds[1]["kind"], "iccId");
        assert_eq!(kinds[1]["id"].as_str().unwrap().len(), 20);
    }
}

#[test]
fn many_devices_are_listed_a_page_at_a_time_each_once() {
    let mut service = Service::with(Simulator::new(3).devices(4321));
    let tokens = service.log_in();
    let mut ids = Vec::new();
    let mut sizes = Vec::new();
    let mut seen = 0;

    loop {
        let body = json!({"largestDeviceIdSeen": seen});
        let page = service.devices(&tokens, &body).json();
        let devices = page["devices"].as_array().unwrap();
        sizes.push(devices.len());
        ids.extend(devices.iter().map(id));
        seen = *ids.last().unwrap();
        if page["hasMoreData"] == false {
            break;
        }
    }

    assert_eq!(sizes, [2000, 2000, 321]);
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), 4321);
}

#[test]
fn a_page_can_be_made_smaller_but_not_larger() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let page = service
        .devices(&tokens, &json!({"maxNumberOfDevices": 4}))
        .json();
    assert_eq!(page["hasMoreData"], true);
    assert_eq!(page["devices"].as_array().unwrap().len(), 4);
    let page = service
        .devices(&tokens, &json!({"maxNumberOfDevices": 5}))
        .json();
    assert_eq!(page["hasMoreData"], false);

    for most in [json!(0), json!(2001), json!(-1), json!("5"), json!(1.5)] {
        let body = json!({"maxNumberOfDevices": most});
        service.devices(&tokens, &body).assert_refused(UNEXPECTED);
    }
}

#[test]
fn the_page_after_the_last_device_is_empty() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let body = json!({"largestDeviceIdSeen": u64::MAX});
    let page = service.devices(&tokens, &body).json();

    assert_eq!(page, json!({"hasMoreData": false, "devices": []}));
}

#[test]
fn an_account_without_devices_has_one_empty_page() {
    let mut service = Service::with(Simulator::new(3).devices(0));
    let tokens = service.log_in();

    let page = service.devices(&tokens, &json!({})).json();

    assert_eq!(page, json!({"hasMoreData": false, "devices": []}));
}

#[test]
fn a_list_requires_an_object_and_the_right_account() {
    let mut service = Service::new();
    let tokens = service.log_in();

    for body in [json!([]), json!("x"), json!({"accountName": 7})] {
        service.devices(&tokens, &body).assert_refused(UNEXPECTED);
    }
    service
        .devices(&tokens, &json!({"accountName": "0000123456-00002"}))
        .assert_refused("REQUEST_FAILED.AccountNotFound");
    service
        .send(&without_body(tokens.authorize(post(DEVICES))))
        .assert_refused("INPUT_INVALID.RequestUndefined");
}
