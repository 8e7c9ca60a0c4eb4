//! The account's devices, made up on the spot, and the way they are listed a
//! page at a time.

use serde_json::{Value, json};

use crate::refusal::Refusal;

/// Documented by Verizon: a page has up to this many devices.
const PAGE: u64 = 2000;

/// ThingSpace's own number of the device before the first.
const BASE_ID: u64 = 100_000_000;

/// The page of `account`'s `count` devices that `request` asks for.
///
/// Devices come in the order of their ThingSpace ids. The last id of a page,
/// sent back as `largestDeviceIdSeen`, asks for the page behind it.
pub(crate) fn page(account: &str, count: u64, request: &Value) -> Result<Value, Refusal> {
    if !request.is_object() {
        return Err(Refusal::UNEXPECTED);
    }
    match request.get("accountName") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) if name == account => {}
        Some(Value::String(_)) => return Err(Refusal::NO_ACCOUNT),
        Some(_) => return Err(Refusal::UNEXPECTED),
    }
    let most = number(request, "maxNumberOfDevices")?.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&most) {
        return Err(Refusal::UNEXPECTED);
    }
    let seen = number(request, "largestDeviceIdSeen")?.unwrap_or(0);
    let passed = seen.saturating_sub(BASE_ID);
    let end = passed.saturating_add(most).min(count);
    let devices: Vec<_> = (passed..end).map(|index| device(account, index)).collect();
    Ok(json!({"hasMoreData": end < count, "devices": devices}))
}

/// A whole number that may be left out.
fn number(request: &Value, field: &str) -> Result<Option<u64>, Refusal> {
    match request.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(Refusal::UNEXPECTED),
    }
}

/// Documented fields. That the ThingSpace id is the extended attribute
/// `DeviceId` is a field report.
fn device(account: &str, index: u64) -> Value {
    let id = BASE_ID.saturating_add(index).saturating_add(1);
    json!({
        "accountName": account,
        "carrierInformations": [
            {"carrierName": "Verizon Wireless", "servicePlan": "5MB", "state": "active"}
        ],
        "connected": index % 2 == 0,
        "createdAt": "2024-05-25T12:00:00Z",
        "deviceIds": [
            {"id": format!("99{id:013}"), "kind": "imei"},
            {"id": format!("891480{id:014}"), "kind": "iccId"},
        ],
        "extendedAttributes": [{"key": "DeviceId", "value": id.to_string()}],
    })
}
