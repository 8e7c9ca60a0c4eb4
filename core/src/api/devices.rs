//! Devices: added, listed, changed and deleted.
//!
//! What changes their service is in [`device_service`](super::device_service): activated,
//! suspended, restored, moved, deactivated.

use http::Response;
use serde::Serialize;
use serde_json::Value;

use super::{
    account_requests::DeviceManagementResult,
    batches::Batched,
    connectivity::{ConnectivityCall, Route},
    paging::Paged,
};
use crate::model::{
    AccountDeviceList, CarrierState, Change4gOption, CustomFields, DateTime, DeviceId,
    DeviceIdKind, Fields, List, Model, Other, PlaceOfUse,
};

/// Adds devices to an account: `POST /m2m/v1/devices/actions/add`.
///
/// An activation adds the devices that it names, too.
#[doc(alias = "add_devices")]
#[doc(alias = "AddDevicesRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AddDevices {
    /// Their state. The only valid one is [`CarrierState::PREACTIVE`].
    pub state: CarrierState,
    /// The devices.
    pub devices_to_add: Vec<AccountDeviceList>,
    /// The account.
    pub account_name: Option<String>,
    /// Custom fields for all of them.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// Their group. Without one they go into the default group.
    pub group_name: Option<String>,
    /// The stock keeping unit of devices with an embedded SIM.
    pub sku_number: Option<String>,
    /// 3 to 32 letters and digits.
    pub smsr_oid: Option<String>,
}

impl AddDevices {
    /// Adds these devices, in the state that is the only valid one.
    pub fn new(devices_to_add: impl Into<Vec<AccountDeviceList>>) -> Self {
        Self {
            state: CarrierState::PREACTIVE,
            devices_to_add: devices_to_add.into(),
            account_name: None,
            custom_fields: None,
            group_name: None,
            sku_number: None,
            smsr_oid: None,
        }
    }
}

impl ConnectivityCall for AddDevices {
    type Response = List<AddDevicesResult>;
    // Once: sent again, it would report devices as failed that it has added.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/add");
}

/// Changes the place where devices are used: `PUT /m2m/v1/devices/actions/contactInfo`.
///
/// The outcome is sent to the listener for `CarrierService`.
#[doc(alias = "update_devices_contact_information")]
#[doc(alias = "ContactInfoUpdateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateDevicesContactInformation {
    /// The place and the customer.
    pub primary_place_of_use: PlaceOfUse,
    /// The account.
    pub account_name: Option<String>,
    /// The devices.
    pub devices: Option<Vec<AccountDeviceList>>,
}

impl UpdateDevicesContactInformation {
    /// Changes the place to this one. It names no device yet.
    pub fn new(primary_place_of_use: PlaceOfUse) -> Self {
        Self {
            primary_place_of_use,
            account_name: None,
            devices: None,
        }
    }
}

impl ConnectivityCall for UpdateDevicesContactInformation {
    type Response = DeviceManagementResult;
    // Once: each begins a change, and a late one could undo what came after it.
    const ROUTE: Route = Route::put("/m2m/v1/devices/actions/contactInfo");
}

/// Changes custom fields of devices: `PUT /m2m/v1/devices/actions/customFields`.
///
/// It names the devices, or chooses them by its other fields. The outcome is sent to the
/// listener for `CarrierService`.
#[doc(alias = "update_devices_custom_fields")]
#[doc(alias = "CustomFieldsUpdateRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateDevicesCustomFields {
    /// The account. Needed only if the user has access to several.
    pub account_name: Option<String>,
    /// Chooses devices by the custom fields that they have now.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The fields to change, with their new values.
    pub custom_fields_to_update: Option<Vec<CustomFields>>,
    /// The devices.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// Chooses the devices with this service plan, by its name.
    pub service_plan: Option<String>,
}

impl UpdateDevicesCustomFields {
    /// Changes these fields of these devices.
    pub fn new(
        devices: impl Into<Vec<AccountDeviceList>>,
        custom_fields_to_update: impl Into<Vec<CustomFields>>,
    ) -> Self {
        Self {
            custom_fields_to_update: Some(custom_fields_to_update.into()),
            devices: Some(devices.into()),
            ..Self::default()
        }
    }
}

