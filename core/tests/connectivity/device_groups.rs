use serde_json::json;
use thingspace_core::{
    api::device_groups::{
        CreateDeviceGroup, DeleteDeviceGroup, GetDeviceGroupInformation, ListDeviceGroups,
        UpdateDeviceGroup,
    },
    model::DeviceId,
};

use crate::stage::{Case, check};

const GROUP: &str = "West Coast Devices";

#[test]
fn create_device_group() {
    check(|texts| {
        let mut call = CreateDeviceGroup::new(texts.account(), texts.text(GROUP));
        call.group_description = texts.text("All on the coast");
        call.devices_to_add = Some(vec![DeviceId::imei(texts.text("990013907835573"))]);
        Case::new(call, "POST", &["groups"]).body(json!({
            "accountName": texts.account(),
            "groupName": texts.text(GROUP),
            "groupDescription": texts.text("All on the coast"),
            "devicesToAdd": [{"id": texts.text("990013907835573"), "kind": "imei"}],
        }))
    })
    .sent_once()
    .returns(&json!({"success": true}), |result| {
        assert_eq!(result.success, Some(true));
    });
}

#[test]
fn list_device_groups() {
    check(|texts| {
        let call = ListDeviceGroups::new(texts.account());
        Case::new(call, "GET", &["groups", &texts.account()])
    })
    .may_be_retried()
    .returns(
        &json!([{"name": "Unassigned Devices", "description": "d", "isDefaultGroup": true,
            "extendedAttributes": []}]),
        |groups| {
            assert_eq!(groups[0].name.as_deref(), Some("Unassigned Devices"));
            assert_eq!(groups[0].is_default_group, Some(true));
        },
    );
}

#[test]
fn get_device_group_information() {
    check(|texts| {
        let mut call = GetDeviceGroupInformation::new(texts.account(), texts.text(GROUP));
        call.next = Some(texts.text("100"));
        Case::new(
            call,
            "GET",
            &["groups", &texts.account(), "name", &texts.text(GROUP)],
        )
        .query("next", texts.text("100"))
    })
    .may_be_retried()
    .returns(
        &json!({"name": GROUP, "description": "d", "hasMoreData": true,
            "devices": [{"deviceIds": [{"id": "1", "kind": "ESN"}], "ipAddress": "1.2.3.456"}]}),
        |group| {
            assert_eq!(group.name.as_deref(), Some(GROUP));
            assert_eq!(group.devices[0].device_ids[0].kind.as_str(), "ESN");
        },
    );
}

#[test]
fn update_device_group() {
    check(|texts| {
        let mut call = UpdateDeviceGroup::new(texts.account(), texts.text(GROUP));
        call.devices_to_remove = Some(vec![DeviceId::mdn(texts.text("5551234567"))]);
        call.new_group_name = Some(texts.text("West"));
        Case::new(
            call,
            "PUT",
            &["groups", &texts.account(), "name", &texts.text(GROUP)],
        )
        .body(json!({
            "devicesToRemove": [{"id": texts.text("5551234567"), "kind": "mdn"}],
            "newGroupName": texts.text("West"),
        }))
    })
    .sent_once()
    .returns(&json!({"success": true}), |result| {
        assert_eq!(result.success, Some(true));
    });
}

#[test]
fn delete_device_group() {
    check(|texts| {
        let call = DeleteDeviceGroup::new(texts.account(), texts.text(GROUP));
        Case::new(
            call,
            "DELETE",
            &["groups", &texts.account(), "name", &texts.text(GROUP)],
        )
    })
    .sent_once()
    .returns(&json!({"success": true}), |result| {
        assert_eq!(result.success, Some(true));
    });
}
