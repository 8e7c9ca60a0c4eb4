//! The outcome of a request, device by device.

use std::sync::Arc;

use crate::{
    callback::{CallbackMessage, FaultResponse},
    model::{DeviceId, RequestId},
};

/// The outcome of an asynchronous request, for each of its devices.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RequestOutcome {
    /// The request.
    pub request_id: RequestId,
    /// Its devices, in the order in which it names them; at least one. Behind them are
    /// devices that only callbacks named, no more of them than the request has.
    pub devices: Vec<DeviceOutcome>,
}

impl RequestOutcome {
    /// Returns true if all devices succeeded.
    pub fn is_success(&self) -> bool {
        let mut devices = self.devices.iter();
        devices.all(|device| device.result == DeviceResult::Succeeded)
    }

    /// The devices with this result.
    pub fn with(&self, result: DeviceResult) -> impl Iterator<Item = &DeviceOutcome> {
        self.devices
            .iter()
            .filter(move |device| device.result == result)
    }
}

/// The outcome of a request for one device.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceOutcome {
    /// The device, by the identifiers that the request has. Empty if the request names no
    /// devices: the message has them then.
    pub device_ids: Vec<DeviceId>,
    /// The result.
    pub result: DeviceResult,
    /// The callback that brought the result. `None` if the status of the whole request did,
    /// or nothing.
    pub message: Option<Arc<CallbackMessage>>,
}

impl DeviceOutcome {
    /// A device whose result is not known yet.
    pub(super) const fn pending(device_ids: Vec<DeviceId>) -> Self {
        Self {
            device_ids,
            result: DeviceResult::Unknown,
            message: None,
        }
    }

    /// The code and the text of a failure. Only a callback has them: the status of a request
    /// gives no reason.
    pub fn fault(&self) -> Option<&FaultResponse> {
        self.message.as_ref()?.fault.as_ref()
    }
}

/// The result for one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceResult {
    /// The action was executed.
    Succeeded,
    /// The action failed.
    Failed,
    /// Nothing is known. After the deadline: it may be in progress still, or the service
    /// has told nobody of its end.
    Unknown,
}
