//! The responses of Connectivity Management.

use std::fmt::Debug;

use serde_json::{Value, json};
use thingspace_core::{
    Timestamp,
    api::{
        ConnectivityCall,
        account_requests::GetCurrentAsynchronousRequestStatus,
        accounts::{GetAccountInformation, ListAccountLeads, ListAccountStatesAndServices},
        callbacks::{DeregisterCallback, ListRegisteredCallbacks},
        device_groups::{DeleteDeviceGroup, GetDeviceGroupInformation, ListDeviceGroups},
        device_history::{
            GetDeviceExtendedDiagnosticInformation, ListDevicesProvisioningHistory,
            ListDevicesUsageHistory, RetrieveDeviceConnectionHistory,
        },
        devices::{
            AddDevices, DeleteDeactivatedDevices, ListDevicesInformation,
            ListDevicesWithImeiIccidMismatch,
        },
        reachability::StopDeviceReachability,
        service_plans::ListAccountServicePlans,
        sms::ListDevicesSmsMessages,
    },
    model::{DateTime, List},
    response::Problem,
};

use crate::{object::without_mark, response::read};

/// Reads `data` as the body of every response: one call for each type of them.
///
/// It must be accepted if, and only if, it is an object or, where documented, a list.
/// Each of its values is then read, or stands below a field that is in `other`. A list
/// of callbacks shows no password. A time that is read is the same when it is written.
pub fn connectivity(data: &[u8]) {
    object::<DeleteDeviceGroup>(data);
    object::<DeregisterCallback>(data);
    object::<GetAccountInformation>(data);
    object::<GetCurrentAsynchronousRequestStatus>(data);
    object::<GetDeviceExtendedDiagnosticInformation>(data);
    object::<GetDeviceGroupInformation>(data);
    object::<ListAccountLeads>(data);
    object::<ListAccountStatesAndServices>(data);
    object::<ListDevicesInformation>(data);
    object::<ListDevicesSmsMessages>(data);
    object::<ListDevicesUsageHistory>(data);
    object::<ListDevicesWithImeiIccidMismatch>(data);
    object::<RetrieveDeviceConnectionHistory>(data);
    object::<StopDeviceReachability>(data);
    list::<AddDevices, _>(data);
    list::<DeleteDeactivatedDevices, _>(data);
    list::<ListAccountServicePlans, _>(data);
    list::<ListDeviceGroups, _>(data);
    list::<ListDevicesProvisioningHistory, _>(data);
    list::<ListRegisteredCallbacks, _>(data);
    assert_hides_passwords(data);
}

/// Reads a response that is documented to be an object.
fn object<C: ConnectivityCall<Response: Debug>>(data: &[u8]) {
    assert_read::<C>(data, Value::is_object, |value, response| {
        assert_keeps(value, &mut Vec::new(), &format!("{response:?}"));
    });
}

/// Reads a response that is documented to be a list. One object is a list of one. An item
/// that is no object is kept as it came, and not shown.
fn list<C: ConnectivityCall<Response = List<T>>, T: Debug>(data: &[u8]) {
    let fits = |value: &Value| value.is_array() || value.is_object();
    assert_read::<C>(data, fits, |value, list| {
        let (items, other) = match value.clone() {
            Value::Array(values) => values.into_iter().partition(Value::is_object),
            object => (vec![object], Vec::new()),
        };
        assert_eq!(list.other, other);
        assert_keeps(&json!(items), &mut Vec::new(), &format!("{list:?}"));
    });
}

fn assert_read<C: ConnectivityCall<Response: Debug>>(
    data: &[u8],
    fits: fn(&Value) -> bool,
    assert_kept: fn(&Value, &C::Response),
) {
    let Some(response) = read::<C>(data, &[]) else {
        return;
    };
    let Some(value) = value(data) else {
        return;
    };
    match response {
        Ok(response) => {
            assert!(fits(&value));
            assert_kept(&value, &response);
        }
        Err(error) => {
            assert!(!fits(&value));
            assert_eq!(error.problem, Problem::Kind);
        }
    }
}

/// Asserts that the values in a value are shown, or the name of a field above them: then
/// that is in `other`, which shows its names only.
fn assert_keeps<'a>(value: &'a Value, names: &mut Vec<&'a str>, shown: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.push(name);
                assert_keeps(value, names, shown);
                names.pop();
            }
        }
        Value::Array(items) => {
            for item in items {
                assert_keeps(item, names, shown);
            }
        }
        _ => {
            let mut names_shown = names.iter().map(|name| format!("{name:?}"));
            assert!(
                is_shown(value, names, shown) || names_shown.any(|name| shown.contains(&name)),
                "{names:?}: {value} is lost in {shown}"
            );
        }
    }
}

/// Returns true if a text, a number or a boolean is shown in any form in which it may have
/// been read, or need not be.
fn is_shown(value: &Value, names: &[&str], shown: &str) -> bool {
    let text = match value {
        Value::Null => return true,
        Value::String(text) => text,
        other => return shown.contains(&other.to_string()),
    };
    assert_time(text);
    match names.last() {
        Some(&"password") if shown.contains("Password(…)") => return true,
        Some(&("password" | "username")) if text.is_empty() => return true,
        _ => {}
    }
    // A request's id is read without the blanks around it, and a number or a boolean may
    // have come as text.
    let trimmed = text.trim();
    let number = trimmed.parse::<i64>().map(|number| number.to_string());
    shown.contains(&format!("{text:?}"))
        || shown.contains(&format!("{trimmed:?}"))
        || number.is_ok_and(|number| shown.contains(&number))
        || ["true", "false"]
            .iter()
            .any(|boolean| text.eq_ignore_ascii_case(boolean) && shown.contains(boolean))
}

/// Asserts that a text which is a time is the same time, in whole seconds, when that is
/// written and read again.
fn assert_time(text: &str) {
    let Some(time) = DateTime::from(text).timestamp() else {
        return;
    };
    let again = DateTime::from(time).timestamp().unwrap();
    let last = DateTime::from(Timestamp::MAX).timestamp().unwrap();
    let seconds = Timestamp::from_millis(time.as_millis() / 1000 * 1000);
    assert_eq!(again, seconds.min(last));
}

/// Asserts that a list of callbacks with other passwords looks the same.
fn assert_hides_passwords(data: &[u8]) {
    let Some(Value::Array(mut items)) = value(data) else {
        return;
    };
    let read = |items: &Vec<Value>| {
        let body = json!(items).to_string();
        let callbacks = read::<ListRegisteredCallbacks>(body.as_bytes(), &[])?;
        Some(format!("{:?}", callbacks.unwrap()))
    };
    let shown = read(&items);
    for password in items.iter_mut().filter_map(|item| item.get_mut("password")) {
        let replaced = match password {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) if !text.contains(char::REPLACEMENT_CHARACTER) => json!("other"),
            _ => json!(["other"]),
        };
        *password = replaced;
    }
    assert_eq!(read(&items), shown);
}

/// Reads a value by strict JSON, unlike the core, which mends slips.
fn value(data: &[u8]) -> Option<Value> {
    serde_json::from_slice(without_mark(data)).ok()
}
