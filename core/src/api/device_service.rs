//! The service of devices: activated, suspended, restored, changed, moved and deactivated.
//!
//! What else there is to do with devices is in [`devices`](super::devices). All of these
//! end later: each returns a request, whose outcome comes for every device by itself.

use serde::Serialize;
use serde_json::Value;

use super::{
    account_requests::DeviceManagementResult,
    batches::Batched,
    connectivity::{ConnectivityCall, Route},
};
use crate::model::{
    AccountDeviceList, CustomFields, DateTime, PlaceOfUse, PublicIpRestriction, ReasonCode,
};

/// Activates the service of devices: `POST /m2m/v1/devices/actions/activate`.
///
/// Devices that the account does not have yet are added to it.
#[doc(alias = "activate_service_for_devices")]
#[doc(alias = "CarrierActivateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActivateServiceForDevices {
    /// The devices, at most 10,000.
    pub devices: Vec<AccountDeviceList>,
    /// The service plan, by its code.
    pub service_plan: String,
    /// The postal code of the place where they are used. The telephone number is taken from
    /// there, if the account is set up for it.
    pub mdn_zip_code: String,
    /// The account.
    pub account_name: Option<String>,
    /// The pool from which their addresses are taken.
    pub carrier_ip_pool_name: Option<String>,
    /// The carrier, such as `Verizon Wireless`.
    pub carrier_name: Option<String>,
    /// The cost center.
    pub cost_center_code: Option<String>,
    /// Custom fields for all of them. A value has up to 50 characters.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// Their group.
    pub group_name: Option<String>,
    /// The lead, by its id. It has to be qualified or won.
    pub lead_id: Option<String>,
    /// The place and the customer; those of the account without.
    pub primary_place_of_use: Option<PlaceOfUse>,
    /// The reach of devices that have a static public address.
    pub public_ip_restriction: Option<PublicIpRestriction>,
    /// The stock keeping unit of devices with an embedded SIM. All are of the same type then.
    pub sku_number: Option<String>,
}

impl ActivateServiceForDevices {
    /// Activates these devices, with this plan, in this place.
    pub fn new(
        devices: impl Into<Vec<AccountDeviceList>>,
        service_plan: impl Into<String>,
        mdn_zip_code: impl Into<String>,
    ) -> Self {
        Self {
            devices: devices.into(),
            service_plan: service_plan.into(),
            mdn_zip_code: mdn_zip_code.into(),
            account_name: None,
            carrier_ip_pool_name: None,
            carrier_name: None,
            cost_center_code: None,
            custom_fields: None,
            group_name: None,
            lead_id: None,
            primary_place_of_use: None,
            public_ip_restriction: None,
            sku_number: None,
        }
    }
}

impl ConnectivityCall for ActivateServiceForDevices {
    type Response = DeviceManagementResult;
    // Once: a second one would begin another activation, and service costs money.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/activate");
}

impl Batched for ActivateServiceForDevices {
    type Device = AccountDeviceList;
    const MAX_DEVICES: usize = 10_000;

    fn devices(&mut self) -> Option<&mut Vec<AccountDeviceList>> {
        Some(&mut self.devices)
    }
}

/// Ends the service of devices: `POST /m2m/v1/devices/actions/deactivate`.
///
/// Depending on the contract it costs a fee.
#[doc(alias = "deactivate_service_for_devices")]
#[doc(alias = "CarrierDeactivateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeactivateServiceForDevices {
    /// The account.
    pub account_name: String,
    /// The devices.
    pub devices: Vec<AccountDeviceList>,
    /// The reason. The only valid one is [`ReasonCode::FF`].
    pub reason_code: ReasonCode,
    /// Chooses devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// True to waive the fee for an early end, if the contract allows it.
    pub etf_waiver: Option<bool>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// Chooses the devices with this service plan, by its name.
    pub service_plan: Option<String>,
    /// True to delete the devices from the account, too.
    pub delete_after_deactivation: Option<bool>,
}

impl DeactivateServiceForDevices {
    /// Ends the service of these devices, for the reason that is the only valid one.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<AccountDeviceList>>,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            devices: devices.into(),
            reason_code: ReasonCode::FF,
            custom_fields: None,
            etf_waiver: None,
            group_name: None,
            service_plan: None,
            delete_after_deactivation: None,
        }
    }
}

