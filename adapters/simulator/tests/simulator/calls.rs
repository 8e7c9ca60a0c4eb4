//! Every call of Connectivity Management: its request, and the shape of its response.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::examples::{ACCOUNT, Example, GROUP, example, success};
use crate::service::*;

/// Returns true if a value has no field that the documented shape lacks, and the types of
/// that shape.
fn has_shape(value: &Value, shape: &Value) -> bool {
    match (value, shape) {
        (Value::Object(fields), Value::Object(known)) => fields
            .iter()
            .all(|(name, value)| known.get(name).is_some_and(|known| has_shape(value, known))),
        (Value::Array(values), Value::Array(known)) => {
            values.iter().all(|value| has_shape(value, &known[0]))
        }
        (Value::Number(number), Value::Number(known)) => number.is_f64() == known.is_f64(),
        (value, shape) => std::mem::discriminant(value) == std::mem::discriminant(shape),
    }
}

/// Iterates over the calls of Connectivity Management that are no calls of the session and
/// whose examples are self-contained.
fn calls() -> impl Iterator<Item = Call> {
    Call::all().filter(|call| {
        call.path().starts_with("/m2m/")
            && !call.path().contains("/session/")
            && *call != Call::GetCurrentAsynchronousRequestStatus
    })
}

/// Returns a service with a group, a listener and a text message.
fn furnished() -> (Service, Tokens) {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let group = json!({"accountName": ACCOUNT, "groupDescription": "d", "groupName": GROUP});
    let created = service.call(&tokens, Call::CreateDeviceGroup, &[], &group);
    assert_eq!(created.json(), success());
    let (now, from) = (service.now, "5100000001");
    assert!(service.simulator.receive_sms(now, from, "So long"));
    (service, tokens)
}

fn send(service: &mut Service, tokens: &Tokens, call: Call, example: &Example) -> Received {
    let path = format!("{}{}", path(call, &example.parameters), example.query);
    service.call_at(tokens, call, &path, &example.body)
}

#[test]
fn there_are_61_calls() {
    let api = Call::all().filter(|call| call.path().starts_with("/m2m/"));
    assert_eq!(api.count(), 61);
    let count = |method| {
        let api = Call::all().filter(|call| call.path().starts_with("/m2m/"));
        api.filter(|call| call.method() == method).count()
    };
    assert_eq!(["POST", "PUT", "GET", "DELETE"].map(count), [38, 10, 9, 4]);
    assert_eq!(calls().count(), 57);
}

#[test]
fn each_is_executed_and_responds_in_the_documented_shape() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let before = service.simulator.counts().done(call);
        let example = example(call);

        let response = send(&mut service, &tokens, call, &example);

        assert_eq!(response.status, 200, "{call:?}: {response:?}");
        let body = response.json();
        assert!(has_shape(&body, &example.shape), "{call:?}: {body}");
        let is_filled = match &body {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => false,
        };
        assert!(is_filled, "{call:?}");
        assert_eq!(service.simulator.counts().done(call), before + 1);
    }
}

#[test]
fn each_asynchronous_one_ends_with_a_message() {
    for call in calls() {
        let example = example(call);
        if example.shape != json!({"requestId": ""}) {
            continue;
        }
        let (mut service, tokens) = furnished();
        for name in [
            "DevicePRLInformation",
            "DeviceSuspensionStatus",
            "DeviceUsage",
            "DiagnosticsService",
            "EnhancedConnectivityService",
        ] {
            service.register(&tokens, name);
        }
        let id = send(&mut service, &tokens, call, &example).text("requestId");
        assert_eq!(service.status(&tokens, &id), "Pending", "{call:?}");

        service.pass(5 * SECOND);

        let messages = service.accept_callbacks();
        assert_eq!(messages.len(), 1, "{call:?}");
        let message = &messages[0];
        assert_eq!(message["requestId"], id.as_str());
        let (status, outcome) = match service.status(&tokens, &id).as_str() {
            "Success" => ("Success", "deviceResponse"),
            _ => ("Failed", "faultResponse"),
        };
        assert_eq!(message["status"], status, "{call:?}");
        assert!(message[outcome].is_object(), "{call:?}: {message}");
        // Of the examples, these alone ask for what the first device does not allow.
        let fails = matches!(
            call,
            Call::RestoreServiceForSuspendedDevices
                | Call::DeviceUploadStatus
                | Call::EnableLocalProfile
                | Call::DisableLocalProfile
                | Call::DeleteLocalProfile
        );
        assert_eq!(status == "Failed", fails, "{call:?}: {message}");
    }
}

