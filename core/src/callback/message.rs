//! The message of a callback.

use crate::model::{DeviceId, Fields, Model, Other, RequestId, RequestStatus};

/// A message that ThingSpace sent to a listener.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CallbackMessage {
    /// The request whose outcome it is.
    pub request_id: Option<RequestId>,
    /// The devices that it is about.
    pub device_ids: Vec<DeviceId>,
    /// The status: `Success`, or `Failed`.
    pub status: Option<RequestStatus>,
    /// The reason of a failure.
    pub fault: Option<FaultResponse>,
    /// The number of times that it was sent, this one included.
    pub callback_count: Option<i64>,
    /// The most times that it will be sent.
    pub max_callback_threshold: Option<i64>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for CallbackMessage {
    fn read(fields: &mut Fields) -> Self {
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

/// The reason of a failure.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FaultResponse {
    /// The code.
    pub fault_code: Option<String>,
    /// The text.
    pub fault_string: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for FaultResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            fault_code: fields.take("faultcode"),
            fault_string: fields.take("faultstring"),
            other: fields.other(),
        }
    }
}
