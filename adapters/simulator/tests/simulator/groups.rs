//! Groups, and the pages of their devices.

use http::header::LOCATION;
use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const ACCOUNT: &str = Simulator::ACCOUNT;
const GROUP: &str = "West Coast Devices";
const DEFAULT: &str = "Unassigned Devices";

fn create(service: &mut Service, tokens: &Tokens, name: &str, devices: &Value) -> Received {
    let body = json!({"accountName": ACCOUNT, "groupDescription": "d", "groupName": name,
        "devicesToAdd": devices});
    service.call(tokens, Call::CreateDeviceGroup, &[], &body)
}

fn update(service: &mut Service, tokens: &Tokens, name: &str, body: &Value) -> Received {
    service.call(tokens, Call::UpdateDeviceGroup, &[ACCOUNT, name], body)
}

fn members(service: &mut Service, tokens: &Tokens, name: &str) -> Vec<Value> {
    let call = Call::GetDeviceGroupInformation;
    let group = service.call(tokens, call, &[ACCOUNT, name], &Value::Null);
    let group = group.json();
    let devices = group["devices"].as_array().unwrap();
    devices
        .iter()
        .map(|device| device["deviceIds"][0].clone())
        .collect()
}

#[test]
fn a_device_is_in_one_group() {
    let mut service = Service::new();
    let tokens = service.log_in();
    assert_eq!(members(&mut service, &tokens, DEFAULT).len(), 5);

    create(&mut service, &tokens, GROUP, &json!([imei(1), imei(2)]));
    assert_eq!(members(&mut service, &tokens, GROUP), [imei(1), imei(2)]);
    assert_eq!(members(&mut service, &tokens, DEFAULT).len(), 3);
    assert_eq!(
        service.device(&tokens, &imei(1))["groupNames"],
        json!([GROUP])
    );

    create(&mut service, &tokens, "East", &json!([imei(2)]));
    assert_eq!(members(&mut service, &tokens, GROUP), [imei(1)]);

    let body = json!({"devicesToAdd": [imei(2)], "devicesToRemove": [imei(1)],
        "newGroupName": "West", "newGroupDescription": "e"});
    assert_eq!(update(&mut service, &tokens, GROUP, &body).status, 200);
    assert_eq!(members(&mut service, &tokens, "West"), [imei(2)]);
    assert_eq!(members(&mut service, &tokens, "East"), [Value::Null; 0]);
    assert_eq!(members(&mut service, &tokens, DEFAULT).len(), 4);

    service.call(
        &tokens,
        Call::DeleteDeviceGroup,
        &[ACCOUNT, "West"],
        &Value::Null,
    );
    assert_eq!(members(&mut service, &tokens, DEFAULT).len(), 5);
    let list = service.call(&tokens, Call::ListDeviceGroups, &[ACCOUNT], &Value::Null);
    let list = list.json();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["name"])
        .collect();
    assert_eq!(names, [DEFAULT, "East"]);
    assert_eq!(list[0]["isDefaultGroup"], true);
    assert_eq!(list[1]["isDefaultGroup"], false);
}

#[test]
fn a_group_is_refused_for_its_name_or_its_devices() {
    let mut service = Service::new();
    let tokens = service.log_in();
    create(&mut service, &tokens, GROUP, &json!([]));
    let exists = "INPUT_INVALID.DeviceGroup.Exists";
    for name in [GROUP, DEFAULT] {
        create(&mut service, &tokens, name, &json!([])).assert_refused(exists);
    }
    let unknown = json!([{"id": "42", "kind": "imei"}]);
    create(&mut service, &tokens, "x", &unknown).assert_refused("REQUEST_FAILED.DeviceNotFound");
    for (name, body, code) in [
        ("x", json!({}), "REQUEST_FAILED.DeviceGroupNotFound"),
        (DEFAULT, json!({}), "INPUT_INVALID.DeviceGroup.Default"),
        (GROUP, json!({"newGroupName": DEFAULT}), exists),
        (
            GROUP,
            json!({"devicesToRemove": [imei(1)]}),
            "REQUEST_FAILED.DeviceNotFound",
        ),
    ] {
        update(&mut service, &tokens, name, &body).assert_refused(code);
    }
    let delete = Call::DeleteDeviceGroup;
    let response = service.call(&tokens, delete, &[ACCOUNT, DEFAULT], &Value::Null);
    response.assert_refused("INPUT_INVALID.DeviceGroup.Default");
}

#[test]
fn a_large_group_comes_in_pages() {
    let mut service = Service::with(Simulator::new(1).devices(250));
    let tokens = service.log_in();
    let call = Call::GetDeviceGroupInformation;
    let first = path(call, &[ACCOUNT, DEFAULT]);
    let mut seen = Vec::new();
    let mut statuses = Vec::new();
    let mut query = String::new();

    loop {
        let page = service.call_at(&tokens, call, &format!("{first}{query}"), &Value::Null);
        statuses.push(page.status.as_u16());
        let body = page.json();
        assert_eq!(body["hasMoreData"], page.status == 202);
        let devices = body["devices"].as_array().unwrap();
        seen.extend(
            devices
                .iter()
                .map(|device| device["deviceIds"][0]["id"].to_string()),
        );
        let Some(location) = page.headers.get(LOCATION) else {
            break;
        };
        let (path, token) = location.to_str().unwrap().split_once('?').unwrap();
        assert_eq!(path, "/groups/0000123456-00001/name/Unassigned%20Devices/");
        // A double does not hold this number.
        let next: i64 = token.strip_prefix("next=").unwrap().parse().unwrap();
        assert!(next > 1 << 53);
        query = format!("?{token}");
    }

    assert_eq!(statuses, [202, 202, 200]);
    seen.dedup();
    assert_eq!(seen.len(), 250);
    for next in ["x", "1", "-1", ""] {
        let path = format!("{first}?next={next}");
        let response = service.call_at(&tokens, call, &path, &Value::Null);
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
    }
}

#[test]
fn leads_come_in_pages_of_the_size_that_was_set() {
    let mut service = Service::with(Simulator::new(1).page_size(2));
    let tokens = service.log_in();
    let call = Call::ListAccountLeads;
    let page = service.call(&tokens, call, &[ACCOUNT], &Value::Null);
    assert_eq!(page.status, 202);
    let location = page.headers[LOCATION].to_str().unwrap().to_owned();
    let (path, query) = location.split_once('?').unwrap();
    assert_eq!(path, "/leads/0000123456-00001");

    let path = format!("/api/m2m/v1{path}?{query}");
    let page = service.call_at(&tokens, call, &path, &Value::Null);

    assert_eq!(page.status, 200);
    assert_eq!(page.json()["leads"].as_array().unwrap().len(), 1);
}
