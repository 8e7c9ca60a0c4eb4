//! Text messages, and monitors of devices.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const ACCOUNT: &str = Simulator::ACCOUNT;

fn history(service: &mut Service, tokens: &Tokens) -> Received {
    service.call(
        tokens,
        Call::ListDevicesSmsMessages,
        &[ACCOUNT],
        &Value::Null,
    )
}

#[test]
fn a_message_to_a_device_is_in_the_history_when_it_was_delivered() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "EnhancedConnectivityService");
    let body = json!({"accountName": ACCOUNT, "smsMessage": "Share and enjoy",
        "deviceIds": [imei(1)]});

    service.begin(&tokens, Call::SendSmsToDevice, &body);
    assert_eq!(history(&mut service, &tokens).json()["messages"], json!([]));
    service.pass(5 * SECOND);

    let page = history(&mut service, &tokens).json();
    assert_eq!(page["messages"][0]["message"], "Share and enjoy");
    assert_eq!(page["messages"][0]["timestamp"], "2023-11-14T22:13:25Z");
    assert_eq!(service.accept_callbacks().len(), 1);
}

#[test]
fn a_message_has_the_documented_length() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for (encoding, text, fits) in [
        ("7-bit", "x".repeat(160), true),
        ("7-bit", "x".repeat(161), false),
        ("8-bit-UTF-8", "\u{e9}".repeat(70), true),
        ("8-bit-UTF-8", "\u{e9}".repeat(71), false),
        ("morse", "x".to_owned(), false),
    ] {
        let body = json!({"accountName": ACCOUNT, "smsMessage": text, "deviceIds": [imei(1)],
            "dataEncoding": encoding});
        let response = service.call(&tokens, Call::SendSmsToDevice, &[], &body);
        assert_eq!(response.status == 200, fits, "{encoding} {}", text.len());
    }
}

#[test]
fn messages_from_devices_wait_until_their_delivery_is_started() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let (now, device) = (service.now, "5100000001");
    assert!(service.simulator.receive_sms(now, device, "So long"));
    assert!(!service.simulator.receive_sms(now, "42", "and thanks"));
    let start = |service: &mut Service| {
        let call = Call::StartQueuedSmsDelivery;
        let started = service.call(&tokens, call, &[ACCOUNT], &Value::Null);
        assert_eq!(started.json(), json!({"success": true}));
        service.accept_callbacks()
    };
    // Without a listener they stay.
    assert!(start(&mut service).is_empty());
    service.register(&tokens, "EnhancedConnectivityService");
    assert!(service.accept_callbacks().is_empty());

    let messages = start(&mut service);
    assert_eq!(messages.len(), 1);
    let sms = &messages[0]["deviceResponse"]["smsDeliveryResponse"];
    assert_eq!(sms["message"], "So long");
    assert!(start(&mut service).is_empty());
}

#[test]
fn a_long_history_comes_in_pages_of_a_hundred() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for number in 0..101 {
        let now = service.now;
        service
            .simulator
            .receive_sms(now, "5100000001", &number.to_string());
    }
    let page = history(&mut service, &tokens);
    assert_eq!(page.status, 202);
    assert_eq!(page.json()["messages"].as_array().unwrap().len(), 100);
    let location = page.headers["location"].to_str().unwrap();
    assert!(location.starts_with("/sms/0000123456-00001/history?next="));
    let path = format!("/api/m2m/v1{location}");
    let page = service.call_at(&tokens, Call::ListDevicesSmsMessages, &path, &Value::Null);
    assert_eq!(page.status, 200);
    assert_eq!(page.json()["messages"][0]["message"], "100");
}

#[test]
fn a_monitor_is_reported_until_it_is_ended() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "DiagnosticsService");
    let devices = only(&imei(1));
    let body = json!({"accountName": ACCOUNT, "requestType": "REACHABLE_FOR_DATA",
        "devices": devices, "monitorExpirationTime": "2023-12-01T00:00:00Z"});
    service.finish(&tokens, Call::DeviceReachability, &body);
    let message = service.accept_callbacks().remove(0);
    let id = &message["deviceResponse"]["reachabilityResponse"]["monitorId"];
    let active = |service: &mut Service| {
        let body = json!({"accountName": ACCOUNT, "devices": devices});
        service.finish(&tokens, Call::RetrieveActiveMonitors, &body);
        let message = service.accept_callbacks().remove(0);
        message["deviceResponse"]["activeMonitorsResponse"]["monitors"].clone()
    };
    assert_eq!(active(&mut service)[0]["monitorId"], *id);

    let stop = json!({"accountName": ACCOUNT, "monitorIds": [id]});
    let call = Call::StopDeviceReachability;
    assert_eq!(service.finish(&tokens, call, &stop), "Success");
    service.accept_callbacks();
    assert_eq!(active(&mut service), json!([]));
    assert_eq!(service.finish(&tokens, call, &stop), "Failure");
    // The body is optional.
    let response = service.call(&tokens, call, &[], &Value::Null);
    assert_eq!(response.status, 200);
}
