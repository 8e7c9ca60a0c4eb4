use serde_json::json;
use thingspace_core::{
    api::reachability::{
        DeviceReachability, DeviceReachabilityStatus, RetrieveActiveMonitors,
        StopDeviceReachability,
    },
    model::{AccountDeviceList, DeviceId, DeviceList, ReachabilityRequestType, RequestId},
};

use crate::stage::{Case, check};

const REQUEST: &str = "d1f08526-5443-4054-9a29-4456490ea9f8";
const IMEI: &str = "990013907835573";
const PATH: [&str; 3] = ["diagnostics", "basic", "devicereachability"];

#[test]
fn device_reachability() {
    check(|texts| {
        let call = DeviceReachability::new(
            texts.account(),
            ReachabilityRequestType::from(texts.text("REACHABLE_FOR_DATA")),
            [DeviceList::new([DeviceId::imei(texts.text(IMEI))])],
            texts.text("2020-05-01T15:00:00-08:00Z"),
        );
        Case::new(call, "POST", &PATH).body(json!({
            "accountName": texts.account(),
            "requestType": texts.text("REACHABLE_FOR_DATA"),
            "devices": [{"deviceIds": [{"id": texts.text(IMEI), "kind": "imei"}]}],
            "monitorExpirationTime": texts.text("2020-05-01T15:00:00-08:00Z"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn stop_device_reachability() {
    check(|texts| {
        let monitors = [
            texts.text("35596ca6-bab4-4333-a914-42b4fc2da54c"),
            texts.text("2"),
        ];
        let call = StopDeviceReachability::new(texts.account(), monitors.clone());
        Case::new(call, "DELETE", &PATH).body(json!({
            "accountName": texts.account(),
            "monitorIds": monitors,
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn device_reachability_status() {
    check(|texts| {
        let mut call = DeviceReachabilityStatus::new(
            texts.account(),
            DeviceId::imei(texts.text(IMEI)),
            ReachabilityRequestType::REACHABLE_FOR_DATA,
        );
        call.request_expiration_time = Some(texts.text("2020-05-01T15:00:00-08:00").into());
        let [first, second, third] = PATH;
        Case::new(call, "POST", &[first, second, third, "status"]).body(json!({
            "accountName": texts.account(),
            "device": {"id": texts.text(IMEI), "kind": "imei"},
            "requestType": "REACHABLE_FOR_DATA",
            "requestExpirationTime": texts.text("2020-05-01T15:00:00-08:00"),
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn retrieve_active_monitors() {
    check(|texts| {
        let mut device = AccountDeviceList::from(DeviceId::imei(texts.text(IMEI)));
        device.ip_address = Some(texts.text("10.0.0.1"));
        let mut call = RetrieveActiveMonitors::new(texts.account(), [device]);
        call.monitor_type = Some(texts.text("REACHABLE_FOR_DATA"));
        let [first, second, third] = PATH;
        Case::new(call, "POST", &[first, second, third, "monitors"]).body(json!({
            "accountName": texts.account(),
            "devices": [{"deviceIds": [{"id": texts.text(IMEI), "kind": "imei"}],
                "ipAddress": texts.text("10.0.0.1")}],
            "monitorType": texts.text("REACHABLE_FOR_DATA"),
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}
