//! eUICC profiles: downloaded, enabled, disabled and deleted on devices.
//!
//! All five calls have the same body, `ProfileChangeStateRequest`.

use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    connectivity::{ConnectivityCall, Route},
};
use crate::model::DeviceList;

/// Downloads a profile to devices and enables it:
/// `POST /m2m/v1/devices/profile/actions/download_enable`.
#[doc(alias = "download_local_profile_to_enable")]
#[doc(alias = "ProfileChangeStateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DownloadLocalProfileToEnable {
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The object identifier of the SM-SR, which manages the eUICC.
    pub smsr_oid: String,
}

impl DownloadLocalProfileToEnable {
    /// Downloads it to these devices.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<DeviceList>>,
        smsr_oid: impl Into<String>,
    ) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            smsr_oid: smsr_oid.into(),
        }
    }
}

impl ConnectivityCall for DownloadLocalProfileToEnable {
    type Response = DeviceManagementResult;
    // Once: sent again, it would download a second profile.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/download_enable");
}

/// Downloads a profile to devices and leaves it disabled:
/// `POST /m2m/v1/devices/profile/actions/download_disable`.
#[doc(alias = "download_local_profile_to_disable")]
#[doc(alias = "ProfileChangeStateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DownloadLocalProfileToDisable {
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The object identifier of the SM-SR, which manages the eUICC.
    pub smsr_oid: String,
}

impl DownloadLocalProfileToDisable {
    /// Downloads it to these devices.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<DeviceList>>,
        smsr_oid: impl Into<String>,
    ) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            smsr_oid: smsr_oid.into(),
        }
    }
}

impl ConnectivityCall for DownloadLocalProfileToDisable {
    type Response = DeviceManagementResult;
    // Once: sent again, it would download a second profile.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/download_disable");
}

/// Enables the profile of devices: `POST /m2m/v1/devices/profile/actions/enable`.
#[doc(alias = "enable_local_profile")]
#[doc(alias = "ProfileChangeStateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EnableLocalProfile {
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The object identifier of the SM-SR, which manages the eUICC.
    pub smsr_oid: String,
}

impl EnableLocalProfile {
    /// Enables that of these devices.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<DeviceList>>,
        smsr_oid: impl Into<String>,
    ) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            smsr_oid: smsr_oid.into(),
        }
    }
}

impl ConnectivityCall for EnableLocalProfile {
    type Response = DeviceManagementResult;
    // Once: sent again, it could enable a profile that was disabled since.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/enable");
}

/// Disables the profile of devices: `POST /m2m/v1/devices/profile/actions/disable`.
#[doc(alias = "disable_local_profile")]
#[doc(alias = "ProfileChangeStateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DisableLocalProfile {
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The object identifier of the SM-SR, which manages the eUICC.
    pub smsr_oid: String,
}

impl DisableLocalProfile {
    /// Disables that of these devices.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<DeviceList>>,
        smsr_oid: impl Into<String>,
    ) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            smsr_oid: smsr_oid.into(),
        }
    }
}

impl ConnectivityCall for DisableLocalProfile {
    type Response = DeviceManagementResult;
    // Once: sent again, it could disable a profile that was enabled since.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/disable");
}

/// Deletes the profile of devices: `POST /m2m/v1/devices/profile/actions/delete`.
#[doc(alias = "delete_local_profile")]
#[doc(alias = "ProfileChangeStateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeleteLocalProfile {
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The object identifier of the SM-SR, which manages the eUICC.
    pub smsr_oid: String,
}

impl DeleteLocalProfile {
    /// Deletes that of these devices.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<DeviceList>>,
        smsr_oid: impl Into<String>,
    ) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            smsr_oid: smsr_oid.into(),
        }
    }
}

impl ConnectivityCall for DeleteLocalProfile {
    type Response = DeviceManagementResult;
    // Once: sent again, it could delete a profile that was downloaded since.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/delete");
}
