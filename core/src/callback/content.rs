//! The content of each service's messages.
//!
//! No SDK has models of it. Verizon's pages have examples for few services; programs of
//! customers that receive messages show some more. Each type says where its fields are
//! from, and what is open stays as it came.

use serde_json::Value;

use super::fault::FaultResponse;
use crate::model::{CarrierState, DateTime, DeviceId, Fields, Model, Other};

/// The content of the messages of one service. See
/// [`CallbackMessage::content`](super::CallbackMessage::content).
pub trait CallbackContent: Model + Default {
    /// The name by which a listener is registered for the service.
    const SERVICE: &'static str;
}

/// The content of a message of `CarrierService`: the outcome of an action on one device,
/// such as its activation, suspension, restoration, deactivation or change of its ids.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CarrierService {
    /// The outcome.
    pub device_response: Option<CarrierResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl CallbackContent for CarrierService {
    const SERVICE: &'static str = "CarrierService";
}

impl Model for CarrierService {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_response: fields.take("deviceResponse"),
            other: fields.other(),
        }
    }
}

/// The outcome of an action on a device, in the field of that action.
///
/// The names are those that customers' programs read; of the change of ids Verizon has an
/// example. Those of other actions, such as a change of the service plan, are open.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CarrierResponse {
    /// The outcome of an activation.
    pub activate: Option<ActivateResponse>,
    /// The outcome of a suspension.
    pub suspend: Option<SuspendResponse>,
    /// The outcome of a restoration. Its form is open.
    pub restore: Option<Value>,
    /// The outcome of a deactivation. Its form is open.
    pub deactivate: Option<Value>,
    /// The outcome of a change of ids.
    pub change_identifier: Option<ChangeIdentifierResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for CarrierResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            activate: fields.take("activateResponse"),
            suspend: fields.take("suspendResponse"),
            restore: fields.take("restoreResponse"),
            deactivate: fields.take("deactivateResponse"),
            change_identifier: fields.take("changeIdentifierResponse"),
            other: fields.other(),
        }
    }
}

/// A device that was activated.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ActivateResponse {
    /// Its identifiers, the new telephone number among them.
    pub device_ids: Vec<DeviceId>,
    /// Its IP address.
    pub ip_address: Option<String>,
    /// Its service plan.
    pub service_plan: Option<String>,
    /// Its state.
    pub state: Option<CarrierState>,
    /// Codes of its features.
    pub feature_codes: Vec<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for ActivateResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            ip_address: fields.take("ipAddress"),
            service_plan: fields.take("servicePlan"),
            state: fields.take("state"),
            feature_codes: fields.list("featureCodes"),
            other: fields.other(),
        }
    }
}

/// A device that was suspended. It will be in service again without being asked.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SuspendResponse {
    /// The time when it will be in service again.
    pub expected_resume_date: Option<DateTime>,
    /// The most days of this suspension.
    pub max_suspend_days_allowed: Option<i64>,
    /// The days that it may still be suspended in the current 12 months.
    pub days_allowed_current_12_months: Option<i64>,
    /// The days that it was suspended in the last 12 months.
    pub days_suspended_last_12_months: Option<i64>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for SuspendResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            expected_resume_date: fields.take("expectedResumeDate"),
            max_suspend_days_allowed: fields.take("maxSuspendDaysAllowed"),
            days_allowed_current_12_months: fields.take("numDaysSuspendAllowedCurrent12Months"),
            days_suspended_last_12_months: fields.take("numDaysSuspendedLast12Months"),
            other: fields.other(),
        }
    }
}

/// A device whose ids were changed.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChangeIdentifierResponse {
    /// The new identifiers.
    pub device_ids: Vec<DeviceId>,
    /// The new service plan, if it was changed, too.
    pub service_plan: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for ChangeIdentifierResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            service_plan: fields.take("servicePlan"),
            other: fields.other(),
        }
    }
}

/// The content of a message of `DeviceUsage`: the response to an aggregate usage request.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceUsage {
    /// The response.
    pub device_response: Option<UsageResponses>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl CallbackContent for DeviceUsage {
    const SERVICE: &'static str = "DeviceUsage";
}

impl Model for DeviceUsage {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_response: fields.take("deviceResponse"),
            other: fields.other(),
        }
    }
}

/// The usage of devices.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UsageResponses {
    /// The usage of each device.
    pub usage: Vec<UsageResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for UsageResponses {
    fn read(fields: &mut Fields) -> Self {
        Self {
            usage: fields.list("usageResponse"),
            other: fields.other(),
        }
    }
}

/// The usage of a device. That it is of a list, and names the device, is documented for
/// devices with an EID; the names of its amounts are open.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UsageResponse {
    /// The device.
    pub device_ids: Vec<DeviceId>,
    /// The amounts.
    pub other: Other,
}

impl Model for UsageResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            other: fields.other(),
        }
    }
}

/// The content of a message of `EnhancedConnectivityService`: a text message from a
/// device, or the delivery of one to a device.
///
/// The names are those that customers' programs read.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EnhancedConnectivityService {
    /// The text of a message from a device.
    pub sms_message: Option<String>,
    /// The response to a text message to a device.
    pub device_response: Option<SmsResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl CallbackContent for EnhancedConnectivityService {
    const SERVICE: &'static str = "EnhancedConnectivityService";
}