#[test]
fn a_required_field_can_not_be_left_out() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let before = service.simulator.counts().done(call);
        let example = example(call);
        for field in &example.required {
            let mut without = example.body.clone();
            without.as_object_mut().unwrap().remove(*field);
            let parameters = &example.parameters;
            let response = service.call(&tokens, call, parameters, &without);
            assert_refused(&response, call, field);
        }
        assert_eq!(service.simulator.counts().done(call), before, "{call:?}");
    }
}

#[test]
fn a_field_has_its_documented_type_and_name() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let example = example(call);
        let Some(fields) = example.body.as_object() else {
            continue;
        };
        let parameters = &example.parameters;
        for field in fields.keys() {
            let mut other = example.body.clone();
            other[field] = json!({"what": 42});
            // The one field without a documented type.
            if call != Call::UpdateDevicesCostCenterCode || field != "primaryPlaceOfUse" {
                let response = service.call(&tokens, call, parameters, &other);
                assert_refused(&response, call, field);
            }
        }
        let mut more = example.body.clone();
        more["marvin"] = json!("paranoid");
        let response = service.call(&tokens, call, parameters, &more);
        assert_refused(&response, call, "marvin");
        for body in [json!([]), json!("x"), json!(42)] {
            let response = service.call(&tokens, call, parameters, &body);
            assert_refused(&response, call, "the body");
        }
        if call != Call::StopDeviceReachability {
            let response = service.call(&tokens, call, parameters, &Value::Null);
            assert_refused(&response, call, "no body");
        }
    }
}

/// The calls whose errors have three digits.
const NUMBERED: [Call; 10] = [
    Call::DeviceUpload,
    Call::DeviceReachability,
    Call::StopDeviceReachability,
    Call::ActivateDeviceThroughProfile,
    Call::ProfileToActivateDevice,
    Call::ProfileToDeactivateDevice,
    Call::ProfileToSetFallbackAttribute,
    Call::EnableLocalProfile,
    Call::DisableLocalProfile,
    Call::DeleteLocalProfile,
];

#[track_caller]
fn assert_refused(response: &Received, call: Call, what: &str) {
    assert_eq!(response.status, 400, "{call:?}: {what}: {response:?}");
    let code = response.text("errorCode");
    if NUMBERED.contains(&call) {
        assert_eq!(code, "400", "{call:?}: {what}");
    } else {
        assert!(code.starts_with("UnifiedWebService."), "{call:?}: {code}");
    }
}

#[test]
fn each_requires_both_tokens() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let before = service.simulator.counts().seen(call);
        let example = example(call);
        let without_session = Tokens {
            session: String::new(),
            ..tokens.clone()
        };
        send(&mut service, &without_session, call, &example)
            .assert_refused("REQUEST_FAILED.SessionToken.Format");
        let without_bearer = Tokens {
            bearer: "x".to_owned(),
            ..tokens
        };
        send(&mut service, &without_bearer, call, &example).assert_fault(401, "900901");
        assert_eq!(service.simulator.counts().seen(call), before + 2);
    }
}

#[test]
fn each_can_be_broken_alone() {
    let (mut service, tokens) = furnished();
    for call in calls() {
        service.simulator.inject(call, Fault::Empty);
    }
    for call in calls() {
        let response = send(&mut service, &tokens, call, &example(call));
        assert!(response.body.is_empty(), "{call:?}");
        assert_eq!(response.status, 200);
    }
    assert_eq!(service.simulator.faults_left(), 0);
}

#[test]
fn another_account_is_not_there() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let mut example = example(call);
        if let Some(name) = example.body.get_mut("accountName") {
            *name = "Chintan_CPNStaticBulk".into();
        } else if example.parameters.first() == Some(&ACCOUNT) {
            example.parameters[0] = "4Gpublicaccount ";
        } else {
            continue;
        }
        let response = send(&mut service, &tokens, call, &example);
        assert_refused(&response, call, "account");
    }
}

#[test]
fn a_path_is_decoded() {
    let mut service = Service::with(Simulator::new(1).other_account("4Gpublicaccount "));
    let tokens = service.log_in();
    let call = Call::Account;
    let response = service.call(&tokens, call, &["4Gpublicaccount "], &Value::Null);
    assert_eq!(response.text("accountName"), "4Gpublicaccount ");
}
