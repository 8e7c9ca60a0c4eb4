//! Callbacks: who gets them, how often, and with which credentials.

use http::StatusCode;
use serde_json::{Value, json};
use thingspace_simulator::{Call, CallbackFault, Simulator};

use crate::service::*;

const SUSPEND: Call = Call::SuspendServiceForDevices;

/// A service with a listener for most calls, and one request that has ended.
fn after_a_request(simulator: Simulator) -> (Service, Tokens, String) {
    let mut service = Service::with(simulator);
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let id = service.begin(&tokens, SUSPEND, &json!({"devices": only(&imei(1))}));
    service.pass(5 * SECOND);
    (service, tokens, id)
}

/// Returns the numbers in the messages that are due: how often each was sent.
fn due(service: &mut Service) -> Vec<u64> {
    let due = service.simulator.callbacks_due(service.now);
    due.iter()
        .map(|delivery| {
            let body: Value = serde_json::from_slice(delivery.request.body()).unwrap();
            body["callbackCount"].as_u64().unwrap()
        })
        .collect()
}

#[test]
fn a_message_has_the_documented_fields() {
    let (mut service, _, id) = after_a_request(Simulator::new(1));

    let due = service.simulator.callbacks_due(service.now);

    let request = &due[0].request;
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "http://localhost:9001/CarrierService");
    assert_eq!(request.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let outcome = &body["deviceResponse"]["suspendResponse"];
    assert_eq!(outcome["state"], "suspend");
    assert_eq!(
        body,
        json!({
            "username": "slartibartfast",
            "password": "fjords",
            "requestId": id,
            "deviceIds": [imei(1)],
            "deviceResponse": {"suspendResponse": outcome},
            "status": "Success",
            "callbackCount": 1,
            "maxCallbackThreshold": 4,
        })
    );
    assert!(!format!("{due:?}").contains("fjords"));
}

#[test]
fn a_message_is_sent_again_three_times_until_it_is_accepted() {
    let (mut service, ..) = after_a_request(Simulator::new(1));
    assert_eq!(due(&mut service), [1]);
    for count in 2..=4 {
        service.pass(just_under(5));
        assert!(due(&mut service).is_empty());
        service.pass(MILLISECOND);
        assert_eq!(due(&mut service), [count]);
    }
    service.pass(5 * MINUTE);
    assert!(due(&mut service).is_empty());
    assert_eq!(service.simulator.next_event(), None);
    let counts = service.simulator.counts();
    assert_eq!((counts.callbacks_sent, counts.callbacks_archived), (4, 1));
    assert_eq!(counts.callbacks_accepted, 0);
}

#[test]
fn any_2xx_accepts_a_message_and_nothing_else_does() {
    for (status, accepts) in [
        (200, true),
        (204, true),
        (302, false),
        (401, false),
        (503, false),
    ] {
        let (mut service, ..) = after_a_request(Simulator::new(1));
        let due = service.simulator.callbacks_due(service.now);
        let status = StatusCode::from_u16(status).unwrap();

        service.simulator.callback_responded(due[0].id, status);

        service.pass(5 * MINUTE);
        let again = service.simulator.callbacks_due(service.now);
        assert_eq!(again.is_empty(), accepts, "{status}");
    }
}

#[test]
fn without_a_listener_there_is_no_message() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "DeviceUsage");
    service.finish(&tokens, SUSPEND, &json!({"devices": only(&imei(1))}));
    assert!(service.accept_callbacks().is_empty());
}

#[test]
fn a_listener_that_was_removed_gets_nothing_more() {
    let (mut service, tokens, _) = after_a_request(Simulator::new(1));
    assert_eq!(due(&mut service), [1]);
    let parameters = [Simulator::ACCOUNT, "CarrierService"];
    let removed = service.call(&tokens, Call::DeregisterCallback, &parameters, &Value::Null);
    assert_eq!(removed.text("accountName"), Simulator::ACCOUNT);
    service.pass(5 * MINUTE);
    assert!(due(&mut service).is_empty());
    service
        .call(&tokens, Call::DeregisterCallback, &parameters, &Value::Null)
        .assert_refused("REQUEST_FAILED.CallbackNotFound");
}

