//! Reachability: monitors that tell when devices can be reached.

use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    connectivity::{ConnectivityCall, Route},
};
use crate::model::{AccountDeviceList, DateTime, DeviceId, DeviceList, ReachabilityRequestType};

/// Monitors the reachability of devices:
/// `POST /m2m/v1/diagnostics/basic/devicereachability`.
#[doc(alias = "device_reachability")]
#[doc(alias = "NotificationReportRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceReachability {
    /// The account.
    pub account_name: String,
    /// The kind of the monitor.
    pub request_type: ReachabilityRequestType,
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The end of the monitor. The documented example has both an offset and a `Z`.
    pub monitor_expiration_time: DateTime,
}

impl DeviceReachability {
    /// Monitors these devices until this time.
    pub fn new(
        account_name: impl Into<String>,
        request_type: ReachabilityRequestType,
        devices: impl Into<Vec<DeviceList>>,
        monitor_expiration_time: impl Into<DateTime>,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            request_type,
            devices: devices.into(),
            monitor_expiration_time: monitor_expiration_time.into(),
        }
    }
}

impl ConnectivityCall for DeviceReachability {
    type Response = DeviceManagementResult;
    // Once: sent again, it would be a second monitor.
    const ROUTE: Route = Route::post("/m2m/v1/diagnostics/basic/devicereachability");
}

/// Stops monitors of reachability:
/// `DELETE /m2m/v1/diagnostics/basic/devicereachability`.
///
/// Its body is the one on Verizon's own page. A newer SDK has none, and names devices in
/// the query. The outcome goes to the listener that is registered for
/// [`DIAGNOSTICS_SERVICE`](crate::model::CallbackService::DIAGNOSTICS_SERVICE).
#[doc(alias = "stop_device_reachability")]
#[doc(alias = "StopMonitorRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopDeviceReachability {
    /// The account.
    pub account_name: String,
    /// The monitors.
    pub monitor_ids: Vec<String>,
}

impl StopDeviceReachability {
    /// Stops these monitors.
    pub fn new(account_name: impl Into<String>, monitor_ids: impl Into<Vec<String>>) -> Self {
        Self {
            account_name: account_name.into(),
            monitor_ids: monitor_ids.into(),
        }
    }
}

impl ConnectivityCall for StopDeviceReachability {
    type Response = DeviceManagementResult;
    // Once: it begins a request, and the id of a first one would be lost.
    const ROUTE: Route = Route::delete("/m2m/v1/diagnostics/basic/devicereachability");
}

/// Asks for the reachability of a device:
/// `POST /m2m/v1/diagnostics/basic/devicereachability/status`.
#[doc(alias = "device_reachability_status_using_post")]
#[doc(alias = "NotificationReportStatusRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceReachabilityStatus {
    /// The account.
    pub account_name: String,
    /// The device.
    pub device: DeviceId,
    /// The kind of the monitor.
    pub request_type: ReachabilityRequestType,
    /// The time until which the request is tried.
    pub request_expiration_time: Option<DateTime>,
}

impl DeviceReachabilityStatus {
    /// Asks for this device.
    pub fn new(
        account_name: impl Into<String>,
        device: DeviceId,
        request_type: ReachabilityRequestType,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            device,
            request_type,
            request_expiration_time: None,
        }
    }
}

impl ConnectivityCall for DeviceReachabilityStatus {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route =
        Route::post("/m2m/v1/diagnostics/basic/devicereachability/status").idempotent();
}

/// Asks for the monitors of devices:
/// `POST /m2m/v1/diagnostics/basic/devicereachability/monitors`.
#[doc(alias = "retrieve_active_monitors_using_post")]
#[doc(alias = "RetrieveMonitorsRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetrieveActiveMonitors {
    /// The account.
    pub account_name: String,
    /// The devices.
    pub devices: Vec<AccountDeviceList>,
    /// The kind of the monitors. No values are documented.
    pub monitor_type: Option<String>,
}

impl RetrieveActiveMonitors {
    /// Asks for the monitors of these devices.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<AccountDeviceList>>,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            devices: devices.into(),
            monitor_type: None,
        }
    }
}

impl ConnectivityCall for RetrieveActiveMonitors {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route =
        Route::post("/m2m/v1/diagnostics/basic/devicereachability/monitors").idempotent();
}
