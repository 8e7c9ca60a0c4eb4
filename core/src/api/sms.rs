//! Text messages: to devices, and from them.

use std::borrow::Cow;

use http::Response;
use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    connectivity::{ConnectivityCall, Route},
    device_groups::ConnectivityManagementSuccessResult,
    paging::{Paged, next_in_location},
};
use crate::model::{CustomFields, DataEncoding, DateTime, DeviceId, Fields, Model, Other};

/// Sends a text message to devices: `POST /m2m/v1/sms`.
///
/// The devices are named, or those of the account that all the other fields select.
#[doc(alias = "send_sms_to_device")]
#[doc(alias = "SMSSendRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SendSmsToDevice {
    /// The account.
    pub account_name: String,
    /// The message: at most 160 characters of 7 bits, or 140 of 8 bits.
    pub sms_message: String,
    /// Devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The encoding of the message; [`SEVEN_BIT`](DataEncoding::SEVEN_BIT) without.
    pub data_encoding: Option<DataEncoding>,
    /// The devices.
    pub device_ids: Option<Vec<DeviceId>>,
    /// Devices of this group.
    pub group_name: Option<String>,
    /// Devices with this service plan.
    pub service_plan: Option<String>,
    /// The time for which delivery is tried, if it is less than the usual five days. A
    /// text, of a form that is not documented.
    pub time_to_live: Option<String>,
}

impl SendSmsToDevice {
    /// Sends this message to devices of this account.
    pub fn new(account_name: impl Into<String>, sms_message: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            sms_message: sms_message.into(),
            custom_fields: None,
            data_encoding: None,
            device_ids: None,
            group_name: None,
            service_plan: None,
            time_to_live: None,
        }
    }
}

impl ConnectivityCall for SendSmsToDevice {
    type Response = DeviceManagementResult;
    // Once: sent again, it would be a second message.
    const ROUTE: Route = Route::post("/m2m/v1/sms");
}

/// Lists the messages that devices of an account sent, a page at a time:
/// `GET /m2m/v1/sms/{aname}/history`.
#[doc(alias = "list_devices_sms_messages")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListDevicesSmsMessages {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The page, by what the page before it said; the first one without.
    #[serde(skip)]
    pub next: Option<String>,
}

impl ListDevicesSmsMessages {
    /// Lists the messages of this account's devices.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            next: None,
        }
    }
}

impl ConnectivityCall for ListDevicesSmsMessages {
    type Response = SmsMessagesQueryResult;
    const ROUTE: Route = Route::get("/m2m/v1/sms/{aname}/history");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }

    fn query(&self) -> Vec<(Cow<'static, str>, &str)> {
        self.next
            .iter()
            .map(|next| ("next".into(), &**next))
            .collect()
    }
}

impl Paged for ListDevicesSmsMessages {
    type Item = SmsMessage;

    fn items(page: SmsMessagesQueryResult) -> Vec<SmsMessage> {
        page.messages
    }

    fn cursor(&self) -> Option<String> {
        self.next.clone()
    }

    fn next(&self, page: &Response<SmsMessagesQueryResult>) -> Option<Self> {
        let next = next_in_location(page, page.body().has_more_data)?;
        Some(Self {
            next: Some(next),
            ..self.clone()
        })
    }
}

/// Starts the delivery of the messages from devices that wait for a listener:
/// `PUT /m2m/v1/sms/{aname}/startCallbacks`.
///
/// They go to the listener that is registered for
/// [`ENHANCED_CONNECTIVITY_SERVICE`](crate::model::CallbackService::ENHANCED_CONNECTIVITY_SERVICE).
#[doc(alias = "start_queued_sms_delivery")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StartQueuedSmsDelivery {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
}

impl StartQueuedSmsDelivery {
    /// Delivers the messages of this account's devices.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
        }
    }
}

impl ConnectivityCall for StartQueuedSmsDelivery {
    type Response = ConnectivityManagementSuccessResult;
    // Once: it begins an action, and nothing says what a second one does to the first.
    const ROUTE: Route = Route::put("/m2m/v1/sms/{aname}/startCallbacks").without_body();

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// One page of [`ListDevicesSmsMessages`]: at most 100 messages.
#[doc(alias = "SMSMessagesQueryResult")]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SmsMessagesQueryResult {
    /// True if another page follows; the status is 202 then.
    pub has_more_data: Option<bool>,
    /// The messages.
    pub messages: Vec<SmsMessage>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for SmsMessagesQueryResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            has_more_data: fields.take("hasMoreData"),
            messages: fields.list("messages"),
            other: fields.other(),
        }
    }
}

/// A text message from a device.
#[doc(alias = "SMSMessage")]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SmsMessage {
    /// The device.
    pub device_ids: Vec<DeviceId>,
    /// The message.
    pub message: Option<String>,
    /// The time.
    pub timestamp: Option<DateTime>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for SmsMessage {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            message: fields.take("message"),
            timestamp: fields.take("timestamp"),
            other: fields.other(),
        }
    }
}
