//! The account's devices, which are generated on demand and listed a page at a
//! time.

use serde_json::{Value, json};

use crate::refusal::Refusal;

/// The most devices on a page. Documented by Verizon.
const PAGE: u64 = 2000;

/// The ThingSpace id before the first device's.
const BASE_ID: u64 = 100_000_000;

/// Returns the page of `account`'s `count` devices that `request` asks for.
///
/// Devices are sorted by ThingSpace id. To get the next page, a client sends
/// the last id of a page as `largestDeviceIdSeen`.
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

/// Reads an optional field that holds a whole number.
fn number(request: &Value, field: &str) -> Result<Option<u64>, Refusal> {
    match request.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(Refusal::UNEXPECTED),
    }
}

/// Generates a device with documented fields.
///
/// The ThingSpace id is the extended attribute `DeviceId`: reported from the
/// field.
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
