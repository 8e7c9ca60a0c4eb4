//! The content of the messages of `NiddService`.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::content::CallbackContent;
use crate::model::{DeviceId, Fields, Model, Other};

/// The content of a message of `NiddService`: data of a device without IP, or the delivery
/// of data to one. Documented by Verizon.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NiddService {
    /// The data, or the report.
    pub nidd_response: Option<NiddResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl NiddService {
    /// The device, by all identifiers that the network has of it. The message's own
    /// `device_ids` name it by one.
    pub fn device_ids(&self) -> &[DeviceId] {
        let Some(response) = &self.nidd_response else {
            return &[];
        };
        match (&response.notification, &response.delivery, &response.config) {
            (Some(message), _, _) => &message.device_ids,
            (_, Some(report), _) | (_, _, Some(report)) => &report.device_ids,
            (None, None, None) => &[],
        }
    }
}

impl CallbackContent for NiddService {
    const SERVICE: &'static str = "NiddService";
}

impl Model for NiddService {
    fn read(fields: &mut Fields) -> Self {
        Self {
            nidd_response: fields.take("niddResponse"),
            other: fields.other(),
        }
    }
}

/// One of three contents of a message of `NiddService`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NiddResponse {
    /// Data from a device.
    #[doc(alias = "niddMONotificationResponse")]
    pub notification: Option<NiddMessage>,
    /// The delivery of data to a device. The message's status is `Delivered`, `Queued` or
    /// `DeliveryFailed`.
    #[doc(alias = "niddMTDeliveryResponse")]
    pub delivery: Option<NiddReport>,
    /// The result of allowing a device to send such data. The message's status of a
    /// success is `ConfigCreated`.
    #[doc(alias = "niddConfigResponse")]
    pub config: Option<NiddReport>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for NiddResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            notification: fields.take("niddMONotificationResponse"),
            delivery: fields.take("niddMTDeliveryResponse"),
            config: fields.take("niddConfigResponse"),
            other: fields.other(),
        }
    }
}

/// Data from a device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NiddMessage {
    /// The device's account.
    pub account_name: Option<String>,
    /// The device, by all identifiers that the network has of it.
    pub device_ids: Vec<DeviceId>,
    /// The data, in base64.
    pub message: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl NiddMessage {
    /// The data. `None` if there is none, or if it is not base64.
    ///
    /// In some messages from the field the last signs stand as `\u003d`, which JSON had
    /// already read: they are taken for `=`.
    pub fn data(&self) -> Option<Vec<u8>> {
        let text = self.message.as_deref()?.trim().replace("\\u003d", "=");
        BASE64_STANDARD.decode(text).ok()
    }
}

impl Model for NiddMessage {
    fn read(fields: &mut Fields) -> Self {
        Self {
            account_name: fields.take("accountName"),
            device_ids: fields.list("deviceIds"),
            message: fields.take("message"),
            other: fields.other(),
        }
    }
}

/// A report about a device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NiddReport {
    /// The device's account.
    pub account_name: Option<String>,
    /// The device, by all identifiers that the network has of it.
    pub device_ids: Vec<DeviceId>,
    /// The reason why there is no success, or not yet, such as
    /// `Buffered, device not reachable`.
    pub reason: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for NiddReport {
    fn read(fields: &mut Fields) -> Self {
        Self {
            account_name: fields.take("accountName"),
            device_ids: fields.list("deviceIds"),
            reason: fields.take("reason"),
            other: fields.other(),
        }
    }
}
