//! Changes of devices that leave their state as it is.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const OTHER: &str = "TestAccount-2";

/// Returns the value of an extended attribute.
fn attribute(device: &Value, key: &str) -> Option<String> {
    let attributes = device["extendedAttributes"].as_array().unwrap();
    let found = attributes.iter().find(|pair| pair["key"] == key)?;
    Some(found["value"].as_str().unwrap().to_owned())
}

#[test]
fn the_plan_is_changed_by_its_code() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for (from, to, status) in [
        (None, "m2m4G", "Success"),
        (Some("5MB"), "LTESmartphone", "Failure"),
        (Some("M2M 4G"), "5MB", "Success"),
        (None, "42", "Failure"),
    ] {
        let body = json!({"devices": only(&imei(1)), "servicePlan": to,
            "currentServicePlan": from});
        let ended = service.finish(&tokens, Call::ChangeDevicesServicePlan, &body);
        assert_eq!(ended, status, "{to}");
    }
    let device = service.device(&tokens, &imei(1));
    assert_eq!(device["carrierInformations"][0]["servicePlan"], "5MB");
}

#[test]
fn custom_fields_are_set_one_by_one() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for (key, value) in [
        ("CustomField1", "a"),
        ("CustomField2", "b"),
        ("CustomField1", "c"),
    ] {
        let body = json!({"devices": only(&imei(1)),
            "customFieldsToUpdate": [{"key": key, "value": value}]});
        service.finish(&tokens, Call::UpdateDevicesCustomFields, &body);
    }
    let expected = json!([
        {"key": "CustomField1", "value": "c"},
        {"key": "CustomField2", "value": "b"},
    ]);
    assert_eq!(service.device(&tokens, &imei(1))["customFields"], expected);
}

#[test]
fn the_removal_of_a_cost_center_wins() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for (remove, expected) in [(false, Some("cc-42")), (true, None)] {
        let body = json!({"devices": only(&imei(1)), "costCenter": "cc-42",
            "removeCostCenter": remove});
        service.finish(&tokens, Call::UpdateDevicesCostCenterCode, &body);
        let device = service.device(&tokens, &imei(1));
        assert_eq!(attribute(&device, "CostCenterCode").as_deref(), expected);
    }
    for code in ["x".repeat(37), "cc_42".to_owned()] {
        let body = json!({"devices": only(&imei(1)), "costCenter": code});
        let response = service.call(&tokens, Call::UpdateDevicesCostCenterCode, &[], &body);
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
    }
}

#[test]
fn the_place_of_use_is_replaced() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let place = json!({
        "address": {"addressLine1": "1 Main Street", "city": "Islington", "state": "NJ",
            "zip": "07701", "country": "USA"},
        "customerName": {"firstName": "Arthur", "lastName": "Dent"},
    });
    let body = json!({"devices": only(&imei(1)), "primaryPlaceOfUse": place});
    service.finish(&tokens, Call::UpdateDevicesContactInformation, &body);
    let device = service.device(&tokens, &imei(1));
    let name = attribute(&device, "PrimaryPlaceOfUseLastName");
    assert_eq!(name.as_deref(), Some("Dent"));
}

#[test]
fn a_device_moves_to_another_account() {
    let mut service = Service::with(Simulator::new(1).other_account(OTHER));
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let body = json!({"accountName": OTHER, "devices": only(&imei(1))});
    let id = service.begin(&tokens, Call::MoveDevicesWithinAccountsOfProfile, &body);
    service.pass(5 * SECOND);

    let count = |service: &mut Service, account: &str| {
        let page = service
            .devices(&tokens, &json!({"accountName": account}))
            .json();
        page["devices"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut service, Simulator::ACCOUNT), 4);
    assert_eq!(count(&mut service, OTHER), 1);
    // The request belongs to the destination.
    let call = Call::GetCurrentAsynchronousRequestStatus;
    let status = service.call(&tokens, call, &[OTHER, &id], &Value::Null);
    assert_eq!(status.text("status"), "Success");
    // For the account that it has left, it is unknown.
    let suspend = json!({"devices": only(&imei(1))});
    let status = service.finish(&tokens, Call::SuspendServiceForDevices, &suspend);
    assert_eq!(status, "Failure");
}