impl ConnectivityCall for UpdateDevicesCustomFields {
    type Response = DeviceManagementResult;
    // Once: after a first one, the values by which it chooses may be others.
    const ROUTE: Route = Route::put("/m2m/v1/devices/actions/customFields");
}

/// Deletes devices that are deactivated from the account:
/// `POST /m2m/v1/devices/actions/delete`.
#[doc(alias = "delete_deactivated_devices")]
#[doc(alias = "DeleteDevicesRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeleteDeactivatedDevices {
    /// The devices, at most 100.
    pub devices_to_delete: Vec<AccountDeviceList>,
    /// The account.
    pub account_name: Option<String>,
}

impl DeleteDeactivatedDevices {
    /// Deletes these devices.
    pub fn new(devices_to_delete: impl Into<Vec<AccountDeviceList>>) -> Self {
        Self {
            devices_to_delete: devices_to_delete.into(),
            account_name: None,
        }
    }
}

impl ConnectivityCall for DeleteDeactivatedDevices {
    type Response = List<DeleteDevicesResult>;
    // Once: sent again, it would report devices as failed that it has deleted.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/delete");
}

impl Batched for DeleteDeactivatedDevices {
    type Device = AccountDeviceList;
    const MAX_DEVICES: usize = 100;

    fn devices(&mut self) -> Option<&mut Vec<AccountDeviceList>> {
        Some(&mut self.devices_to_delete)
    }
}

/// Lists the devices of an account, a page at a time: `POST /m2m/v1/devices/actions/list`.
///
/// Fields that are set narrow the list.
#[doc(alias = "list_devices_information")]
#[doc(alias = "AccountDeviceListRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListDevicesInformation {
    /// The account.
    pub account_name: Option<String>,
    /// One device. Only then are its `extendedAttributes` complete.
    pub device_id: Option<DeviceId>,
    /// Devices by a part of their identifiers.
    pub filter: Option<AccountDeviceListFilter>,
    /// Devices in this state.
    pub current_state: Option<CarrierState>,
    /// Devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// Devices that were added to the account at this time or later.
    pub earliest: Option<DateTime>,
    /// Devices of this group.
    pub group_name: Option<String>,
    /// Devices that were added to the account at this time or earlier.
    pub latest: Option<DateTime>,
    /// Devices with this service plan, by its name.
    pub service_plan: Option<String>,
    /// The most devices on a page. Documented limits differ (100 and 500), so none is
    /// enforced here.
    pub max_number_of_devices: Option<i32>,
    /// The page, by the largest id on the page before it. The documented limits (0 to 100,
    /// and 0) can't be meant.
    pub largest_device_id_seen: Option<i64>,
}

impl ListDevicesInformation {
    /// Lists the devices of this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: Some(account_name.into()),
            ..Self::default()
        }
    }
}

impl ConnectivityCall for ListDevicesInformation {
    type Response = AccountDeviceListResult;
    // Twice is as good as once: a list, although by POST.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/list").idempotent();
}

/// Goes on by the largest id, where a page has it: no field is documented for it, and it was
/// seen in the field as the extended attribute `DeviceId`. Otherwise it goes on by the time
/// at which the last device was added, since a page is in this order. Where neither is
/// there, the next request is the same again, so that [`Pages`](super::Pages) says that the
/// list ended before its end.
impl Paged for ListDevicesInformation {
    type Item = ThingspaceDevice;

    /// A device may connect, or change its state, between two pages.
    fn is_same(one: &ThingspaceDevice, other: &ThingspaceDevice) -> bool {
        one.id() == other.id()
            && one.device_ids == other.device_ids
            && one.created_at == other.created_at
    }

    fn items(page: AccountDeviceListResult) -> Vec<ThingspaceDevice> {
        page.devices
    }

    fn cursor(&self) -> Option<String> {
        match self.largest_device_id_seen {
            Some(id) => Some(id.to_string()),
            None => self.earliest.as_ref().map(DateTime::to_string),
        }
    }

    fn overlaps(&self) -> bool {
        self.largest_device_id_seen.is_none()
    }

