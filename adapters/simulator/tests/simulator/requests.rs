//! Asynchronous requests, from pending to their end.

use std::time::Duration;

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const SUSPEND: Call = Call::SuspendServiceForDevices;

#[test]
fn a_request_is_pending_until_its_time_has_passed() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let id = service.begin(&tokens, SUSPEND, &json!({"devices": only(&imei(1))}));

    assert_eq!(id.len(), 36);
    assert_eq!(service.status(&tokens, &id), "Pending");
    service.pass(4_999 * MILLISECOND);
    assert_eq!(service.status(&tokens, &id), "Pending");
    assert_eq!(service.state(&tokens, &imei(1)), "active");
    service.pass(MILLISECOND);
    assert_eq!(service.status(&tokens, &id), "Success");
    assert_eq!(service.state(&tokens, &imei(1)), "suspend");
}

#[test]
fn the_time_of_a_request_can_be_set() {
    let mut service = Service::with(Simulator::new(1).request_time(Duration::ZERO));
    let tokens = service.log_in();

    let id = service.begin(&tokens, SUSPEND, &json!({"devices": only(&imei(1))}));

    assert_eq!(service.status(&tokens, &id), "Success");
}

#[test]
fn a_request_fails_if_it_fails_for_one_device() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let unknown = json!({"id": "42", "kind": "imei"});
    let devices = json!([{"deviceIds": [imei(1)]}, {"deviceIds": [unknown]}]);

    let status = service.finish(&tokens, SUSPEND, &json!({"devices": devices}));

    assert_eq!(status, "Failure");
    assert_eq!(service.state(&tokens, &imei(1)), "suspend");
}

#[test]
fn a_test_decides_which_devices_fail() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let id = imei(2)["id"].as_str().unwrap().to_owned();
    service
        .simulator
        .fail_device(&id, "REQUEST_FAILED.Vogons", "poetry");
    // The device is recognised by any of its identifiers.
    let by_number = only(&json!({"id": "5100000002", "kind": "MDN"}));

    let status = service.finish(&tokens, SUSPEND, &json!({"devices": by_number}));

    assert_eq!(status, "Failure");
    assert_eq!(service.state(&tokens, &imei(2)), "active");
    let messages = service.accept_callbacks();
    let fault = json!({"faultcode": "REQUEST_FAILED.Vogons", "faultstring": "poetry"});
    assert_eq!(messages[0]["faultResponse"], fault);
    assert_eq!(messages[0]["status"], "Failed");

    service.simulator.mend_device(&id);
    let status = service.finish(&tokens, SUSPEND, &json!({"devices": by_number}));
    assert_eq!(status, "Success");
}

#[test]
fn devices_of_a_request_end_one_by_one() {
    let simulator = Simulator::new(1).device_interval(2 * SECOND);
    let mut service = Service::with(simulator);
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let devices = json!([{"deviceIds": [imei(1)]}, {"deviceIds": [imei(2)]}]);
    let id = service.begin(&tokens, SUSPEND, &json!({"devices": devices}));

    service.pass(5 * SECOND);
    assert_eq!(service.accept_callbacks()[0]["deviceIds"], json!([imei(1)]));
    assert_eq!(service.status(&tokens, &id), "Pending");
    service.pass(2 * SECOND);
    assert_eq!(service.accept_callbacks()[0]["deviceIds"], json!([imei(2)]));
    assert_eq!(service.status(&tokens, &id), "Success");
}

#[test]
fn a_request_is_known_to_its_account_alone() {
    let mut service = Service::with(Simulator::new(1).other_account("TestAccount-2"));
    let tokens = service.log_in();
    let id = service.begin(&tokens, SUSPEND, &json!({"devices": only(&imei(1))}));
    let call = Call::GetCurrentAsynchronousRequestStatus;

    for (account, id, code) in [
        (
            "TestAccount-2",
            id.as_str(),
            "REQUEST_FAILED.RequestNotFound",
        ),
        (Simulator::ACCOUNT, "42", "REQUEST_FAILED.RequestNotFound"),
        (
            "TestAccount-3",
            id.as_str(),
            "REQUEST_FAILED.AccountNotFound",
        ),
    ] {
        let response = service.call(&tokens, call, &[account, id], &Value::Null);
        response.assert_refused(code);
    }
}

#[test]
fn devices_are_selected_by_what_they_have() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let fields = json!([{"key": "CustomField1", "value": "v"}]);
    let update = json!({"devices": only(&imei(3)), "customFieldsToUpdate": fields});
    let update = service.finish(&tokens, Call::UpdateDevicesCustomFields, &update);
    assert_eq!(update, "Success");
    service.accept_callbacks();

    service.finish(&tokens, SUSPEND, &json!({"customFields": fields}));
    assert_eq!(service.accept_callbacks().len(), 1);
    assert_eq!(service.state(&tokens, &imei(3)), "suspend");

    service.finish(&tokens, SUSPEND, &json!({"servicePlan": "5MB"}));
    assert_eq!(service.accept_callbacks().len(), 5);

    let group = json!({"groupName": "Unassigned Devices"});
    service.finish(&tokens, Call::RestoreServiceForSuspendedDevices, &group);
    assert_eq!(service.accept_callbacks().len(), 5);
    assert_eq!(service.state(&tokens, &imei(3)), "active");
}

#[test]
fn a_request_that_names_no_device_is_refused() {
    let mut service = Service::with(Simulator::new(1).devices(10_001));
    let tokens = service.log_in();
    for (body, code) in [
        (json!({}), "INPUT_INVALID.Request.NoDevices"),
        (json!({"devices": []}), "INPUT_INVALID.Request.NoDevices"),
        (
            json!({"groupName": "x"}),
            "REQUEST_FAILED.DeviceGroupNotFound",
        ),
        (
            json!({"servicePlan": "5MB"}),
            "INPUT_INVALID.Request.TooManyItems",
        ),
    ] {
        service
            .call(&tokens, SUSPEND, &[], &body)
            .assert_refused(code);
    }
}

#[test]
fn documented_numbers_of_devices_are_enforced() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let many = |count: usize| Value::from(vec![json!({"deviceIds": [imei(1)]}); count]);
    let too_many = "INPUT_INVALID.Request.TooManyItems";

    let delete = Call::DeleteDeactivatedDevices;
    let response = service.call(&tokens, delete, &[], &json!({"devicesToDelete": many(100)}));
    assert_eq!(response.json().as_array().unwrap().len(), 100);
    service
        .call(&tokens, delete, &[], &json!({"devicesToDelete": many(101)}))
        .assert_refused(too_many);
    service
        .call(&tokens, SUSPEND, &[], &json!({"devices": many(10_001)}))
        .assert_refused(too_many);
}

#[test]
fn ten_thousand_requests_at_once_end_each_with_a_message() {
    let mut service = Service::with(Simulator::new(1).devices(10_000));
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");

    let ids: Vec<_> = (1..=10_000)
        .map(|number| service.begin(&tokens, SUSPEND, &json!({"devices": only(&imei(number))})))
        .collect();
    service.pass(5 * SECOND);
    let messages = service.accept_callbacks();

    assert_eq!(messages.len(), 10_000);
    for id in &ids {
        assert_eq!(service.status(&tokens, id), "Success");
    }
    assert_eq!(service.simulator.next_event(), None);
}
