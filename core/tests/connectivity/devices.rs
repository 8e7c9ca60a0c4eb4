use std::fmt::Debug;

use proptest::prelude::*;
use serde_json::{Value, json};
use thingspace_core::{
    api::{
        Batched,
        device_service::{
            ActivateServiceForDevices, DeviceFilter, MoveDevicesWithinAccountsOfProfile,
            UpdateDevicesState,
        },
        devices::{
            AccountDeviceListFilter, AddDevices, CheckDevicesAvailabilityForActivation, DateFilter,
            DeleteDeactivatedDevices, DeviceIdSearch, ListDevicesInformation,
            ListDevicesWithImeiIccidMismatch, UpdateDeviceId, UpdateDevicesContactInformation,
            UpdateDevicesCostCenterCode, UpdateDevicesCustomFields,
        },
    },
    model::{
        AccountDeviceList, Address, CarrierState, Change4gOption, CustomFields, CustomerName,
        DateTime, DeviceId, DeviceIdKind, PlaceOfUse, RequestId,
    },
};

use crate::stage::{ACCOUNT, Case, Texts, check};

pub(crate) const REQUEST: &str = "595f5c44-c31c-4552-8670-020a1545a84d";

/// Two devices, and what they are in a request.
pub(crate) fn devices(texts: &Texts) -> (Vec<AccountDeviceList>, Value) {
    let imei = texts.text("990013907835573");
    let iccid = texts.text("89141390780800784259");
    let mdn = texts.text("5551234567");
    let address = texts.text("1.2.3.456");
    let mut second = AccountDeviceList::from(DeviceId::mdn(&mdn));
    second.ip_address = Some(address.clone());
    let first = AccountDeviceList::new([DeviceId::imei(&imei), DeviceId::iccid(&iccid)]);
    let documented = json!([
        {"deviceIds": [{"id": imei, "kind": "imei"}, {"id": iccid, "kind": "iccId"}]},
        {"deviceIds": [{"id": mdn, "kind": "mdn"}], "ipAddress": address},
    ]);
    (vec![first, second], documented)
}

/// Custom fields, one of them without a value.
pub(crate) fn custom_fields(texts: &Texts) -> (Vec<CustomFields>, Value) {
    let (name, value) = (texts.text("CustomField2"), texts.text("SuperVend"));
    let field = CustomFields::new(&name, &value);
    let mut empty = CustomFields::new(&name, &value);
    empty.value = None;
    let documented = json!([{"key": name, "value": value}, {"key": name}]);
    (vec![field, empty], documented)
}

/// A place with all that it can have.
pub(crate) fn place(texts: &Texts) -> (PlaceOfUse, Value) {
    let mut address = Address::default();
    address.address_line_1 = texts.text("9868 Scranton Rd");
    address.address_line_2 = Some(texts.text("Suite 7"));
    address.city = texts.text("San Diego");
    address.state = texts.text("CA");
    address.zip = texts.text("92121");
    address.zip4 = Some(texts.text("1234"));
    address.country = texts.text("USA");
    address.phone = Some(texts.text("5558675309"));
    address.phone_type = Some(texts.text("H"));
    address.email_address = Some(texts.text("zaffod@theinternet.com"));
    let mut customer = CustomerName::new(texts.text("Zaffod"), texts.text("Beeblebrox"));
    customer.title = Some(texts.text("President"));
    customer.middle_name = Some(texts.text("P"));
    customer.suffix = Some(texts.text("Jr"));
    let documented = json!({
        "address": {
            "addressLine1": texts.text("9868 Scranton Rd"),
            "addressLine2": texts.text("Suite 7"),
            "city": texts.text("San Diego"),
            "state": texts.text("CA"),
            "zip": texts.text("92121"),
            "zip4": texts.text("1234"),
            "country": texts.text("USA"),
            "phone": texts.text("5558675309"),
            "phoneType": texts.text("H"),
            "emailAddress": texts.text("zaffod@theinternet.com"),
        },
        "customerName": {
            "title": texts.text("President"),
            "firstName": texts.text("Zaffod"),
            "middleName": texts.text("P"),
            "lastName": texts.text("Beeblebrox"),
            "suffix": texts.text("Jr"),
        },
    });
    (PlaceOfUse::new(address, customer), documented)
}

