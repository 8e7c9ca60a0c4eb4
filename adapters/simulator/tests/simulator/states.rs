//! The life of a device: added, activated, suspended, restored, deactivated, deleted.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

fn add(service: &mut Service, tokens: &Tokens, devices: &Value) -> Value {
    let body = json!({"state": "Pre-active", "devicesToAdd": devices});
    service.call(tokens, Call::AddDevices, &[], &body).json()
}

fn activate(service: &mut Service, tokens: &Tokens, devices: &Value) -> String {
    let body = json!({"devices": devices, "servicePlan": "m2m4G", "mdnZipCode": "98801"});
    service.finish(tokens, Call::ActivateServiceForDevices, &body)
}

#[test]
fn a_device_has_a_life() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let id = json!({"id": "990013907835573", "kind": "imei"});
    let devices = only(&id);
    let named = json!({"devices": devices});

    let added = add(&mut service, &tokens, &devices);
    assert_eq!(added, json!([{"deviceIds": [id], "response": "Success"}]));
    assert_eq!(service.state(&tokens, &id), "preactive");

    assert_eq!(activate(&mut service, &tokens, &devices), "Success");
    let device = service.device(&tokens, &id);
    let carrier = &device["carrierInformations"][0];
    assert_eq!(carrier["state"], "active");
    assert_eq!(carrier["servicePlan"], "m2m4G");
    assert_eq!(device["lastActivationDate"], "2023-11-14T22:13:25Z");
    assert_eq!(device["deviceIds"][1]["kind"], "mdn");

    service.finish(&tokens, Call::SuspendServiceForDevices, &named);
    assert_eq!(service.state(&tokens, &id), "suspend");
    service.finish(&tokens, Call::RestoreServiceForSuspendedDevices, &named);
    assert_eq!(service.state(&tokens, &id), "active");

    let deactivate =
        json!({"accountName": Simulator::ACCOUNT, "devices": devices, "reasonCode": "FF"});
    service.finish(&tokens, Call::DeactivateServiceForDevices, &deactivate);
    assert_eq!(service.state(&tokens, &id), "deactive");

    let delete = json!({"devicesToDelete": devices});
    let deleted = service.call(&tokens, Call::DeleteDeactivatedDevices, &[], &delete);
    assert_eq!(
        deleted.json(),
        json!([{"deviceIds": id, "status": "Success"}])
    );
    let page = service.devices(&tokens, &json!({})).json();
    assert_eq!(page["devices"].as_array().unwrap().len(), 5);
}

#[test]
fn a_device_that_no_account_has_is_added_by_its_activation() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let id = json!({"id": "990013907835573", "kind": "imei"});
    assert_eq!(activate(&mut service, &tokens, &only(&id)), "Success");
    assert_eq!(
        service.state(&tokens, &json!({"id": "990013907835573", "kind": "IMEI"})),
        "active"
    );
}

#[test]
fn a_step_that_does_not_follow_from_the_state_fails() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let named = json!({"devices": only(&imei(1))});
    assert_eq!(activate(&mut service, &tokens, &only(&imei(1))), "Failure");
    for (call, status) in [
        (Call::RestoreServiceForSuspendedDevices, "Failure"),
        (Call::SuspendServiceForDevices, "Success"),
        (Call::SuspendServiceForDevices, "Failure"),
    ] {
        assert_eq!(service.finish(&tokens, call, &named), status, "{call:?}");
    }
    assert_eq!(service.state(&tokens, &imei(1)), "suspend");
}

#[test]
fn an_unknown_plan_fails() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let devices = only(&json!({"id": "1", "kind": "imei"}));
    let body = json!({"devices": devices, "servicePlan": "42", "mdnZipCode": "98801"});
    let status = service.finish(&tokens, Call::ActivateServiceForDevices, &body);
    assert_eq!(status, "Failure");
}

#[test]
fn only_known_states_reasons_and_leads_are_taken() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let devices = only(&imei(1));
    for (call, body) in [
        (
            Call::AddDevices,
            json!({"state": "active", "devicesToAdd": devices}),
        ),
        (
            Call::DeactivateServiceForDevices,
            json!({"accountName": Simulator::ACCOUNT, "devices": devices, "reasonCode": "XX"}),
        ),
        (
            Call::UpdateDevicesState,
            json!({"serviceName": "s", "stateName": "infinite", "servicePlan": "5MB",
                "mdnZipCode": "98801", "devices": devices}),
        ),
        (
            Call::ActivateServiceForDevices,
            json!({"devices": devices, "servicePlan": "5MB", "mdnZipCode": "98801",
                "leadId": "L00002"}),
        ),
    ] {
        let response = service.call(&tokens, call, &[], &body);
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
    }
}

