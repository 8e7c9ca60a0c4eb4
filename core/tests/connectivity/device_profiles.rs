use serde_json::json;
use thingspace_core::{
    api::{
        Batched,
        device_profiles::{
            ActivateDeviceThroughProfile, DeactivateDeviceList, PrimaryPlaceOfUse,
            ProfileToActivateDevice, ProfileToDeactivateDevice, ProfileToSetFallbackAttribute,
        },
    },
    model::{Address, CustomerName, DeviceId, DeviceIdKind, DeviceList, ReasonCode, RequestId},
};

use crate::stage::{ACCOUNT, Case, Texts, check};

const REQUEST: &str = "d1f08526-5443-4054-9a29-4456490ea9f8";
const EID: &str = "89033023422130000000000199055797";

fn device(texts: &Texts) -> DeviceList {
    let eid = DeviceId::new(DeviceIdKind::EID, texts.text(EID));
    DeviceList::new([eid, DeviceId::imei(texts.text("990013907835573"))])
}

fn written(texts: &Texts) -> serde_json::Value {
    json!({"deviceIds": [
        {"id": texts.text(EID), "kind": "eid"},
        {"id": texts.text("990013907835573"), "kind": "imei"},
    ]})
}

#[test]
fn activate_device_through_profile() {
    check(|texts| {
        let mut call = ActivateDeviceThroughProfile::new(texts.account(), [device(texts)]);
        call.service_plan = Some(texts.text("The service plan name"));
        call.mdn_zip_code = Some(texts.text("98801"));
        Case::new(
            call,
            "POST",
            &["devices", "profile", "actions", "activate_enable"],
        )
        .body(json!({
            "accountName": texts.account(),
            "devices": [written(texts)],
            "servicePlan": texts.text("The service plan name"),
            "mdnZipCode": texts.text("98801"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn profile_to_activate_device() {
    check(|texts| {
        let mut address = Address::default();
        address.address_line_1 = texts.text("9868 Scranton Rd");
        address.city = texts.text("San Diego");
        address.state = texts.text("CA");
        address.zip = texts.text("92121");
        address.country = texts.text("USA");
        let name = CustomerName::new(texts.text("Zaffod"), texts.text("Beeblebrox"));
        let mut call = ProfileToActivateDevice::new(texts.account(), [device(texts)]);
        call.carrier_name = Some(texts.text("Verizon Wireless"));
        call.service_plan = Some(texts.text("The service plan name"));
        call.mdn_zip_code = Some(texts.text("98801"));
        call.primary_place_of_use = Some(vec![
            PrimaryPlaceOfUse::CustomerName(vec![name]),
            PrimaryPlaceOfUse::Address(vec![address]),
        ]);
        call.smsr_oid = Some(texts.text("1.3.6.1.4.1.31746.1.500.200.101.5"));
        call.carrier_ip_pool_name = Some(texts.text("IPPool"));
        Case::new(call, "POST", &["devices", "profile", "actions", "activate"]).body(json!({
            "accountName": texts.account(),
            "devices": [written(texts)],
            "carrierName": texts.text("Verizon Wireless"),
            "servicePlan": texts.text("The service plan name"),
            "mdnZipCode": texts.text("98801"),
            "primaryPlaceOfUse": [
                {"customerName": [
                    {"firstName": texts.text("Zaffod"), "lastName": texts.text("Beeblebrox")}
                ]},
                {"address": [{
                    "addressLine1": texts.text("9868 Scranton Rd"),
                    "city": texts.text("San Diego"),
                    "state": texts.text("CA"),
                    "zip": texts.text("92121"),
                    "country": texts.text("USA"),
                }]},
            ],
            "smsrOid": texts.text("1.3.6.1.4.1.31746.1.500.200.101.5"),
            "carrierIpPoolName": texts.text("IPPool"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn profile_to_deactivate_device() {
    check(|texts| {
        let ids = [DeviceId::new(DeviceIdKind::EID, texts.text(EID))];
        let mut call = ProfileToDeactivateDevice::new(texts.account(), ReasonCode::FF);
        call.devices = Some(vec![DeactivateDeviceList::new(ids)]);
        call.carrier_name = Some(texts.text("Verizon Wireless"));
        call.etf_waiver = Some(true);
        call.check_fallback_profile = Some(false);
        Case::new(
            call,
            "POST",
            &["devices", "profile", "actions", "deactivate"],
        )
        .body(json!({
            "accountName": texts.account(),
            "reasonCode": "FF",
            "devices": [{"ids": [{"id": texts.text(EID), "kind": "eid"}]}],
            "carrierName": texts.text("Verizon Wireless"),
            "etfWaiver": true,
            "checkFallbackProfile": false,
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn profile_to_set_fallback_attribute() {
    check(|texts| {
        let mut call = ProfileToSetFallbackAttribute::new(texts.account(), [device(texts)]);
        call.carrier_name = Some(texts.text("Verizon Wireless"));
        let path = ["devices", "profile", "actions", "setfallbackattribute"];
        Case::new(call, "POST", &path).body(json!({
            "accountName": texts.account(),
            "devices": [written(texts)],
            "carrierName": texts.text("Verizon Wireless"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn a_request_takes_a_hundred_devices() {
    fn sizes<C: Batched<Device = DeviceList>>(call: C) -> Vec<usize> {
        let batches = call.batches().into_iter();
        batches
            .map(|mut batch| batch.devices().unwrap().len())
            .collect()
    }
    let devices = vec![DeviceList::new([DeviceId::imei("990013907835573")]); 101];
    let enabled = ActivateDeviceThroughProfile::new(ACCOUNT, devices.clone());
    assert_eq!(sizes(enabled), [100, 1]);
    let activated = ProfileToActivateDevice::new(ACCOUNT, devices.clone());
    assert_eq!(sizes(activated), [100, 1]);
    let fallback = ProfileToSetFallbackAttribute::new(ACCOUNT, devices);
    assert_eq!(sizes(fallback), [100, 1]);
}