#[test]
fn add_devices() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let mut call = AddDevices::new(devices);
        call.account_name = Some(texts.account());
        call.custom_fields = Some(fields);
        call.group_name = Some(texts.text("West Coast Devices"));
        call.sku_number = Some(texts.text("VZW123456"));
        call.smsr_oid = Some(texts.text("1a2b3c"));
        Case::new(call, "POST", &["devices", "actions", "add"]).body(json!({
            "state": "preactive",
            "devicesToAdd": documented_devices,
            "accountName": texts.account(),
            "customFields": documented_fields,
            "groupName": texts.text("West Coast Devices"),
            "skuNumber": texts.text("VZW123456"),
            "smsrOid": texts.text("1a2b3c"),
        }))
    })
    .sent_once()
    .returns(
        &json!([
            {"deviceIds": [{"id": "1", "kind": "esn"}], "response": "Success"},
            {"deviceIds": [{"id": "2", "kind": "iccid"}, {"id": "3", "kind": "imei"}],
             "response": "Failed"},
        ]),
        |results| {
            assert_eq!(results.len(), 2);
            assert_eq!(results[0].response.as_deref(), Some("Success"));
            assert_eq!(
                results[1].device_ids,
                [DeviceId::iccid("2"), DeviceId::imei("3")]
            );
        },
    );
}