#[test]
fn an_identifier_is_exchanged() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let new = json!({"id": "990013907835573", "kind": "imei"});
    let change = Call::UpdateDeviceId;
    let send = |service: &mut Service, body: &Value| {
        let response = service.call(&tokens, change, &["imei"], body);
        let id = response.text("requestId");
        service.pass(5 * SECOND);
        service.status(&tokens, &id)
    };

    let body = json!({"deviceIds": [imei(1)], "deviceIdsTo": [new],
        "change4gOption": "ChangeIMEI"});
    assert_eq!(send(&mut service, &body), "Success");
    assert_eq!(service.device(&tokens, &new)["deviceIds"][0], new);
    let old = service
        .devices(&tokens, &json!({"deviceId": imei(1)}))
        .json();
    assert_eq!(old["devices"], json!([]));

    let mismatches = json!({"filter": {
        "earliest": "2023-11-14T00:00:00Z", "latest": "2023-11-15T00:00:00-08:00Z",
    }});
    let call = Call::ListDevicesWithImeiIccidMismatch;
    let list = service.call(&tokens, call, &[], &mismatches).json();
    assert_eq!(list["devices"][0]["preImei"], imei(1)["id"]);
    assert_eq!(list["devices"][0]["postImei"], new["id"]);

    let taken = json!({"deviceIds": [imei(2)], "deviceIdsTo": [new]});
    assert_eq!(send(&mut service, &taken), "Failure");
    let number = json!({"deviceIds": [imei(2)], "change4gOption": "ChangeMSISDN",
        "npaNxx": "509555"});
    assert_eq!(send(&mut service, &number), "Success");
    let device = service.device(&tokens, &imei(2));
    let number = device["deviceIds"][2]["id"].as_str().unwrap();
    assert!(number.starts_with("509555"), "{number}");
    service
        .call(&tokens, change, &["imei"], &json!({"deviceIds": [imei(2)]}))
        .assert_refused("REQUEST_FAILED.UnexpectedError");
}

#[test]
fn labels_are_set_and_removed() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "DeviceUsage");
    let label = json!({"name": "Fleet", "value": "Gold"});
    let body = json!({"accountName": Simulator::ACCOUNT, "labels": {
        "devices": [{"deviceIds": [imei(1)]}, {"deviceIds": [imei(2)]}], "label": [label],
    }});
    service.finish(&tokens, Call::UsageSegmentationLabelAssociation, &body);
    let usage = json!({"startTime": "2023-11-01T00:00:00Z", "endTime": "2023-11-10T00:00:00Z",
        "label": [label]});
    let labeled = |service: &mut Service| {
        service.finish(&tokens, Call::RetrieveAggregateDeviceUsageHistory, &usage);
        service.accept_callbacks().len()
    };
    assert_eq!(labeled(&mut service), 2);

    let call = Call::UsageSegmentationLabelDeletion;
    let pair = "LabelList%5BdeviceIds%5D%5B0%5D";
    let query = format!(
        "?accountName={}&{pair}%5Bname%5D=Fleet&{pair}%5Bvalue%5D=Gold",
        Simulator::ACCOUNT
    );
    let path = path(call, &[]);
    let removed = service.call_at(&tokens, call, &format!("{path}{query}"), &Value::Null);
    assert_eq!(removed.status, 200);
    service.pass(5 * SECOND);
    assert_eq!(labeled(&mut service), 0);

    for query in [
        String::new(),
        format!("?accountName={}", Simulator::ACCOUNT),
        query.replace("name%5D", "nom%5D"),
        query.replace(
            "&LabelList",
            "&LabelList%5BdeviceIds%5D%5B9%5D%5Bname%5D=x&LabelList",
        ),
    ] {
        let response = service.call_at(&tokens, call, &format!("{path}{query}"), &Value::Null);
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
    }
}
