//! Device profiles: devices activated and deactivated by the profile of their eUICC.

use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    batches::Batched,
    connectivity::{ConnectivityCall, Route},
};
use crate::model::{Address, CustomerName, DeviceId, DeviceList, ReasonCode};

/// Activates devices and enables their profile:
/// `POST /m2m/v1/devices/profile/actions/activate_enable`.
#[doc(alias = "activate_device_through_profile")]
#[doc(alias = "ActivateDeviceProfileRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActivateDeviceThroughProfile {
    /// The devices, at most 100.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The service plan.
    pub service_plan: Option<String>,
    /// The postal code of the place from which the telephone number is chosen.
    pub mdn_zip_code: Option<String>,
}

impl ActivateDeviceThroughProfile {
    /// Activates these devices.
    pub fn new(account_name: impl Into<String>, devices: impl Into<Vec<DeviceList>>) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            service_plan: None,
            mdn_zip_code: None,
        }
    }
}

impl ConnectivityCall for ActivateDeviceThroughProfile {
    type Response = DeviceManagementResult;
    // Once: sent again, it could activate devices that were deactivated since.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/activate_enable");
}

impl Batched for ActivateDeviceThroughProfile {
    type Device = DeviceList;
    const MAX_DEVICES: usize = 100;

    fn devices(&mut self) -> Option<&mut Vec<DeviceList>> {
        Some(&mut self.devices)
    }
}

/// Activates devices with a profile: `POST /m2m/v1/devices/profile/actions/activate`.
#[doc(alias = "profile_to_activate_device")]
#[doc(alias = "ProfileRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileToActivateDevice {
    /// The account.
    pub account_name: String,
    /// The devices, at most 100.
    pub devices: Vec<DeviceList>,
    /// The carrier.
    pub carrier_name: Option<String>,
    /// The service plan.
    pub service_plan: Option<String>,
    /// The postal code of the place from which the telephone number is chosen.
    pub mdn_zip_code: Option<String>,
    /// The places where the devices are used, and the customers.
    pub primary_place_of_use: Option<Vec<PrimaryPlaceOfUse>>,
    /// The object identifier of the SM-SR, which manages the eUICC: 3 to 46 digits and
    /// dots here.
    pub smsr_oid: Option<String>,
    /// The pool of addresses.
    pub carrier_ip_pool_name: Option<String>,
}

impl ProfileToActivateDevice {
    /// Activates these devices.
    pub fn new(account_name: impl Into<String>, devices: impl Into<Vec<DeviceList>>) -> Self {
        Self {
            account_name: account_name.into(),
            devices: devices.into(),
            carrier_name: None,
            service_plan: None,
            mdn_zip_code: None,
            primary_place_of_use: None,
            smsr_oid: None,
            carrier_ip_pool_name: None,
        }
    }
}

impl ConnectivityCall for ProfileToActivateDevice {
    type Response = DeviceManagementResult;
    // Once: sent again, it could activate devices that were deactivated since.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/activate");
}

impl Batched for ProfileToActivateDevice {
    type Device = DeviceList;
    const MAX_DEVICES: usize = 100;

    fn devices(&mut self) -> Option<&mut Vec<DeviceList>> {
        Some(&mut self.devices)
    }
}

/// Customers, or places where devices are used. An older SDK has both in one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PrimaryPlaceOfUse {
    /// Customers, at most five.
    CustomerName(Vec<CustomerName>),
    /// Addresses, at most five.
    Address(Vec<Address>),
}

/// Deactivates devices and their profile:
/// `POST /m2m/v1/devices/profile/actions/deactivate`.
#[doc(alias = "profile_to_deactivate_device")]
#[doc(alias = "DeactivateDeviceProfileRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileToDeactivateDevice {
    /// The account.
    pub account_name: String,
    /// The reason.
    pub reason_code: ReasonCode,
    /// The devices.
    pub devices: Option<Vec<DeactivateDeviceList>>,
    /// The carrier.
    pub carrier_name: Option<String>,
    /// True to waive the fee for an early end. The service's default is true.
    pub etf_waiver: Option<bool>,
    /// True to check for a fallback profile first. The service's default is false.
    pub check_fallback_profile: Option<bool>,
}

impl ProfileToDeactivateDevice {
    /// Deactivates devices of this account for this reason.
    pub fn new(account_name: impl Into<String>, reason_code: ReasonCode) -> Self {
        Self {
            account_name: account_name.into(),
            reason_code,
            devices: None,
            carrier_name: None,
            etf_waiver: None,
            check_fallback_profile: None,
        }
    }
}

impl ConnectivityCall for ProfileToDeactivateDevice {
    type Response = DeviceManagementResult;
    // Once: sent again, it could deactivate devices that were activated since.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/deactivate");
}

/// Identifiers of devices to deactivate, at most 100. The key is `ids`, and `deviceIds` in
/// every other list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeactivateDeviceList {
    /// The identifiers.
    pub ids: Vec<DeviceId>,
}

impl DeactivateDeviceList {
    /// The devices with these identifiers.
    pub fn new(ids: impl Into<Vec<DeviceId>>) -> Self {
        Self { ids: ids.into() }
    }
}

/// Makes the profile of devices the fallback:
/// `POST /m2m/v1/devices/profile/actions/setfallbackattribute`.
#[doc(alias = "profile_to_set_fallback_attribute")]
#[doc(alias = "SetFallbackAttributeRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileToSetFallbackAttribute {
    /// The devices, at most 100.
    pub devices: Vec<DeviceList>,
    /// The account.
    pub account_name: String,
    /// The carrier.
    pub carrier_name: Option<String>,
}

impl ProfileToSetFallbackAttribute {
    /// Sets it for these devices.
    pub fn new(account_name: impl Into<String>, devices: impl Into<Vec<DeviceList>>) -> Self {
        Self {
            devices: devices.into(),
            account_name: account_name.into(),
            carrier_name: None,
        }
    }
}

impl ConnectivityCall for ProfileToSetFallbackAttribute {
    type Response = DeviceManagementResult;
    // Once: it begins a request, and the id of a first one would be lost.
    const ROUTE: Route = Route::post("/m2m/v1/devices/profile/actions/setfallbackattribute");
}

impl Batched for ProfileToSetFallbackAttribute {
    type Device = DeviceList;
    const MAX_DEVICES: usize = 100;

    fn devices(&mut self) -> Option<&mut Vec<DeviceList>> {
        Some(&mut self.devices)
    }
}
