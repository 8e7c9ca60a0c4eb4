//! What the tests share: a listener, and the messages that are known of each service.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use thingspace_core::{
    Timestamp,
    callback::{Callback, CallbackRefusal, Listener, ListenerCredentials},
};

pub(crate) const USERNAME: &str = "zaffod";
pub(crate) const PASSWORD: &str = "drowssap";
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const REQUEST_ID: &str = "d1f08526-5443-4054-9a29-4456490ea9f8";

pub(crate) fn credentials(username: &str, password: &str) -> ListenerCredentials {
    ListenerCredentials::new(username, password).unwrap()
}

pub(crate) fn listener() -> Listener {
    Listener::new(credentials(USERNAME, PASSWORD))
}

pub(crate) fn post(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/callbacks/carrier")
        .body(body.into())
        .unwrap()
}

/// Reads a body as the listener with the documented credentials does.
pub(crate) fn read(body: impl Into<Bytes>) -> Result<Callback, CallbackRefusal> {
    listener().read(&post(body), NOW)
}

/// Reads a message with the documented credentials.
pub(crate) fn accepted(body: &Value) -> Callback {
    read(body.to_string()).unwrap()
}

/// A message with these fields, and those that all have.
pub(crate) fn message(content: &Value) -> Value {
    let mut message = json!({
        "username": USERNAME,
        "password": PASSWORD,
        "requestId": REQUEST_ID,
        "deviceIds": [{"id": "990000473475989", "kind": "Imei"}],
        "status": "Success",
        "callbackCount": 1,
        "maxCallbackThreshold": 4,
    });
    for (name, value) in content.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

pub(crate) fn activated() -> Value {
    message(&json!({"deviceResponse": {"activateResponse": {
        "deviceIds": [
            {"id": "990000473475989", "kind": "imei"},
            {"id": "89148000000800139708", "kind": "ICCID"},
            {"id": "9085551234", "kind": "mdn"},
        ],
        "ipAddress": "10.120.102.147",
        "servicePlan": "M2M_4G",
        "state": "Active",
        "featureCodes": ["75802", "84777"],
    }}}))
}

pub(crate) fn suspended() -> Value {
    message(&json!({"deviceResponse": {"suspendResponse": {
        "expectedResumeDate": "2017-03-15T00:00:00Z",
        "maxSuspendDaysAllowed": "90",
        "numDaysSuspendAllowedCurrent12Months": 180,
        "numDaysSuspendedLast12Months": "0",
    }}}))
}

pub(crate) fn identifier_changed() -> Value {
    message(&json!({"deviceResponse": {"changeIdentifierResponse": {
        "deviceIds": [{"id": "A1000001999990", "kind": "iccid"}],
        "servicePlan": "M2M_4G",
    }}}))
}

pub(crate) fn failed() -> Value {
    message(&json!({
        "status": "Failed",
        "faultResponse": {
            "faultcode": "REQUEST_FAILED.UnexpectedError",
            "faultstring": "The device is on another account.",
            "faultactor": "carrier",
        },
    }))
}

pub(crate) fn usage() -> Value {
    message(&json!({"deviceResponse": {"usageResponse": [
        {"deviceIds": [{"id": "32-digit EID", "kind": "eid"}], "bytesUsed": 4096},
    ]}}))
}

pub(crate) fn sms_from_device() -> Value {
    message(&json!({"smsMessage": "The door is open.", "status": null}))
}

pub(crate) fn sms_delivered() -> Value {
    message(&json!({"deviceResponse": {"smsDeliveryResponse": {"confirmation": "Success"}}}))
}

pub(crate) fn sms_lost() -> Value {
    message(&json!({"deviceResponse": {"smsDeliveryResponse": {
        "faultResponse": {"faultcode": "SMS.Expired", "faultstring": "It expired."},
    }}}))
}

pub(crate) fn prl() -> Value {
    message(&json!({"deviceResponse": {"prlInformationResponse": {"prlVersion": 52_634}}}))
}

pub(crate) fn nidd_data() -> Value {
    message(
        &json!({"status": null, "niddResponse": {"niddMONotificationResponse": {
            "accountName": "9999080353-00001",
            "message": "QUJD",
            "deviceIds": [
                {"id": "990000473475989", "kind": "IMEI"},
                {"id": "311480852590999", "kind": "IMSI"},
                {"id": "9998501090", "kind": "MDN"},
                {"id": "99948000004347398194", "kind": "iccid"},
            ],
        }}}),
    )
}

pub(crate) fn nidd_queued() -> Value {
    message(
        &json!({"status": "Queued", "niddResponse": {"niddMTDeliveryResponse": {
            "accountName": "9999080353-00001",
            "reason": "Buffered, device not reachable",
            "deviceIds": [
                {"id": "990000473475989", "kind": "Imei"},
                {"id": "99948000005795977263", "kind": "ICCID"},
            ],
        }}}),
    )
}

pub(crate) fn nidd_configured() -> Value {
    message(
        &json!({"status": "ConfigCreated", "niddResponse": {"niddConfigResponse": {
            "accountName": "9992330389-00001",
            "deviceIds": [{"id": "9996661234", "kind": "MDN"}],
        }}}),
    )
}

/// A message of a service whose content is open.
pub(crate) fn open() -> Value {
    message(&json!({"deviceResponse": {"anything": [1, {"a": null}]}, "comment": "changed"}))
}

/// All of them.
pub(crate) fn all() -> Vec<Value> {
    vec![
        activated(),
        suspended(),
        identifier_changed(),
        failed(),
        usage(),
        sms_from_device(),
        sms_delivered(),
        sms_lost(),
        prl(),
        nidd_data(),
        nidd_queued(),
        nidd_configured(),
        open(),
    ]
}
