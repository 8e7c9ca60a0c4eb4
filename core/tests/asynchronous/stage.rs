//! What the service may say of a request, and a request that hears it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use thingspace_core::{
    Timestamp,
    api::account_requests::AsynchronousRequestResult,
    asynchronous::{AsynchronousRequest, FollowStep, Following},
    callback::CallbackMessage,
    model::{AccountDeviceList, DeviceId, FromJson, RequestId, RequestStatus},
};

pub(crate) const ACCOUNT: &str = "0000123456-00001";
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn request_id() -> RequestId {
    RequestId::new("86c83330-4bf5-4235-9c4e-a83f93aeae4c").unwrap()
}

/// A device with an IMEI and an ICCID of this number.
pub(crate) fn device(number: u32) -> AccountDeviceList {
    AccountDeviceList::new([imei(number), iccid(number)])
}

pub(crate) fn imei(number: u32) -> DeviceId {
    DeviceId::imei(format!("{number:015}"))
}

pub(crate) fn iccid(number: u32) -> DeviceId {
    DeviceId::iccid(format!("{number:020}"))
}

/// A request about as many devices.
pub(crate) fn request(devices: u32) -> AsynchronousRequest {
    let devices: Vec<_> = (0..devices).map(device).collect();
    AsynchronousRequest::new(ACCOUNT, request_id()).with_devices(devices)
}

/// A callback about this request and these devices, as it is read.
pub(crate) fn callback(
    request_id: &RequestId,
    devices: &[DeviceId],
    rest: Value,
) -> Arc<CallbackMessage> {
    let ids: Vec<Value> = devices
        .iter()
        .map(|id| json!({"id": id.id, "kind": id.kind.as_str().to_uppercase()}))
        .collect();
    let mut message = json!({"requestId": request_id.as_str(), "deviceIds": ids});
    let Value::Object(rest) = rest else {
        panic!("{rest}");
    };
    message.as_object_mut().unwrap().extend(rest);
    Arc::new(CallbackMessage::from_json(message).unwrap())
}

pub(crate) fn succeeded(devices: &[DeviceId]) -> Arc<CallbackMessage> {
    callback(&request_id(), devices, json!({"status": "Success"}))
}

pub(crate) fn failed(devices: &[DeviceId]) -> Arc<CallbackMessage> {
    let fault = json!({
        "status": "Failed",
        "faultResponse": {"faultcode": "INVALID_SKU", "faultstring": "The SKU is not valid."},
    });
    callback(&request_id(), devices, fault)
}

/// The response to a status call.
pub(crate) fn status(status: &str) -> AsynchronousRequestResult {
    let mut result = AsynchronousRequestResult::default();
    result.request_id = Some(request_id());
    result.status = Some(RequestStatus::from(status));
    result
}

/// Follows until the status is asked for. Returns the time.
pub(crate) fn until_asked(following: &mut Following, mut now: Timestamp) -> Timestamp {
    loop {
        match following.step(now) {
            FollowStep::Ask(call) => {
                assert_eq!(call.account_name, ACCOUNT);
                assert_eq!(call.request_id, request_id());
                return now;
            }
            FollowStep::Wait(until) => {
                assert!(until > now);
                now = until;
            }
            FollowStep::Done => panic!("done at {now}"),
        }
    }
}

/// Follows while nothing comes. Returns the time of the end, and of each status call.
pub(crate) fn until_done(
    following: &mut Following,
    mut now: Timestamp,
) -> (Timestamp, Vec<Timestamp>) {
    let mut asked = Vec::new();
    loop {
        match following.step(now) {
            FollowStep::Ask(_) => {
                asked.push(now);
                following.receive_status(now, Some(status("Pending")));
            }
            FollowStep::Wait(until) => now = until,
            FollowStep::Done => return (now, asked),
        }
    }
}

/// The settings' timeout in the tests that do not change it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20 * 60);