    fn next(&self, page: &Response<AccountDeviceListResult>) -> Option<Self> {
        let AccountDeviceListResult {
            devices,
            has_more_data,
            ..
        } = page.body();
        if *has_more_data != Some(true) {
            return None;
        }
        let mut next = self.clone();
        if let Some(id) = devices.iter().filter_map(ThingspaceDevice::id).max() {
            next.largest_device_id_seen = Some(id);
        } else if let Some(added) = devices.last().and_then(|last| last.created_at.clone()) {
            next.earliest = Some(added);
        }
        Some(next)
    }
}
/// Lists devices whose SIM card was activated in another device than expected:
/// `POST /m2m/v1/devices/actions/list/imeiiccidmismatch`.
///
/// Fields that are set narrow the list. It has no pages.
#[doc(alias = "list_devices_with_imei_iccid_mismatch")]
#[doc(alias = "DeviceMismatchListRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListDevicesWithImeiIccidMismatch {
    /// The time of the activation.
    pub filter: DateFilter,
    /// These devices, by ICCID or MDN.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// The account; all that the user has access to without one.
    pub account_name: Option<String>,
    /// Devices of this group.
    pub group_name: Option<String>,
}

impl ListDevicesWithImeiIccidMismatch {
    /// Lists the devices that were activated in this time.
    pub fn new(filter: DateFilter) -> Self {
        Self {
            filter,
            devices: None,
            account_name: None,
            group_name: None,
        }
    }
}

impl ConnectivityCall for ListDevicesWithImeiIccidMismatch {
    type Response = DeviceMismatchListResult;
    // Twice is as good as once: a list, although by POST.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/list/imeiiccidmismatch").idempotent();
}

/// Checks if devices can be activated: `POST /m2m/v1/devices/availability/actions/list`.
#[doc(alias = "check_devices_availability_for_activation")]
#[doc(alias = "DeviceActivationRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckDevicesAvailabilityForActivation {
    /// The account.
    pub account_name: String,
    /// The devices.
    pub devices: Vec<AccountDeviceList>,
}

impl CheckDevicesAvailabilityForActivation {
    /// Checks these devices for this account.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<AccountDeviceList>>,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            devices: devices.into(),
        }
    }
}

impl ConnectivityCall for CheckDevicesAvailabilityForActivation {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route = Route::post("/m2m/v1/devices/availability/actions/list").idempotent();
}

/// Changes or removes the cost center code of devices: `PUT /m2m/v1/devices/costCenter`.
///
/// It names the devices, or chooses them by its other fields. One that names them has to
/// leave account, group, custom fields and service plan out.
#[doc(alias = "update_devices_cost_center_code")]
#[doc(alias = "DeviceCostCenterRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateDevicesCostCenterCode {
    /// The account.
    pub account_name: Option<String>,
    /// The new code: up to 36 letters, digits, spaces, `-`, `!` and `#`.
    pub cost_center: Option<String>,
    /// Chooses devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// The devices.
    pub devices: Option<Vec<AccountDeviceList>>,
    /// Chooses the devices of this group.
    pub group_name: Option<String>,
    /// The place where they are used. This call leaves its form open; others have a
    /// [`PlaceOfUse`] here, which can be written by `serde_json::to_value`.
    pub primary_place_of_use: Option<Value>,
    /// True to remove the code. Then `cost_center` has no effect.
    pub remove_cost_center: Option<bool>,
    /// Chooses the devices with this service plan, by its name.
    pub service_plan: Option<String>,
}

impl UpdateDevicesCostCenterCode {
    /// Changes the code of these devices.
    pub fn new(devices: impl Into<Vec<AccountDeviceList>>, cost_center: impl Into<String>) -> Self {
        Self {
            cost_center: Some(cost_center.into()),
            devices: Some(devices.into()),
            ..Self::default()
        }
    }
}

impl ConnectivityCall for UpdateDevicesCostCenterCode {
    type Response = DeviceManagementResult;
    // Once: each begins a change, and a late one could undo what came after it.
    const ROUTE: Route = Route::put("/m2m/v1/devices/costCenter");
}

