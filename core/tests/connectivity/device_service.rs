use serde_json::json;
use thingspace_core::{
    api::device_service::{
        ActivateServiceForDevices, ChangeDevicesServicePlan, DeactivateServiceForDevices,
        DeviceFilter, MoveDevicesWithinAccountsOfProfile, RestoreServiceForSuspendedDevices,
        SuspendServiceForDevices, UpdateDevicesState,
    },
    model::{DateTime, PublicIpRestriction, RequestId},
};

use crate::{
    devices::{REQUEST, custom_fields, devices, place},
    stage::{Case, check},
};

const GROUP: &str = "West Coast Devices";

#[test]
fn activate_service_for_devices() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let (place, documented_place) = place(texts);
        let (plan, zip) = (texts.text("5MBCode"), texts.text("98801"));
        let mut call = ActivateServiceForDevices::new(devices, &plan, &zip);
        call.account_name = Some(texts.account());
        call.carrier_ip_pool_name = Some(texts.text("IPPool"));
        call.carrier_name = Some(texts.text("Verizon Wireless"));
        call.cost_center_code = Some(texts.text("CS-1"));
        call.custom_fields = Some(fields);
        call.group_name = Some(texts.text(GROUP));
        call.lead_id = Some(texts.text("7"));
        call.primary_place_of_use = Some(place);
        call.public_ip_restriction = Some(PublicIpRestriction::RESTRICTED);
        call.sku_number = Some(texts.text("VZW123456"));
        Case::new(call, "POST", &["devices", "actions", "activate"]).body(json!({
            "devices": documented_devices,
            "servicePlan": plan,
            "mdnZipCode": zip,
            "accountName": texts.account(),
            "carrierIpPoolName": texts.text("IPPool"),
            "carrierName": texts.text("Verizon Wireless"),
            "costCenterCode": texts.text("CS-1"),
            "customFields": documented_fields,
            "groupName": texts.text(GROUP),
            "leadId": texts.text("7"),
            "primaryPlaceOfUse": documented_place,
            "publicIpRestriction": "restricted",
            "skuNumber": texts.text("VZW123456"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn deactivate_service_for_devices() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let mut call = DeactivateServiceForDevices::new(texts.account(), devices);
        call.custom_fields = Some(fields);
        call.etf_waiver = Some(true);
        call.group_name = Some(texts.text(GROUP));
        call.service_plan = Some(texts.text("5MB"));
        call.delete_after_deactivation = Some(true);
        Case::new(call, "POST", &["devices", "actions", "deactivate"]).body(json!({
            "accountName": texts.account(),
            "devices": documented_devices,
            "reasonCode": "FF",
            "customFields": documented_fields,
            "etfWaiver": true,
            "groupName": texts.text(GROUP),
            "servicePlan": texts.text("5MB"),
            "deleteAfterDeactivation": true,
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn move_devices_within_accounts_of_profile() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let mut filter = DeviceFilter::new(texts.text("0000123456-00002"));
        filter.group_name = Some(texts.text("East"));
        filter.service_plan = Some(texts.text("5MB"));
        filter.custom_fields = Some(fields.clone());
        let mut call = MoveDevicesWithinAccountsOfProfile::new(texts.account());
        call.filter = Some(filter);
        call.custom_fields = Some(fields);
        call.devices = Some(devices);
        call.group_name = Some(texts.text(GROUP));
        call.carrier_ip_pool_name = Some(texts.text("IPPool"));
        call.service_plan = Some(texts.text("5MBCode"));
        Case::new(call, "PUT", &["devices", "actions", "move"]).body(json!({
            "accountName": texts.account(),
            "filter": {
                "account": texts.text("0000123456-00002"),
                "groupName": texts.text("East"),
                "servicePlan": texts.text("5MB"),
                "customFields": documented_fields,
            },
            "customFields": documented_fields,
            "devices": documented_devices,
            "groupName": texts.text(GROUP),
            "carrierIpPoolName": texts.text("IPPool"),
            "servicePlan": texts.text("5MBCode"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn update_devices_state() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let (place, documented_place) = place(texts);
        let mut call = UpdateDevicesState::new(
            texts.text("Hello"),
            texts.text("active"),
            texts.text("5MBCode"),
            texts.text("98801"),
        );
        let address = json!({"ipAddress": texts.text("10.0.0.1"), "missing": null});
        call.devices = Some(devices);
        call.filter = Some(DeviceFilter::new(texts.account()));
        call.carrier_ip_pool_name = Some(texts.text("IPPool"));
        call.public_ip_restriction = Some(PublicIpRestriction::UNRESTRICTED);
        call.sku_number = Some(texts.text("VZW123456"));
        call.custom_fields = Some(fields);
        call.devices_with_service_address = Some(vec![address.clone()]);
        call.ip_address = Some(texts.text("10.0.0.1"));
        call.group_name = Some(texts.text(GROUP));
        call.primary_place_of_use = Some(place);
        Case::new(call, "PUT", &["devices", "actions", "gotostate"]).body(json!({
            "serviceName": texts.text("Hello"),
            "stateName": texts.text("active"),
            "servicePlan": texts.text("5MBCode"),
            "mdnZipCode": texts.text("98801"),
            "devices": documented_devices,
            "filter": {"account": texts.account()},
            "carrierIpPoolName": texts.text("IPPool"),
            "publicIpRestriction": "unrestricted",
            "skuNumber": texts.text("VZW123456"),
            "customFields": documented_fields,
            "devicesWithServiceAddress": [address],
            "ipAddress": texts.text("10.0.0.1"),
            "groupName": texts.text(GROUP),
            "primaryPlaceOfUse": documented_place,
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn change_devices_service_plan() {
    const TOMORROW: &str = "2020-05-01T15:00:00Z";
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let mut call = ChangeDevicesServicePlan::new(texts.text("5MBCode"));
        call.account_name = Some(texts.account());
        call.current_service_plan = Some(texts.text("1MB"));
        call.custom_fields = Some(fields);
        call.devices = Some(devices);
        call.group_name = Some(texts.text(GROUP));
        call.carrier_ip_pool_name = Some(texts.text("IPPool"));
        call.take_effect = Some(DateTime::from(texts.text(TOMORROW)));
        Case::new(call, "PUT", &["devices", "actions", "plan"]).body(json!({
            "servicePlan": texts.text("5MBCode"),
            "accountName": texts.account(),
            "currentServicePlan": texts.text("1MB"),
            "customFields": documented_fields,
            "devices": documented_devices,
            "groupName": texts.text(GROUP),
            "carrierIpPoolName": texts.text("IPPool"),
            "takeEffect": texts.text(TOMORROW),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn suspend_service_for_devices() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let mut call = SuspendServiceForDevices::new(devices);
        call.account_name = Some(texts.account());
        call.custom_fields = Some(fields);
        call.with_billing = Some(true);
        call.group_name = Some(texts.text(GROUP));
        call.service_plan = Some(texts.text("5MB"));
        Case::new(call, "POST", &["devices", "actions", "suspend"]).body(json!({
            "accountName": texts.account(),
            "customFields": documented_fields,
            "devices": documented_devices,
            "withBilling": true,
            "groupName": texts.text(GROUP),
            "servicePlan": texts.text("5MB"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn restore_service_for_suspended_devices() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let mut call = RestoreServiceForSuspendedDevices::new(devices);
        call.account_name = Some(texts.account());
        call.custom_fields = Some(fields);
        call.with_billing = Some(false);
        call.group_name = Some(texts.text(GROUP));
        call.service_plan = Some(texts.text("5MB"));
        Case::new(call, "POST", &["devices", "actions", "restore"]).body(json!({
            "accountName": texts.account(),
            "customFields": documented_fields,
            "devices": documented_devices,
            "withBilling": false,
            "groupName": texts.text(GROUP),
            "servicePlan": texts.text("5MB"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}
