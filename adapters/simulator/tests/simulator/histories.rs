//! What devices did: usage, connections and changes.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

fn window(earliest: &str, latest: &str) -> Value {
    json!({"deviceId": imei(1), "earliest": earliest, "latest": latest})
}

#[test]
fn usage_has_a_record_for_each_day() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let call = Call::ListDevicesUsageHistory;
    let body = window("2020-12-01T00:00:00Z", "2020-12-02T23:00:00-01:00");

    let page = service.call(&tokens, call, &[], &body).json();

    assert_eq!(page["hasMoreData"], false);
    let days = page["usageHistory"].as_array().unwrap();
    let days: Vec<_> = days.iter().map(|day| &day["timestamp"]).collect();
    assert_eq!(
        days,
        [
            "2020-12-01T00:00:00Z",
            "2020-12-02T00:00:00Z",
            "2020-12-03T00:00:00Z"
        ]
    );
    assert_eq!(page, service.call(&tokens, call, &[], &body).json());

    let long = window("2020-01-01T00:00:00Z", "9999-12-31T00:00:00Z");
    let page = service.call(&tokens, call, &[], &long).json();
    assert_eq!(page["hasMoreData"], true);
    assert_eq!(page["usageHistory"].as_array().unwrap().len(), 500);
}

#[test]
fn connections_go_on_from_the_last_one() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let call = Call::RetrieveDeviceConnectionHistory;
    let mut earliest = "2020-01-01T00:00:00Z".to_owned();
    let mut times = Vec::new();
    loop {
        let body = window(&earliest, "2021-06-01T00:00:00Z");
        let page = service.call(&tokens, call, &[], &body).json();
        let events = page["connectionHistory"].as_array().unwrap();
        assert!(events.len() <= 500);
        let occurred = |event: &Value| event["occurredAt"].as_str().unwrap().to_owned();
        times.extend(events.iter().map(occurred));
        earliest = times.last().unwrap().clone();
        if page["hasMoreData"] == false {
            break;
        }
    }
    assert!(times.is_sorted());
    times.dedup();
    // 517 days, with a start and a stop each.
    assert_eq!(times.len(), 2 * 517);
}

#[test]
fn changes_stand_in_an_array_of_one_page() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let named = json!({"devices": only(&imei(1))});
    service.finish(&tokens, Call::SuspendServiceForDevices, &named);
    service.finish(&tokens, Call::RestoreServiceForSuspendedDevices, &named);

    let body = window("2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z");
    let pages = service.call(&tokens, Call::ListDevicesProvisioningHistory, &[], &body);

    let pages = pages.json();
    assert_eq!(pages.as_array().unwrap().len(), 1);
    assert_eq!(pages[0]["hasMoreData"], false);
    let events = pages[0]["provisioningHistory"].as_array().unwrap();
    let events: Vec<_> = events.iter().map(|event| &event["eventType"]).collect();
    assert_eq!(events, ["Activate", "Suspend", "Restore"]);
}

#[test]
fn a_history_needs_dates_and_a_device() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for call in [
        Call::ListDevicesUsageHistory,
        Call::RetrieveDeviceConnectionHistory,
        Call::ListDevicesProvisioningHistory,
    ] {
        let response = service.call(&tokens, call, &[], &window("soon", "2020-12-02T00:00:00Z"));
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
        let mut other = window("2020-12-01T00:00:00Z", "2020-12-02T00:00:00Z");
        other["deviceId"]["id"] = "42".into();
        let response = service.call(&tokens, call, &[], &other);
        response.assert_refused("REQUEST_FAILED.DeviceNotFound");
    }
}

#[test]
fn reports_name_the_documented_services() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let window = json!({"startTime": "2023-11-01T00:00:00Z", "endTime": "2023-11-02T00:00:00Z",
        "deviceIds": [imei(1)]});
    let whole = json!({"accountName": Simulator::ACCOUNT});
    for (call, listener, body, count) in [
        (
            Call::RetrieveAggregateDeviceUsageHistory,
            "DeviceUsage",
            &window,
            1,
        ),
        (
            Call::GetDeviceServiceSuspensionStatus,
            "DeviceSuspensionStatus",
            &whole,
            5,
        ),
        (
            Call::ListCurrentDevicesPrlVersion,
            "DevicePRLInformation",
            &whole,
            5,
        ),
        (Call::BilledUsageInfo, "CarrierService", &whole, 5),
    ] {
        service.register(&tokens, listener);
        assert_eq!(service.finish(&tokens, call, body), "Success", "{call:?}");
        assert_eq!(service.accept_callbacks().len(), count, "{call:?}");
    }
}