#[test]
fn a_list_of_listeners_has_their_passwords_in_clear() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let body = json!({"name": "DeviceUsage", "url": "https://example.org"});
    service.call(
        &tokens,
        Call::RegisterCallback,
        &[Simulator::ACCOUNT],
        &body,
    );
    service.register(&tokens, "CarrierService");

    let call = Call::ListRegisteredCallbacks;
    let list = service.call(&tokens, call, &[Simulator::ACCOUNT], &Value::Null);

    assert_eq!(
        list.json(),
        json!([
            {
                "accountName": Simulator::ACCOUNT,
                "serviceName": "CarrierService",
                "url": "http://localhost:9001/CarrierService",
                "username": "slartibartfast",
                "password": "fjords",
            },
            {
                "accountName": Simulator::ACCOUNT,
                "serviceName": "DeviceUsage",
                "url": "https://example.org",
                "username": "",
                "password": "",
            },
        ])
    );
}

#[test]
fn a_registration_needs_an_address_and_a_short_password() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for (field, value) in [
        ("name", String::new()),
        ("url", "example.org".to_owned()),
        ("url", "ftp://example.org".to_owned()),
        ("url", "/".to_owned()),
        ("password", "x".repeat(41)),
    ] {
        let mut body = json!({"name": "n", "url": "http://x/", "password": "x".repeat(40)});
        let call = Call::RegisterCallback;
        let response = service.call(&tokens, call, &[Simulator::ACCOUNT], &body);
        assert_eq!(response.status, 200);
        body[field] = value.into();
        let response = service.call(&tokens, call, &[Simulator::ACCOUNT], &body);
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
    }
}

#[test]
fn a_new_password_is_used_after_the_rotation_delay() {
    let (mut service, tokens, _) = after_a_request(Simulator::new(1).rotation_delay(9 * MINUTE));
    let new = json!({"name": "CarrierService", "url": "http://x/", "password": "new"});
    service.call(&tokens, Call::RegisterCallback, &[Simulator::ACCOUNT], &new);
    for password in ["fjords", "fjords", "new"] {
        let due = service.simulator.callbacks_due(service.now);
        assert_eq!(due[0].request.uri(), "http://x/");
        let body: Value = serde_json::from_slice(due[0].request.body()).unwrap();
        assert_eq!(body["password"], password);
        service.pass(5 * MINUTE);
    }
}

#[test]
fn messages_can_be_lost_doubled_and_late() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    for fault in [
        CallbackFault::Lose,
        CallbackFault::Double,
        CallbackFault::Delay(MINUTE),
    ] {
        service.simulator.inject_callback(fault);
    }
    let devices: Value = (1..=4)
        .map(|number| json!({"deviceIds": [imei(number)]}))
        .collect();
    service.finish(&tokens, SUSPEND, &json!({"devices": devices}));

    let told: Vec<_> = service.accept_callbacks();
    let told: Vec<_> = told
        .iter()
        .map(|message| &message["deviceIds"][0])
        .collect();
    assert_eq!(told, [&imei(2), &imei(2), &imei(4)]);
    service.pass(MINUTE);
    assert_eq!(service.accept_callbacks()[0]["deviceIds"][0], imei(3));
    assert_eq!(service.simulator.next_event(), None);
}

#[test]
fn the_way_to_the_listener_can_be_unreliable_for_good() {
    let simulator = Simulator::new(1)
        .devices(1000)
        .unreliable_callbacks(20, MINUTE);
    let mut service = Service::with(simulator);
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    service.finish(&tokens, SUSPEND, &json!({"servicePlan": "5MB"}));

    let mut order = Vec::new();
    for _ in 0..=60 {
        let messages = service.accept_callbacks();
        order.extend(
            messages
                .iter()
                .map(|message| message["deviceIds"][0]["id"].to_string()),
        );
        service.pass(SECOND);
    }

    assert_eq!(service.simulator.next_event(), None);
    assert!(!order.is_sorted());
    let sent = order.len();
    order.sort();
    order.dedup();
    let (arrived, doubled) = (order.len(), sent - order.len());
    assert!((700..900).contains(&arrived), "{arrived}");
    assert!((80..240).contains(&doubled), "{doubled}");
}