/// Changes the identifiers of a device, to match new hardware or to give it another
/// telephone number: `PUT /m2m/v1/devices/{serviceType}/actions/deviceId`.
#[doc(alias = "update_device_id")]
#[doc(alias = "ChangeDeviceIdRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateDeviceId {
    /// The kind of the identifier. The documentation has no values for it.
    #[serde(skip)]
    pub service_type: String,
    /// The device, by an identifier that it has now.
    pub device_ids: Vec<DeviceId>,
    /// True for a telephone number of no region, false for one with `npa_nxx`.
    pub assign_non_geo_mdn: Option<bool>,
    /// What changes, for a 4G device.
    pub change_4g_option: Option<Change4gOption>,
    /// The new identifiers. Needed for all but [`Change4gOption::CHANGE_MSISDN`].
    pub device_ids_to: Option<Vec<DeviceId>>,
    /// The area code and prefix of the new telephone number: six digits.
    pub npa_nxx: Option<String>,
    /// The service plan.
    pub service_plan: Option<String>,
    /// The postal code.
    pub zip_code: Option<String>,
    /// 3 to 32 letters and digits.
    pub smsr_oid: Option<String>,
}

impl UpdateDeviceId {
    /// Changes this device. It says nothing of the change yet.
    pub fn new(service_type: impl Into<String>, device_ids: impl Into<Vec<DeviceId>>) -> Self {
        Self {
            service_type: service_type.into(),
            device_ids: device_ids.into(),
            assign_non_geo_mdn: None,
            change_4g_option: None,
            device_ids_to: None,
            npa_nxx: None,
            service_plan: None,
            zip_code: None,
            smsr_oid: None,
        }
    }
}

impl ConnectivityCall for UpdateDeviceId {
    type Response = DeviceManagementResult;
    // Once: a second one could give the device yet another telephone number.
    const ROUTE: Route = Route::put("/m2m/v1/devices/{serviceType}/actions/deviceId");

    fn path(&self) -> Vec<&str> {
        vec![&self.service_type]
    }
}

/// The result of adding one device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AddDevicesResult {
    /// The device.
    pub device_ids: Vec<DeviceId>,
    /// `Success` or `Failed`, or a text of its own.
    pub response: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AddDevicesResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            response: fields.take("response"),
            other: fields.other(),
        }
    }
}

/// The result of deleting one device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeleteDevicesResult {
    /// The device. The service writes one identifier as an object, several as an array.
    pub device_ids: Vec<DeviceId>,
    /// `Success` or `Failed`.
    pub status: Option<String>,
    /// The reason of a failure.
    pub message: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeleteDevicesResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            status: fields.take("status"),
            message: fields.take("message"),
            other: fields.other(),
        }
    }
}

/// Devices by a part of their identifiers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountDeviceListFilter {
    /// The parts. It is not documented if a device must match all of them, or one.
    pub device_identifier_filters: Vec<DeviceIdSearch>,
}

impl AccountDeviceListFilter {
    /// Devices that match these.
    pub fn new(filters: impl Into<Vec<DeviceIdSearch>>) -> Self {
        Self {
            device_identifier_filters: filters.into(),
        }
    }
}

/// A part of an identifier.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeviceIdSearch {
    /// The kind of the identifier.
    pub kind: DeviceIdKind,
    /// What it contains. The documentation requires it, also beside the others.
    pub contains: String,
    /// What it begins with. Lower case throughout, as documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startswith: Option<String>,
    /// What it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endswith: Option<String>,
}

impl DeviceIdSearch {
    /// Identifiers of this kind that contain a text.
    pub fn new(kind: DeviceIdKind, contains: impl Into<String>) -> Self {
        Self {
            kind,
            contains: contains.into(),
            ..Self::default()
        }
    }
}

/// One page of [`ListDevicesInformation`], in the order in which the devices were added.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AccountDeviceListResult {
    /// The devices.
    pub devices: Vec<ThingspaceDevice>,
    /// True if another page follows.
    pub has_more_data: Option<bool>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AccountDeviceListResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            devices: fields.list("devices"),
            has_more_data: fields.take("hasMoreData"),
            other: fields.other(),
        }
    }
}