impl ConnectivityCall for DeactivateServiceForDevices {
    type Response = DeviceManagementResult;
    // Once: a second one could end a service that was activated again in between.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/deactivate");
}

/// Moves active devices to another account of the same customer:
/// `PUT /m2m/v1/devices/actions/move`.
///
/// It names the devices, or chooses them by its other fields.
#[doc(alias = "move_devices_within_accounts_of_profile")]
#[doc(alias = "MoveDeviceRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MoveDevicesWithinAccountsOfProfile {
    /// The account to which they move.
    pub account_name: String,
    /// Chooses devices, by the account in which they are, among others.
    pub filter: Option<DeviceFilter>,
    /// Chooses devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The devices, at most 10,000.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// The pool from which their addresses are taken.
    pub carrier_ip_pool_name: Option<String>,
    /// The service plan that they get, by its code.
    pub service_plan: Option<String>,
}

impl MoveDevicesWithinAccountsOfProfile {
    /// Moves devices to this account. It names no device yet.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            filter: None,
            custom_fields: None,
            devices: None,
            group_name: None,
            carrier_ip_pool_name: None,
            service_plan: None,
        }
    }
}

impl ConnectivityCall for MoveDevicesWithinAccountsOfProfile {
    type Response = DeviceManagementResult;
    // Once: sent again, it would not find the devices in the account that they have left.
    const ROUTE: Route = Route::put("/m2m/v1/devices/actions/move");
}

impl Batched for MoveDevicesWithinAccountsOfProfile {
    type Device = AccountDeviceList;
    const MAX_DEVICES: usize = 10_000;

    fn devices(&mut self) -> Option<&mut Vec<AccountDeviceList>> {
        self.devices.as_mut()
    }
}

/// Brings devices into a state of one of the account's services:
/// `PUT /m2m/v1/devices/actions/gotostate`.
///
/// It names the devices, or chooses them by a filter. The services and their states are
/// listed by [`ListAccountStatesAndServices`](super::accounts::ListAccountStatesAndServices).
#[doc(alias = "update_devices_state")]
#[doc(alias = "GoToStateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateDevicesState {
    /// The service.
    pub service_name: String,
    /// The state.
    pub state_name: String,
    /// The service plan, by its code.
    pub service_plan: String,
    /// The postal code of the place where they are used.
    pub mdn_zip_code: String,
    /// The devices, at most 10,000.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// Chooses devices.
    pub filter: Option<DeviceFilter>,
    /// The pool from which their addresses are taken.
    pub carrier_ip_pool_name: Option<String>,
    /// The reach of devices that have a static public address.
    pub public_ip_restriction: Option<PublicIpRestriction>,
    /// The stock keeping unit of devices with an embedded SIM. All are of the same type then.
    pub sku_number: Option<String>,
    /// Custom fields for all of them.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// Devices of fixed wireless access with their addresses. The form is not documented.
    pub devices_with_service_address: Option<Vec<Value>>,
    /// The address of the device.
    pub ip_address: Option<String>,
    /// Their group.
    pub group_name: Option<String>,
    /// The place and the customer; those of the account without.
    pub primary_place_of_use: Option<PlaceOfUse>,
}

impl UpdateDevicesState {
    /// Brings devices into this state of this service, with this plan, in this place. It
    /// names no device yet.
    pub fn new(
        service_name: impl Into<String>,
        state_name: impl Into<String>,
        service_plan: impl Into<String>,
        mdn_zip_code: impl Into<String>,
    ) -> Self {
        Self {
            service_name: service_name.into(),
            state_name: state_name.into(),
            service_plan: service_plan.into(),
            mdn_zip_code: mdn_zip_code.into(),
            devices: None,
            filter: None,
            carrier_ip_pool_name: None,
            public_ip_restriction: None,
            sku_number: None,
            custom_fields: None,
            devices_with_service_address: None,
            ip_address: None,
            group_name: None,
            primary_place_of_use: None,
        }
    }
}

impl ConnectivityCall for UpdateDevicesState {
    type Response = DeviceManagementResult;
    // Once: each begins an action, such as an activation.
    const ROUTE: Route = Route::put("/m2m/v1/devices/actions/gotostate");
}

