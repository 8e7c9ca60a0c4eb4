//! Devices: added, activated, changed, suspended, deactivated and listed.

use http::Response;
use serde::Serialize;

use super::{
    batches::Batched,
    connectivity::{ConnectivityCall, Route},
    paging::Paged,
};
use crate::model::{
    AccountDeviceList, CarrierState, CustomFields, DateTime, DeviceId, DeviceIdKind, Fields, List,
    Model, Other,
};

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
    /// The most devices on a page. Documented limits differ (100 and 500), and the service
    /// was seen to send pages of 2,000: none is enforced here.
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
/// at which the last device was added, since a page is in this order.
impl Paged for ListDevicesInformation {
    type Item = ThingspaceDevice;
    const OVERLAPS: bool = true;

    fn items(page: AccountDeviceListResult) -> Vec<ThingspaceDevice> {
        page.devices
    }

    fn cursor(&self) -> Option<String> {
        match self.largest_device_id_seen {
            Some(id) => Some(id.to_string()),
            None => self.earliest.as_ref().map(DateTime::to_string),
        }
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
        match devices.iter().filter_map(ThingspaceDevice::id).max() {
            Some(id) => next.largest_device_id_seen = Some(id),
            None => next.earliest = Some(devices.last()?.created_at.clone()?),
        }
        Some(next)
    }
}

/// Devices by a part of their identifiers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountDeviceListFilter {
    /// The parts. A device matches if all of them do.
    pub device_identifier_filters: Vec<DeviceIdSearch>,
}

impl AccountDeviceListFilter {
    /// Devices that match all of these.
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
