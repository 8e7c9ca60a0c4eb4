//! Messages to a listener, which may be anybody's.

use std::fmt::Debug;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use thingspace_core::{
    Timestamp,
    callback::{
        AlertService, Callback, CallbackContent, CallbackMessage, CallbackRefusal, CarrierService,
        DevicePrlInformation, DeviceService, DeviceSuspensionStatus, DeviceUsage,
        DiagnosticsService, EnhancedConnectivityService, ExternalProvisioningChanges, Listener,
        ListenerCredentials, NiddService,
    },
};

use crate::{
    object::Object,
    response::{assert_hides, assert_looks_like},
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const USERNAME: &str = "zaffod";
const PASSWORD: &str = "drowssap";

/// Reads `data` as the body of a message to a listener with the user name `zaffod` and the
/// password `drowssap`, and to one without.
pub fn callback(data: &[u8]) {
    let listener = Listener::new(ListenerCredentials::new(USERNAME, PASSWORD).unwrap());
    let read = read(&listener, data);
    let anybody = self::read(&Listener::without_credentials(), data);
    if let Err(refusal) = &read {
        assert_shows_nothing(refusal, data);
    }
    match (&read, &anybody) {
        (Ok(callback), anybody) => assert_eq!(Ok(callback), anybody.as_ref()),
        (Err(CallbackRefusal::Credentials), _) => {}
        (Err(refusal), anybody) => assert_eq!(anybody.as_ref(), Err(refusal)),
    }
    if let Ok(callback) = &anybody {
        assert_whole(callback, data);
        assert_same_again(callback);
    }

    // What is mended before it can be read, this reader does not know.
    let Some(object) = Object::read(data) else {
        return;
    };
    let callback = anybody.unwrap();
    let sent = |name| object.entry(name).text();
    let is_known = (sent("username"), sent("password")) == (Some(USERNAME), Some(PASSWORD));
    assert_eq!(read.is_ok(), is_known);
    if is_known {
        let mut guess: Value = callback.json().clone();
        guess["username"] = json!(USERNAME);
        guess["password"] = json!("drowssaP");
        let refused = self::read(&listener, guess.to_string().as_bytes());
        assert_eq!(refused, Err(CallbackRefusal::Credentials));
    }
}

fn read(listener: &Listener, body: &[u8]) -> Result<Callback, CallbackRefusal> {
    let body = Bytes::copy_from_slice(body);
    listener.read(&Request::post("/").body(body).unwrap(), NOW)
}

/// Asserts that a refusal says how to respond, and shows nothing of the body.
fn assert_shows_nothing(refusal: &CallbackRefusal, data: &[u8]) {
    let status = refusal.response().status();
    assert!([StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&status));
    let shown = format!("{refusal} {refusal:?} {:?}", refusal.response());
    assert!(!shown.contains(char::is_control));
    assert!(!shown.contains(PASSWORD));
    assert_hides(
        &shown,
        data,
        "its credentials are not those of the listener",
    );
}

/// Asserts that all of a body is in its message, but for the credentials.
fn assert_whole(callback: &Callback, data: &[u8]) {
    let fields = callback.json().as_object().unwrap();
    for name in ["username", "password"] {
        assert!(!fields.contains_key(name));
        assert_eq!(callback.message.other.get(name), None);
    }
    if let Ok(mut body) = serde_json::from_slice::<Value>(crate::object::without_mark(data)) {
        let body = body.as_object_mut().unwrap();
        body.remove("username");
        body.remove("password");
        assert_eq!(fields, body);
    }

    let message = &callback.message;
    let shown = [
        format!("{callback:?} {}", callback.key),
        as_content_of::<AlertService>(message),
        as_content_of::<CarrierService>(message),
        as_content_of::<DevicePrlInformation>(message),
        as_content_of::<DeviceService>(message),
        as_content_of::<DeviceSuspensionStatus>(message),
        as_content_of::<DeviceUsage>(message),
        as_content_of::<DiagnosticsService>(message),
        as_content_of::<EnhancedConnectivityService>(message),
        as_content_of::<ExternalProvisioningChanges>(message),
        as_content_of::<NiddService>(message),
    ];
    // The password may stand in other fields, too.
    if !callback.json().to_string().contains(PASSWORD) {
        assert!(!shown.concat().contains(PASSWORD));
    }
}

fn as_content_of<C: CallbackContent + Debug + PartialEq>(message: &CallbackMessage) -> String {
    let content = message.content::<C>();
    assert_eq!(content, message.content());
    format!("{content:?}")
}

/// Asserts that a message that is written and sent again is the same, and has the same
/// key whatever its count and password are.
fn assert_same_again(callback: &Callback) {
    let mut again = callback.json().clone();
    // Of some fractions, the last digit changes.
    let written = serde_json::from_str::<Value>(&again.to_string());
    if !written.is_ok_and(|written| written == again) {
        return;
    }
    let anybody = Listener::without_credentials();
    let read = |body: &Value| self::read(&anybody, body.to_string().as_bytes()).unwrap();
    assert_eq!(&read(&again), callback);

    again["password"] = json!("another");
    let count = again.as_object_mut().unwrap().remove("callbackCount");
    assert_eq!(read(&again).key, callback.key);
    assert_looks_like(&read(&again).key, &callback.key);
    again["callbackCount"] = json!([count]);
    assert_eq!(read(&again).key, callback.key);
    again["one more"] = match again.get("one more") {
        Some(value) => json!([value]),
        None => Value::Null,
    };
    assert_ne!(read(&again).key, callback.key);
}