impl Model for EnhancedConnectivityService {
    fn read(fields: &mut Fields) -> Self {
        Self {
            sms_message: fields.take("smsMessage"),
            device_response: fields.take("deviceResponse"),
            other: fields.other(),
        }
    }
}

/// The response to a text message to a device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SmsResponse {
    /// The delivery.
    pub sms_delivery: Option<SmsDeliveryResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for SmsResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            sms_delivery: fields.take("smsDeliveryResponse"),
            other: fields.other(),
        }
    }
}

/// The delivery of a text message to a device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SmsDeliveryResponse {
    /// The confirmation. Its values are open.
    pub confirmation: Option<String>,
    /// The reason why it was not delivered.
    pub fault: Option<FaultResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for SmsDeliveryResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            confirmation: fields.take("confirmation"),
            fault: fields.take("faultResponse"),
            other: fields.other(),
        }
    }
}

/// The content of a message of `DevicePRLInformation`: the version of the list of networks
/// that a device prefers. No 4G device has one.
///
/// The names are those that customers' programs read.
#[derive(Clone, Debug, Default, PartialEq)]
#[doc(alias = "DevicePRLInformation")]
#[non_exhaustive]
pub struct DevicePrlInformation {
    /// The response.
    pub device_response: Option<PrlResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl CallbackContent for DevicePrlInformation {
    const SERVICE: &'static str = "DevicePRLInformation";
}

impl Model for DevicePrlInformation {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_response: fields.take("deviceResponse"),
            other: fields.other(),
        }
    }
}

/// The response of a device about its list of networks.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PrlResponse {
    /// The list.
    pub prl_information: Option<PrlInformationResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for PrlResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            prl_information: fields.take("prlInformationResponse"),
            other: fields.other(),
        }
    }
}

/// The list of networks that a device prefers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PrlInformationResponse {
    /// Its version.
    pub prl_version: Option<String>,
    /// The reason why it is not known.
    pub fault: Option<FaultResponse>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for PrlInformationResponse {
    fn read(fields: &mut Fields) -> Self {
        Self {
            prl_version: fields.take("prlVersion"),
            fault: fields.take("faultResponse"),
            other: fields.other(),
        }
    }
}

/// The content of a message of `DeviceSuspensionStatus`, whole.
///
/// Documented in prose: the device's state, the days when it was suspended and will be in
/// service again, the days that its reason code gives it, and those of the last and the
/// current 12 months. The names of these fields are open.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceSuspensionStatus {
    /// All fields.
    pub other: Other,
}

impl CallbackContent for DeviceSuspensionStatus {
    const SERVICE: &'static str = "DeviceSuspensionStatus";
}

impl Model for DeviceSuspensionStatus {
    fn read(fields: &mut Fields) -> Self {
        let other = fields.other();
        Self { other }
    }
}

/// The content of a message of `DeviceService`, whole: devices that were uploaded, or that
/// may be activated. The names of its fields are open.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceService {
    /// All fields.
    pub other: Other,
}

impl CallbackContent for DeviceService {
    const SERVICE: &'static str = "DeviceService";
}

impl Model for DeviceService {
    fn read(fields: &mut Fields) -> Self {
        let other = fields.other();
        Self { other }
    }
}

/// The content of a message of `ExternalProvisioningChanges`, whole: a change of a device
/// that was made elsewhere, such as in a portal or by the device itself.
///
/// The older SOAP interface documents the tool that made the change, the change and the
/// device as it is now. The names of these fields in JSON are open.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExternalProvisioningChanges {
    /// All fields.
    pub other: Other,
}

impl CallbackContent for ExternalProvisioningChanges {
    const SERVICE: &'static str = "ExternalProvisioningChanges";
}

impl Model for ExternalProvisioningChanges {
    fn read(fields: &mut Fields) -> Self {
        let other = fields.other();
        Self { other }
    }
}

/// The content of a message of `AlertService`, whole: a trigger whose condition is met.
/// The names of its fields are open. `AlertsService` is another spelling of the service.
#[derive(Clone, Debug, Default, PartialEq)]
#[doc(alias = "AlertsService")]
#[non_exhaustive]
pub struct AlertService {
    /// All fields.
    pub other: Other,
}

impl CallbackContent for AlertService {
    const SERVICE: &'static str = "AlertService";
}

impl Model for AlertService {
    fn read(fields: &mut Fields) -> Self {
        let other = fields.other();
        Self { other }
    }
}

/// The content of a message of `DiagnosticsService`, whole: a device that can or can't be
/// reached, or a monitor of it that was begun or ended. The names of its fields are open.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DiagnosticsService {
    /// All fields.
    pub other: Other,
}

impl CallbackContent for DiagnosticsService {
    const SERVICE: &'static str = "DiagnosticsService";
}

impl Model for DiagnosticsService {
    fn read(fields: &mut Fields) -> Self {
        let other = fields.other();
        Self { other }
    }
}
