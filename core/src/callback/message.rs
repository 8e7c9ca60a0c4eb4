//! The message of a callback.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{content::CallbackContent, fault::FaultResponse};
use crate::model::{DeviceId, Fields, FromJson, Model, Other, RequestId, RequestStatus};

/// The fields of a body that hold the credentials of its listener.
pub(super) const CREDENTIALS: [&str; 2] = ["username", "password"];

/// A message that ThingSpace sent to a listener.
///
/// Never holds the credentials that came with it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CallbackMessage {
    /// The request whose outcome it is.
    pub request_id: Option<RequestId>,
    /// The devices that it is about.
    pub device_ids: Vec<DeviceId>,
    /// The status: `Success`, or `Failed`. Messages of [`NiddService`](super::NiddService)
    /// have others.
    pub status: Option<RequestStatus>,
    /// The reason of a failure.
    pub fault: Option<FaultResponse>,
    /// The number of times that it was sent, this one included.
    pub callback_count: Option<i64>,
    /// The most times that it will be sent.
    pub max_callback_threshold: Option<i64>,
    /// The service's content, which [`content`](Self::content) reads; also fields that are
    /// not documented or do not fit.
    pub other: Other,
}

impl CallbackMessage {
    /// Reads the content of a service's message: that of the service for which the address
    /// was registered where it came in. Of a service that has no type here, the content is
    /// in [`other`](Self::other).
    #[must_use]
    pub fn content<C: CallbackContent>(&self) -> C {
        let fields = self.other.iter();
        let fields = fields.map(|(name, value)| (name.to_owned(), value.clone()));
        // An object fits every model.
        C::from_json(Value::Object(fields.collect())).unwrap_or_default()
    }
}

impl Model for CallbackMessage {
    fn read(fields: &mut Fields) -> Self {
        for name in CREDENTIALS {
            wipe(fields.take(name));
        }
        Self {
            request_id: fields.take("requestId"),
            device_ids: fields.list("deviceIds"),
            status: fields.take("status"),
            fault: fields.take("faultResponse"),
            callback_count: fields.take("callbackCount"),
            max_callback_threshold: fields.take("maxCallbackThreshold"),
            other: fields.other(),
        }
    }
}

/// Takes the credentials out of a body, and wipes them.
pub(super) fn remove_credentials(body: &mut Map<String, Value>) {
    for name in CREDENTIALS {
        wipe(body.remove(name));
    }
}

fn wipe(secret: Option<Value>) {
    if let Some(Value::String(secret)) = secret {
        drop(Zeroizing::new(secret));
    }
}