/// A device of an account.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ThingspaceDevice {
    /// The account.
    pub account_name: Option<String>,
    /// The end of its billing cycle.
    pub billing_cycle_end_date: Option<DateTime>,
    /// Its service with each carrier.
    pub carrier_informations: Vec<CarrierInformation>,
    /// True if it is connected.
    pub connected: Option<bool>,
    /// The time at which it was added to the account.
    pub created_at: Option<DateTime>,
    /// Its custom fields.
    pub custom_fields: Vec<CustomFields>,
    /// Its identifiers.
    pub device_ids: Vec<DeviceId>,
    /// More values; complete only if the list is of one device.
    pub extended_attributes: Vec<CustomFields>,
    /// Its groups.
    pub group_names: Vec<String>,
    /// Its address.
    pub ip_address: Option<String>,
    /// The user who activated it last.
    pub last_activation_by: Option<String>,
    /// The time of its last activation.
    pub last_activation_date: Option<DateTime>,
    /// The time of its last connection.
    pub last_connection_date: Option<DateTime>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl ThingspaceDevice {
    /// The service's own id of the device, if the page has it.
    pub fn id(&self) -> Option<i64> {
        let mut attributes = self.extended_attributes.iter();
        let id = attributes.find(|attribute| attribute.key == "DeviceId")?;
        id.value.as_deref()?.parse().ok()
    }
}

impl Model for ThingspaceDevice {
    fn read(fields: &mut Fields) -> Self {
        Self {
            account_name: fields.take("accountName"),
            billing_cycle_end_date: fields.take("billingCycleEndDate"),
            carrier_informations: fields.list("carrierInformations"),
            connected: fields.take("connected"),
            created_at: fields.take("createdAt"),
            custom_fields: fields.list("customFields"),
            device_ids: fields.list("deviceIds"),
            extended_attributes: fields.list("extendedAttributes"),
            group_names: fields.list("groupNames"),
            ip_address: fields.take("ipAddress"),
            last_activation_by: fields.take("lastActivationBy"),
            last_activation_date: fields.take("lastActivationDate"),
            last_connection_date: fields.take("lastConnectionDate"),
            other: fields.other(),
        }
    }
}

/// The service of a device with one carrier.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CarrierInformation {
    /// The carrier.
    pub carrier_name: Option<String>,
    /// The service plan.
    pub service_plan: Option<String>,
    /// The state.
    pub state: Option<CarrierState>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for CarrierInformation {
    fn read(fields: &mut Fields) -> Self {
        Self {
            carrier_name: fields.take("carrierName"),
            service_plan: fields.take("servicePlan"),
            state: fields.take("state"),
            other: fields.other(),
        }
    }
}

/// A span of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DateFilter {
    /// Its start. Verizon's example has an offset and a `Z` behind it
    /// (`2020-05-01T15:00:00-08:00Z`), which no standard knows.
    pub earliest: DateTime,
    /// Its end.
    pub latest: DateTime,
}

impl DateFilter {
    /// The time from the first to the second.
    pub fn new(earliest: impl Into<DateTime>, latest: impl Into<DateTime>) -> Self {
        Self {
            earliest: earliest.into(),
            latest: latest.into(),
        }
    }
}

/// The response to a [`ListDevicesWithImeiIccidMismatch`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceMismatchListResult {
    /// The devices.
    pub devices: Vec<MismatchedDevice>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceMismatchListResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            devices: fields.list("devices"),
            other: fields.other(),
        }
    }
}

/// A SIM card that was activated in another device than expected.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MismatchedDevice {
    /// The account.
    pub account_name: Option<String>,
    /// The telephone number.
    pub mdn: Option<String>,
    /// The time of the activation.
    pub activation_date: Option<DateTime>,
    /// The SIM card.
    pub iccid: Option<String>,
    /// The device before the activation.
    pub pre_imei: Option<String>,
    /// The device after the activation.
    pub post_imei: Option<String>,
    /// The time at which the SIM card was changed over the air.
    pub sim_ota_date: Option<DateTime>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for MismatchedDevice {
    fn read(fields: &mut Fields) -> Self {
        Self {
            account_name: fields.take("accountName"),
            mdn: fields.take("mdn"),
            activation_date: fields.take("activationDate"),
            iccid: fields.take("iccid"),
            pre_imei: fields.take("preImei"),
            post_imei: fields.take("postImei"),
            sim_ota_date: fields.take("simOtaDate"),
            other: fields.other(),
        }
    }
}
