use serde_json::{Value, json};
use thingspace_core::{
    api::device_orders::{DeviceUpload, DeviceUploadStatus, UploadActivateDevice},
    model::{DeviceId, DeviceList, RequestId, UploadType},
};

use crate::stage::{Case, Texts, check};

const REQUEST: &str = "ec682a8b-e288-4806-934d-24e7a59ed889";

fn devices(texts: &Texts) -> [DeviceList; 1] {
    [DeviceList::new([
        DeviceId::imei(texts.text("990013907835573")),
        DeviceId::iccid(texts.text("89141390780800784259")),
    ])]
}

fn devices_in_json(texts: &Texts) -> Value {
    json!([{"deviceIds": [
        {"id": texts.text("990013907835573"), "kind": "imei"},
        {"id": texts.text("89141390780800784259"), "kind": "iccId"},
    ]}])
}

fn upload(texts: &Texts, upload_type: UploadType) -> DeviceUpload {
    DeviceUpload::new(
        texts.account(),
        devices(texts),
        texts.text("bob@mycompany.com"),
        texts.text("VZW123456"),
        upload_type,
    )
}

#[test]
fn device_upload() {
    check(|texts| {
        let call = upload(texts, UploadType::IMEI);
        Case::new(call, "POST", &["devices", "actions", "upload"]).body(json!({
            "accountName": texts.account(),
            "devices": devices_in_json(texts),
            "emailAddress": texts.text("bob@mycompany.com"),
            "deviceSku": texts.text("VZW123456"),
            "uploadType": "IMEI",
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn upload_activate_device() {
    check(|texts| {
        let mut call = UploadActivateDevice::new(
            upload(texts, UploadType::IMEI_ICCID_PAIR),
            texts.text("15MBShr"),
            texts.text("92222"),
        );
        call.carrier_ip_pool_name = Some(texts.text(""));
        Case::new(call, "POST", &["devices", "actions", "uploadactivate"]).body(json!({
            "accountName": texts.account(),
            "devices": devices_in_json(texts),
            "emailAddress": texts.text("bob@mycompany.com"),
            "deviceSku": texts.text("VZW123456"),
            "uploadType": "IMEI ICCID Pair",
            "servicePlan": texts.text("15MBShr"),
            "mdnZipCode": texts.text("92222"),
            "carrierIpPoolName": texts.text(""),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn device_upload_status() {
    check(|texts| {
        // The documented account and id have blanks around them: those of the account are
        // a part of its name, those of the id are not.
        let account = texts.text("4Gpublicaccount ");
        let order = RequestId::new(&texts.text(" f55fea16-3664-4a32-ae9d-c0cbe3eedf1d "));
        let mut call = DeviceUploadStatus::new(account.clone(), devices(texts));
        call.order_request_id = order.clone();
        Case::new(call, "POST", &["devices", "requests", "status"]).body(json!({
            "accountName": account,
            "devices": devices_in_json(texts),
            "orderRequestId": order.unwrap().as_str(),
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}