#[test]
fn update_devices_contact_information() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (place, documented_place) = place(texts);
        let mut call = UpdateDevicesContactInformation::new(place);
        call.account_name = Some(texts.account());
        call.devices = Some(devices);
        Case::new(call, "PUT", &["devices", "actions", "contactInfo"]).body(json!({
            "primaryPlaceOfUse": documented_place,
            "accountName": texts.account(),
            "devices": documented_devices,
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn update_devices_custom_fields() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let update = CustomFields::new(texts.text("CustomField1"), texts.text("West Region"));
        let mut call = UpdateDevicesCustomFields::new(devices, [update]);
        call.account_name = Some(texts.account());
        call.custom_fields = Some(fields);
        call.group_name = Some(texts.text("West Coast Devices"));
        call.service_plan = Some(texts.text("5MB"));
        Case::new(call, "PUT", &["devices", "actions", "customFields"]).body(json!({
            "accountName": texts.account(),
            "customFields": documented_fields,
            "customFieldsToUpdate": [
                {"key": texts.text("CustomField1"), "value": texts.text("West Region")}
            ],
            "devices": documented_devices,
            "groupName": texts.text("West Coast Devices"),
            "servicePlan": texts.text("5MB"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
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

#[test]
fn list_devices_information() {
    check(|texts| {
        let mut call = ListDevicesInformation::new(texts.account());
        call.device_id = Some(DeviceId::iccid(texts.text("89141390780800784259")));
        let mut search = DeviceIdSearch::new(DeviceIdKind::IMEI, texts.text("20209"));
        search.startswith = Some(texts.text("9900"));
        search.endswith = Some(texts.text("573"));
        call.filter = Some(AccountDeviceListFilter::new([search]));
        call.current_state = Some(CarrierState::ACTIVE);
        let (fields, documented_fields) = custom_fields(texts);
        call.custom_fields = Some(fields);
        call.earliest = Some(DateTime::from(texts.text("2020-12-01T00:00:00Z")));
        call.group_name = Some(texts.text("West Coast Devices"));
        call.latest = Some(DateTime::from(texts.text("2020-12-31T00:00:00Z")));
        call.service_plan = Some(texts.text("5MB"));
        call.max_number_of_devices = Some(500);
        call.largest_device_id_seen = Some(i64::MAX);
        Case::new(call, "POST", &["devices", "actions", "list"]).body(json!({
            "accountName": texts.account(),
            "deviceId": {"id": texts.text("89141390780800784259"), "kind": "iccId"},
            "filter": {"deviceIdentifierFilters": [{
                "kind": "imei",
                "contains": texts.text("20209"),
                "startswith": texts.text("9900"),
                "endswith": texts.text("573"),
            }]},
            "currentState": "active",
            "customFields": documented_fields,
            "earliest": texts.text("2020-12-01T00:00:00Z"),
            "groupName": texts.text("West Coast Devices"),
            "latest": texts.text("2020-12-31T00:00:00Z"),
            "servicePlan": texts.text("5MB"),
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
fn a_search_for_a_part_has_no_other_parts() {
    check(|texts| {
        let mut call = ListDevicesInformation::default();
        let search = DeviceIdSearch::new(DeviceIdKind::IMEI, texts.text("20209"));
        call.filter = Some(AccountDeviceListFilter::new([search]));
        Case::new(call, "POST", &["devices", "actions", "list"]).body(json!({
            "filter": {"deviceIdentifierFilters": [
                {"kind": "imei", "contains": texts.text("20209")}
            ]},
        }))
    });
}

#[test]
fn list_devices_with_imei_iccid_mismatch() {
    const EARLIEST: &str = "2020-05-01T15:00:00-08:00Z";
    const LATEST: &str = "2020-07-30T15:00:00-08:00Z";
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let filter = DateFilter::new(texts.text(EARLIEST), texts.text(LATEST));
        let mut call = ListDevicesWithImeiIccidMismatch::new(filter);
        call.devices = Some(devices);
        call.account_name = Some(texts.account());
        call.group_name = Some(texts.text("West Coast Devices"));
        Case::new(
            call,
            "POST",
            &["devices", "actions", "list", "imeiiccidmismatch"],
        )
        .body(json!({
            "filter": {"earliest": texts.text(EARLIEST), "latest": texts.text(LATEST)},
            "devices": documented_devices,
            "accountName": texts.account(),
            "groupName": texts.text("West Coast Devices"),
        }))
    })
    .may_be_retried()
    .returns(
        &json!({"devices": [{
            "accountName": ACCOUNT,
            "mdn": "5096300587",
            "activationDate": "2011-01-21T10:55:27-08:00Z",
            "iccid": "89141390780800784259",
            "preImei": "990013907884259",
            "postImei": "990013907835573",
            "simOtaDate": "2011-01-25T12:00:00-08:00Z",
        }]}),
        |result| {
            let device = &result.devices[0];
            assert_eq!(device.account_name.as_deref(), Some(ACCOUNT));
            assert_eq!(device.mdn.as_deref(), Some("5096300587"));
            assert_eq!(device.iccid.as_deref(), Some("89141390780800784259"));
            assert_eq!(device.pre_imei.as_deref(), Some("990013907884259"));
            assert_eq!(device.post_imei.as_deref(), Some("990013907835573"));
            let moment = |date: &Option<DateTime>| date.as_ref()?.timestamp();
            let activated = moment(&device.activation_date).unwrap();
            assert_eq!(activated.as_millis(), 1_295_636_127_000);
            assert!(moment(&device.sim_ota_date) > Some(activated));
            assert_eq!(device.other.iter().count(), 0);
        },
    );
}

#[test]
fn check_devices_availability_for_activation() {
    check(|texts| {
        let (devices, documented) = devices(texts);
        let call = CheckDevicesAvailabilityForActivation::new(texts.account(), devices);
        Case::new(
            call,
            "POST",
            &["devices", "availability", "actions", "list"],
        )
        .body(json!({"accountName": texts.account(), "devices": documented}))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn update_devices_cost_center_code() {
    check(|texts| {
        let (devices, documented_devices) = devices(texts);
        let (fields, documented_fields) = custom_fields(texts);
        let (place, documented_place) = place(texts);
        let mut call = UpdateDevicesCostCenterCode::new(devices, texts.text("CS-1 #!"));
        call.account_name = Some(texts.account());
        call.custom_fields = Some(fields);
        call.group_name = Some(texts.text("West Coast Devices"));
        call.primary_place_of_use = Some(serde_json::to_value(place).unwrap());
        call.remove_cost_center = Some(false);
        call.service_plan = Some(texts.text("5MB"));
        Case::new(call, "PUT", &["devices", "costCenter"]).body(json!({
            "accountName": texts.account(),
            "costCenter": texts.text("CS-1 #!"),
            "customFields": documented_fields,
            "devices": documented_devices,
            "groupName": texts.text("West Coast Devices"),
            "primaryPlaceOfUse": documented_place,
            "removeCostCenter": false,
            "servicePlan": texts.text("5MB"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn a_cost_center_is_removed_from_the_devices_that_a_request_chooses() {
    check(|texts| {
        let mut call = UpdateDevicesCostCenterCode::default();
        call.group_name = Some(texts.text("West Coast Devices"));
        call.remove_cost_center = Some(true);
        Case::new(call, "PUT", &["devices", "costCenter"]).body(json!({
            "groupName": texts.text("West Coast Devices"),
            "removeCostCenter": true,
        }))
    });
}

#[test]
fn update_device_id() {
    check(|texts| {
        let service_type = texts.text("serviceType");
        let id = DeviceId::iccid(texts.text("89141390780800784259"));
        let mut call = UpdateDeviceId::new(&service_type, [id]);
        call.assign_non_geo_mdn = Some(true);
        call.change_4g_option = Some(Change4gOption::CHANGE_ICCID);
        call.device_ids_to = Some(vec![DeviceId::iccid(texts.text("89148000000800139708"))]);
        call.npa_nxx = Some(texts.text("509630"));
        call.service_plan = Some(texts.text("5MBCode"));
        call.zip_code = Some(texts.text("92121"));
        call.smsr_oid = Some(texts.text("1a2b3c"));
        Case::new(
            call,
            "PUT",
            &["devices", &service_type, "actions", "deviceId"],
        )
        .body(json!({
            "deviceIds": [{"id": texts.text("89141390780800784259"), "kind": "iccId"}],
            "assignNonGeoMdn": true,
            "change4gOption": "ChangeICCID",
            "deviceIdsTo": [{"id": texts.text("89148000000800139708"), "kind": "iccId"}],
            "npaNxx": texts.text("509630"),
            "servicePlan": texts.text("5MBCode"),
            "zipCode": texts.text("92121"),
            "smsrOid": texts.text("1a2b3c"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn a_device_gets_another_telephone_number_and_keeps_its_hardware() {
    check(|texts| {
        let mut call = UpdateDeviceId::new("MDN", [DeviceId::mdn(texts.text("5096300587"))]);
        call.change_4g_option = Some(Change4gOption::CHANGE_MSISDN);
        Case::new(call, "PUT", &["devices", "MDN", "actions", "deviceId"]).body(json!({
            "deviceIds": [{"id": texts.text("5096300587"), "kind": "mdn"}],
            "change4gOption": "ChangeMSISDN",
        }))
    });
}

/// Splits a call for so many devices, and checks that nothing else becomes of it.
fn assert_split<C>(limit: usize, count: usize, call: impl Fn(Vec<AccountDeviceList>) -> C)
where
    C: Batched<Device = AccountDeviceList> + PartialEq + Debug,
{
    let devices: Vec<_> = (0..count)
        .map(|number| DeviceId::imei(format!("{number:015}")).into())
        .collect();
    let batches = call(devices.clone()).batches();
    assert_eq!(batches.len(), count.div_ceil(limit).max(1));
    let mut named = Vec::new();
    for mut batch in batches {
        let devices = std::mem::take(batch.devices().unwrap());
        assert!(devices.len() <= limit);
        named.extend(devices);
        assert_eq!(batch, call(Vec::new()));
    }
    assert_eq!(named, devices);
}

/// Numbers of devices around the multiples of a limit, and between them.
fn counts(limit: usize) -> impl Strategy<Value = usize> {
    let edge = (1..=3usize, 0..=2usize).prop_map(move |(times, more)| times * limit + more - 1);
    prop_oneof![Just(0), Just(1), edge, 0..4 * limit]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_long_list_of_devices_is_split_and_keeps_its_order(
        hundreds in counts(100),
        thousands in counts(10_000),
    ) {
        assert_split(100, hundreds, |devices| {
            let mut call = DeleteDeactivatedDevices::new(devices);
            call.account_name = Some(ACCOUNT.to_owned());
            call
        });
        assert_split(10_000, thousands, |devices| {
            ActivateServiceForDevices::new(devices, "5MBCode", "98801")
        });
        assert_split(10_000, thousands, |devices| {
            let mut call = MoveDevicesWithinAccountsOfProfile::new(ACCOUNT);
            call.devices = Some(devices);
            call
        });
        assert_split(10_000, thousands, |devices| {
            let mut call = UpdateDevicesState::new("Hello", "active", "5MBCode", "98801");
            call.devices = Some(devices);
            call
        });
    }
}

#[test]
fn a_request_that_names_no_devices_is_not_split() {
    let mut call = MoveDevicesWithinAccountsOfProfile::new(ACCOUNT);
    call.filter = Some(DeviceFilter::new("0000123456-00002"));
    assert_eq!(call.clone().batches(), [call]);
    let mut call = UpdateDevicesState::new("Hello", "active", "5MBCode", "98801");
    call.filter = Some(DeviceFilter::new(ACCOUNT));
    assert_eq!(call.clone().batches(), [call]);
}