impl Batched for UpdateDevicesState {
    type Device = AccountDeviceList;
    const MAX_DEVICES: usize = 10_000;

    fn devices(&mut self) -> Option<&mut Vec<AccountDeviceList>> {
        self.devices.as_mut()
    }
}

/// Changes the service plan of devices: `PUT /m2m/v1/devices/actions/plan`.
///
/// It names the devices, or chooses them by its other fields.
#[doc(alias = "change_devices_service_plan")]
#[doc(alias = "ServicePlanUpdateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChangeDevicesServicePlan {
    /// The new service plan, by its code.
    pub service_plan: String,
    /// The account.
    pub account_name: Option<String>,
    /// Chooses the devices with this service plan, by its name.
    pub current_service_plan: Option<String>,
    /// Chooses devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The devices.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// The pool from which their addresses are taken: 3 to 32 letters and digits.
    pub carrier_ip_pool_name: Option<String>,
    /// The time of the change.
    pub take_effect: Option<DateTime>,
}

impl ChangeDevicesServicePlan {
    /// Changes the plan to this one. It names no device yet.
    pub fn new(service_plan: impl Into<String>) -> Self {
        Self {
            service_plan: service_plan.into(),
            account_name: None,
            current_service_plan: None,
            custom_fields: None,
            devices: None,
            group_name: None,
            carrier_ip_pool_name: None,
            take_effect: None,
        }
    }
}

impl ConnectivityCall for ChangeDevicesServicePlan {
    type Response = DeviceManagementResult;
    // Once: a late one could undo a change that came after it, and plans cost money.
    const ROUTE: Route = Route::put("/m2m/v1/devices/actions/plan");
}

/// Suspends the service of devices: `POST /m2m/v1/devices/actions/suspend`.
///
/// It names the devices, or chooses them by its other fields. Nothing is documented of
/// one that does neither.
#[doc(alias = "suspend_service_for_devices")]
#[doc(alias = "CarrierActionsRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SuspendServiceForDevices {
    /// The account.
    pub account_name: Option<String>,
    /// Chooses devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The devices.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// True if they are billed while they are suspended. The documentation quotes the
    /// values as text, and has the type of a boolean.
    pub with_billing: Option<bool>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// Chooses the devices with this service plan, by its name.
    pub service_plan: Option<String>,
}

impl SuspendServiceForDevices {
    /// Suspends these devices.
    pub fn new(devices: impl Into<Vec<AccountDeviceList>>) -> Self {
        Self {
            devices: Some(devices.into()),
            ..Self::default()
        }
    }
}

impl ConnectivityCall for SuspendServiceForDevices {
    type Response = DeviceManagementResult;
    // Once: a second one could suspend devices that were restored in between.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/suspend");
}

/// Restores the service of suspended devices: `POST /m2m/v1/devices/actions/restore`.
///
/// It names the devices, or chooses them by its other fields. Nothing is documented of
/// one that does neither.
#[doc(alias = "restore_service_for_suspended_devices")]
#[doc(alias = "CarrierActionsRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RestoreServiceForSuspendedDevices {
    /// The account.
    pub account_name: Option<String>,
    /// Chooses devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The devices.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// In the model that this call shares with [`SuspendServiceForDevices`]; only there it
    /// has a meaning.
    pub with_billing: Option<bool>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// Chooses the devices with this service plan, by its name.
    pub service_plan: Option<String>,
}

impl RestoreServiceForSuspendedDevices {
    /// Restores these devices.
    pub fn new(devices: impl Into<Vec<AccountDeviceList>>) -> Self {
        Self {
            devices: Some(devices.into()),
            ..Self::default()
        }
    }
}

impl ConnectivityCall for RestoreServiceForSuspendedDevices {
    type Response = DeviceManagementResult;
    // Once: a second one could restore devices that were suspended again in between.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/restore");
}

/// A choice of devices, by the fields that are set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceFilter {
    /// The account. It is `account` here, and `accountName` everywhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// The service plan, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_plan: Option<String>,
    /// The custom fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Vec<CustomFields>>,
}

impl DeviceFilter {
    /// The devices of this account.
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: Some(account.into()),
            ..Self::default()
        }
    }
}
