//! All that may have become of a message on its way: it is read, or refused, and nothing
//! in it hides what stands beside it.

use serde_json::{Value, json};
use thingspace_core::callback::{
    AlertService, CallbackContent, CallbackMessage, CarrierService, DevicePrlInformation,
    DeviceService, DeviceSuspensionStatus, DeviceUsage, DiagnosticsService,
    EnhancedConnectivityService, ExternalProvisioningChanges, NiddService,
};

use crate::stage::*;

/// Reads a message as that of every service, and prints it.
fn shown(message: &CallbackMessage) -> String {
    fn of<C: CallbackContent + std::fmt::Debug>(message: &CallbackMessage) -> String {
        format!("{:?}", message.content::<C>())
    }
    let all = [
        format!("{message:?}"),
        of::<CarrierService>(message),
        of::<DeviceSuspensionStatus>(message),
        of::<DeviceUsage>(message),
        of::<EnhancedConnectivityService>(message),
        of::<AlertService>(message),
        of::<DevicePrlInformation>(message),
        of::<DeviceService>(message),
        of::<ExternalProvisioningChanges>(message),
        of::<DiagnosticsService>(message),
        of::<NiddService>(message),
    ];
    all.concat()
}

/// The pointers to all values within a value.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, v)| (name.clone(), v)).collect(),
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.map(|(i, v)| (i.to_string(), v)).collect()
        }
        _ => return,
    };
    for (name, value) in inner {
        let place = format!("{here}/{name}");
        places(value, &place, found);
        found.push(place);
    }
}

#[test]
fn a_message_that_breaks_off_is_refused() {
    for body in all() {
        let text = body.to_string();
        for length in 0..text.len() {
            assert!(read(text[..length].to_owned()).is_err(), "{length}");
        }
    }
}

#[test]
fn a_field_of_another_kind_hides_none_beside_it() {
    for body in all() {
        let mut found = Vec::new();
        places(&body, "", &mut found);
        for place in found {
            let name = place.split('/').nth(1).unwrap();
            if ["username", "password"].contains(&name) {
                continue;
            }
            for wrong in [
                json!([[]]),
                json!([true]),
                Value::Null,
                json!({"a": {"b": "c"}}),
                json!("x".repeat(10_000)),
                json!(-1),
                json!(u64::MAX),
                json!(1.5e300),
                json!(false),
                json!(""),
                json!([]),
                json!({}),
            ] {
                let mut damaged = body.clone();
                *damaged.pointer_mut(&place).unwrap() = wrong;
                let callback = accepted(&damaged);
                shown(&callback.message);
                if name != "requestId" {
                    assert_eq!(callback.key.request_id().unwrap().as_str(), REQUEST_ID);
                }
                if name != "callbackCount" {
                    assert_eq!(callback.message.callback_count, Some(1));
                }
            }
        }
    }
}

#[test]
fn a_field_that_does_not_fit_is_told_by_name() {
    let body = message(&json!({
        "requestId": [],
        "deviceIds": [true, {"id": "1", "kind": "imei"}, {"kind": "mdn"}],
        "faultResponse": "none",
        "callbackCount": "once",
    }));
    let message = accepted(&body).message;
    let mut unfit = message.other.unfit().to_vec();
    unfit.sort_unstable();
    let names = ["callbackCount", "deviceIds", "faultResponse", "requestId"];
    assert_eq!(unfit, names);
    assert_eq!(message.other.get("callbackCount"), Some(&json!("once")));
    assert_eq!(message.device_ids.len(), 2);
    assert_eq!(message.device_ids[1].other.unfit(), ["id"]);
}

#[test]
fn a_field_that_is_absent_hides_none_beside_it() {
    for body in all() {
        for name in body.as_object().unwrap().keys() {
            let mut less = body.clone();
            less.as_object_mut().unwrap().remove(name);
            let is_refused = ["username", "password"].contains(&&**name);
            assert_eq!(read(less.to_string()).is_err(), is_refused, "{name}");
        }
    }
}

#[test]
fn a_message_with_slips_that_hide_nothing_is_read() {
    let text = sms_from_device().to_string();
    for slip in [
        format!("\u{feff} {text}\r\n").into_bytes(),
        text.replace("door", "do\nor").into_bytes(),
        text.replace("door", r"d\or").into_bytes(),
        text.replace("door", r"\ud83d").into_bytes(),
        text.replacen('{', r#"{"username":"zaffod","#, 1)
            .into_bytes(),
        text.replacen('{', r#"{"new":1,"new":2,"#, 1).into_bytes(),
        [
            b"{\"new\":\"\xff\",",
            text.strip_prefix('{').unwrap().as_bytes(),
        ]
        .concat(),
        text.replacen('{', r#"{"new":1e999,"#, 1).into_bytes(),
    ] {
        let callback = read(slip).unwrap();
        let content = callback.message.content::<EnhancedConnectivityService>();
        assert!(content.sms_message.unwrap().ends_with("is open."));
    }
}

#[test]
fn a_message_about_many_devices_is_read() {
    let devices: Vec<_> = (0..10_000)
        .map(|device| json!({"id": format!("{device:015}"), "kind": "imei"}))
        .collect();
    let message = accepted(&message(&json!({"deviceIds": devices}))).message;
    assert_eq!(message.device_ids.len(), 10_000);
}