#[test]
fn a_device_is_added_once() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let added = add(&mut service, &tokens, &only(&imei(1)));
    assert_eq!(added[0]["response"], "Failed");
    let new = only(&json!({"id": "1", "kind": "imei"}));
    assert_eq!(add(&mut service, &tokens, &new)[0]["response"], "Success");
    assert_eq!(add(&mut service, &tokens, &new)[0]["response"], "Failed");
}

#[test]
fn a_deactivation_can_delete() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let body = json!({"accountName": Simulator::ACCOUNT, "devices": only(&imei(2)),
        "reasonCode": "FF", "deleteAfterDeactivation": true});
    let status = service.finish(&tokens, Call::DeactivateServiceForDevices, &body);
    assert_eq!(status, "Success");
    let page = service
        .devices(&tokens, &json!({"deviceId": imei(2)}))
        .json();
    assert_eq!(page["devices"], json!([]));
}

#[test]
fn only_a_deactivated_device_is_deleted() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let iccid = json!({"id": "89148000000100000002", "kind": "iccid"});
    let body = json!({"devicesToDelete": [
        {"deviceIds": [imei(1)]},
        {"deviceIds": [imei(2), iccid]},
    ]});
    let results = service.call(&tokens, Call::DeleteDeactivatedDevices, &[], &body);
    // An object for one identifier, an array for several.
    let message = "The device is not deactivated.";
    assert_eq!(
        results.json(),
        json!([
            {"deviceIds": imei(1), "status": "Failed", "message": message},
            {"deviceIds": [imei(2), iccid], "status": "Failed", "message": message},
        ])
    );
}

#[test]
fn a_device_goes_to_any_state() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for (name, state) in [
        ("Deactive", "deactive"),
        ("Activate", "active"),
        ("Suspend", "suspend"),
        ("Pre-active", "preactive"),
    ] {
        let body = json!({"serviceName": "Connectivity", "stateName": name,
            "servicePlan": "m2m4G", "mdnZipCode": "98801", "devices": only(&imei(1))});
        service.finish(&tokens, Call::UpdateDevicesState, &body);
        assert_eq!(service.state(&tokens, &imei(1)), state);
    }
}

#[test]
fn a_profile_activates_and_deactivates() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let id = json!({"id": "1", "kind": "eid"});
    let mut body = json!({"accountName": Simulator::ACCOUNT, "devices": only(&id),
        "servicePlan": "5MB"});
    let status = |device: &Value| {
        let attributes = device["extendedAttributes"].as_array().unwrap();
        let found = attributes
            .iter()
            .find(|pair| pair["key"] == "ProfileStatus");
        found.map(|pair| pair["value"].as_str().unwrap().to_owned())
    };
    service.finish(&tokens, Call::ActivateDeviceThroughProfile, &body);
    assert_eq!(service.state(&tokens, &id), "active");
    assert_eq!(status(&service.device(&tokens, &id)).unwrap(), "Enabled");

    let local = json!({"accountName": Simulator::ACCOUNT, "devices": only(&id), "smsrOid": "1"});
    for (call, profile) in [
        (Call::DisableLocalProfile, Some("Disabled")),
        (Call::EnableLocalProfile, Some("Enabled")),
        (Call::DeleteLocalProfile, None),
        (Call::DownloadLocalProfileToDisable, Some("Disabled")),
        (Call::DownloadLocalProfileToEnable, Some("Enabled")),
    ] {
        assert_eq!(service.finish(&tokens, call, &local), "Success");
        assert_eq!(
            status(&service.device(&tokens, &id)).as_deref(),
            profile,
            "{call:?}"
        );
    }

    let deactivate = json!({"accountName": Simulator::ACCOUNT, "reasonCode": "FF",
        "devices": [{"ids": [id]}]});
    service.finish(&tokens, Call::ProfileToDeactivateDevice, &deactivate);
    assert_eq!(service.state(&tokens, &id), "deactive");
    body["devices"] = only(&id);
    service.finish(&tokens, Call::ProfileToActivateDevice, &body);
    assert_eq!(service.state(&tokens, &id), "active");
}
