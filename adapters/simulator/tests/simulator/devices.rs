//! Account information, and the list of devices with its filters and its pages.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

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

/// Returns the numbers of the devices that a list has, the first of which is 1.
fn listed(service: &mut Service, tokens: &Tokens, body: &Value) -> Vec<u64> {
    let page = service.devices(tokens, body).json();
    let devices = page["devices"].as_array().unwrap();
    devices
        .iter()
        .map(|device| id(device) - 100_000_000)
        .collect()
}

#[test]
fn a_list_is_narrowed_by_each_of_its_filters() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let group = json!({"accountName": Simulator::ACCOUNT, "groupDescription": "d",
        "groupName": "West", "devicesToAdd": [imei(2)]});
    service.call(&tokens, Call::CreateDeviceGroup, &[], &group);
    let fields = json!([{"key": "CustomField1", "value": "v"}]);
    let update = json!({"devices": only(&imei(3)), "customFieldsToUpdate": fields});
    service.finish(&tokens, Call::UpdateDevicesCustomFields, &update);
    let suspend = json!({"devices": only(&imei(4))});
    service.finish(&tokens, Call::SuspendServiceForDevices, &suspend);
    let plan = json!({"devices": only(&imei(5)), "servicePlan": "m2m4G"});
    service.finish(&tokens, Call::ChangeDevicesServicePlan, &plan);
    let search = |search: Value| json!({"filter": {"deviceIdentifierFilters": [search]}});

    for (body, expected) in [
        (json!({"groupName": "West"}), vec![2]),
        (json!({"groupName": "Unassigned Devices"}), vec![1, 3, 4, 5]),
        (json!({"groupName": "East"}), vec![]),
        (json!({"customFields": fields}), vec![3]),
        (json!({"currentState": "Suspend"}), vec![4]),
        (
            json!({"currentState": "active", "maxNumberOfDevices": 2}),
            vec![1, 2],
        ),
        // Filters speak of a plan's name.
        (json!({"servicePlan": "M2M 4G"}), vec![5]),
        (
            json!({"deviceId": {"id": "5100000001", "kind": "MDN"}}),
            vec![1],
        ),
        (json!({"deviceId": {"id": "42", "kind": "MDN"}}), vec![]),
        (json!({"deviceId": imei(1), "groupName": "West"}), vec![]),
        (json!({"earliest": "2020-01-01T00:00:03Z"}), vec![4, 5]),
        (json!({"latest": "2019-12-31T16:00:01-08:00"}), vec![1, 2]),
        (search(json!({"kind": "IMEI", "contains": "0003"})), vec![3]),
        (
            search(json!({"kind": "mdn", "contains": "", "endswith": "5"})),
            vec![5],
        ),
        (
            search(json!({"kind": "mdn", "contains": "", "startswith": "51"})),
            vec![1, 2, 3, 4, 5],
        ),
        (search(json!({"kind": "eid", "contains": ""})), vec![]),
    ] {
        assert_eq!(listed(&mut service, &tokens, &body), expected, "{body}");
    }
    let unknown = json!({"currentState": "infinite"});
    service
        .devices(&tokens, &unknown)
        .assert_refused(UNEXPECTED);
}

#[test]
fn a_list_can_go_on_by_the_time_of_the_last_device() {
    let mut service = Service::with(Simulator::new(3).devices(10));
    let tokens = service.log_in();
    let mut seen = Vec::new();
    let mut earliest = "2019-01-01T00:00:00Z".to_owned();
    loop {
        let body = json!({"earliest": earliest, "maxNumberOfDevices": 4});
        let page = service.devices(&tokens, &body).json();
        let devices = page["devices"].as_array().unwrap();
        seen.extend(devices.iter().map(id));
        earliest = devices.last().unwrap()["createdAt"]
            .as_str()
            .unwrap()
            .to_owned();
        if page["hasMoreData"] == false {
            break;
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 10);
}

#[test]
fn more_attributes_are_in_a_list_of_one_device() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let center = json!({"devices": only(&imei(1)), "costCenter": "cc"});
    service.finish(&tokens, Call::UpdateDevicesCostCenterCode, &center);
    let count = |device: &Value| device["extendedAttributes"].as_array().unwrap().len();
    assert_eq!(count(&service.device(&tokens, &imei(1))), 2);
    let page = service.devices(&tokens, &json!({})).json();
    assert_eq!(count(&page["devices"][0]), 1);
}

#[test]
fn devices_that_were_added_follow_the_others() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let body = json!({"state": "preactive", "devicesToAdd": [
        {"deviceIds": [{"id": "b", "kind": "imei"}]},
        {"deviceIds": [{"id": "a", "kind": "imei"}]},
    ]});
    service.call(&tokens, Call::AddDevices, &[], &body);
    let body = json!({"largestDeviceIdSeen": 100_000_004});
    assert_eq!(listed(&mut service, &tokens, &body), [5, 6, 7]);
}
