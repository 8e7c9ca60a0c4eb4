use serde_json::json;
use thingspace_core::{
    api::devices::{
        AccountDeviceListFilter, DeleteDeactivatedDevices, DeviceIdSearch, ListDevicesInformation,
    },
    model::{CarrierState, DateTime, DeviceId, DeviceIdKind},
};

use crate::stage::{ACCOUNT, Case, check};

#[test]
fn list_devices_information() {
    check(|texts| {
        let mut call = ListDevicesInformation::new(texts.account());
        let search = DeviceIdSearch::new(DeviceIdKind::IMEI, texts.text("20209"));
        call.filter = Some(AccountDeviceListFilter::new([search]));
        call.current_state = Some(CarrierState::ACTIVE);
        call.earliest = Some(DateTime::from(texts.text("2020-12-01T00:00:00Z")));
        call.max_number_of_devices = Some(500);
        call.largest_device_id_seen = Some(i64::MAX);
        Case::new(call, "POST", &["devices", "actions", "list"]).body(json!({
            "accountName": texts.account(),
            "filter": {"deviceIdentifierFilters": [
                {"kind": "imei", "contains": texts.text("20209")}
            ]},
            "currentState": "active",
            "earliest": texts.text("2020-12-01T00:00:00Z"),
            "maxNumberOfDevices": 500,
            "largestDeviceIdSeen": i64::MAX,
        }))
    })
    .may_be_retried()
    .returns(
        &json!({"hasMoreData": false, "devices": [{
            "accountName": ACCOUNT,
            "billingCycleEndDate": "2020-05-09T20:00:00-04:00",
            "carrierInformations": [
                {"carrierName": "Verizon Wireless", "servicePlan": "m2m4G", "state": "active"}
            ],
            "connected": false,
            "createdAt": "2019-08-07T10:42:15-04:00",
            "customFields": [{"key": "CustomField1", "value": "v"}],
            "deviceIds": [{"id": "10-digits", "kind": "mdn"}, {"id": "15-digits", "kind": "imei"}],
            "extendedAttributes": [{"key": "DeviceId", "value": "100000001"}],
            "groupNames": ["West Coast Devices"],
            "ipAddress": "0.0.0.0",
            "lastActivationBy": "zbeeblebrox",
            "lastActivationDate": "2019-08-07T10:42:34-04:00",
            "lastConnectionDate": "2020-03-20T12:16:40-04:00",
        }]}),
        |page| {
            let device = &page.devices[0];
            assert_eq!(device.device_ids[0], DeviceId::mdn("10-digits"));
            assert_eq!(device.carrier_informations[0].state, Some("Active".into()));
            assert_eq!(device.id(), Some(100_000_001));
            let created = device.created_at.as_ref().and_then(DateTime::timestamp);
            assert_eq!(created.unwrap().as_millis(), 1_565_188_935_000);
            assert_eq!(page.has_more_data, Some(false));
        },
    );
}

#[test]
fn delete_deactivated_devices() {
    check(|texts| {
        let device = DeviceId::imei(texts.text("990013907835573")).into();
        let mut call = DeleteDeactivatedDevices::new([device]);
        call.account_name = Some(texts.account());
        Case::new(call, "POST", &["devices", "actions", "delete"]).body(json!({
            "accountName": texts.account(),
            "devicesToDelete": [
                {"deviceIds": [{"id": texts.text("990013907835573"), "kind": "imei"}]}
            ],
        }))
    })
    .sent_once()
    .returns(
        &json!([
            {"deviceIds": {"id": "1", "kind": "imei"}, "status": "Success"},
            {"deviceIds": [{"id": "2", "kind": "imei"}, {"id": "3", "kind": "iccid"}],
             "status": "Failed", "message": "The device is not deactivated."},
        ]),
        |results| {
            assert_eq!(results[0].device_ids, [DeviceId::imei("1")]);
            assert_eq!(
                results[1].device_ids,
                [DeviceId::imei("2"), DeviceId::iccid("3")]
            );
            assert_eq!(results[1].status.as_deref(), Some("Failed"));
        },
    );
}
