//! The past and the present of devices: connections, provisioning, usage and diagnostics.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    connectivity::{ConnectivityCall, Route},
    device_labels::LabelsList,
    paging::Paged,
};
use crate::model::{
    CustomFields, DateTime, DeviceId, DeviceList, Fields, List, Model, Other, ProvisioningEventType,
};

/// Lists when a device was connected, a page at a time:
/// `POST /m2m/v1/devices/connections/actions/listHistory`.
#[doc(alias = "retrieve_device_connection_history")]
#[doc(alias = "DeviceConnectionListRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetrieveDeviceConnectionHistory {
    /// The device.
    pub device_id: DeviceId,
    /// The start of the time that is asked for.
    pub earliest: DateTime,
    /// The end of the time that is asked for.
    pub latest: DateTime,
}

impl RetrieveDeviceConnectionHistory {
    /// Lists when this device was connected between two times.
    pub fn new(
        device_id: DeviceId,
        earliest: impl Into<DateTime>,
        latest: impl Into<DateTime>,
    ) -> Self {
        Self {
            device_id,
            earliest: earliest.into(),
            latest: latest.into(),
        }
    }
}

impl ConnectivityCall for RetrieveDeviceConnectionHistory {
    type Response = ConnectionHistoryResult;
    // Twice is as good as once: a list, although by POST.
    const ROUTE: Route =
        Route::post("/m2m/v1/devices/connections/actions/listHistory").idempotent();
}

/// Goes on from the time of the last event, as documented.
impl Paged for RetrieveDeviceConnectionHistory {
    type Item = ConnectionEvent;

    fn items(page: ConnectionHistoryResult) -> Vec<ConnectionEvent> {
        page.connection_history
    }

    fn cursor(&self) -> Option<String> {
        Some(self.earliest.to_string())
    }

    fn overlaps(&self) -> bool {
        true
    }

    fn next(&self, page: &Response<ConnectionHistoryResult>) -> Option<Self> {
        let body = page.body();
        let events = body.connection_history.iter();
        let times = events.map(|event| &event.occurred_at);
        let earliest = earliest_after(page, body.has_more_data, times, &self.earliest)?;
        Some(Self {
            earliest,
            ..self.clone()
        })
    }
}

/// Asks for the connectivity, provisioning, billing and location of a device:
/// `POST /m2m/v1/devices/extendeddiagnostics/actions/list`.
#[doc(alias = "get_device_extended_diagnostic_information")]
#[doc(alias = "DeviceExtendedDiagnosticsRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetDeviceExtendedDiagnosticInformation {
    /// The account.
    pub account_name: String,
    /// The device, by its MDN.
    pub device_list: Vec<DeviceId>,
}

impl GetDeviceExtendedDiagnosticInformation {
    /// Asks for a device of this account.
    pub fn new(account_name: impl Into<String>, device_list: impl Into<Vec<DeviceId>>) -> Self {
        Self {
            account_name: account_name.into(),
            device_list: device_list.into(),
        }
    }
}

impl ConnectivityCall for GetDeviceExtendedDiagnosticInformation {
    type Response = DeviceExtendedDiagnosticsResult;
    // Twice is as good as once: a list, although by POST.
    const ROUTE: Route =
        Route::post("/m2m/v1/devices/extendeddiagnostics/actions/list").idempotent();
}

/// Lists how a device was provisioned, a page at a time:
/// `POST /m2m/v1/devices/history/actions/list`.
#[doc(alias = "list_devices_provisioning_history")]
#[doc(alias = "DeviceProvisioningHistoryListRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListDevicesProvisioningHistory {
    /// The device.
    pub device_id: DeviceId,
    /// The start of the time that is asked for.
    pub earliest: DateTime,
    /// The end of the time that is asked for.
    pub latest: DateTime,
}

impl ListDevicesProvisioningHistory {
    /// Lists how this device was provisioned between two times.
    pub fn new(
        device_id: DeviceId,
        earliest: impl Into<DateTime>,
        latest: impl Into<DateTime>,
    ) -> Self {
        Self {
            device_id,
            earliest: earliest.into(),
            latest: latest.into(),
        }
    }
}

impl ConnectivityCall for ListDevicesProvisioningHistory {
    // An array of one page, unlike all other lists in pages.
    type Response = List<DeviceProvisioningHistoryListResult>;
    // Twice is as good as once: a list, although by POST.
    const ROUTE: Route = Route::post("/m2m/v1/devices/history/actions/list").idempotent();
}

/// Goes on from the time of the last event. That is our inference from the
/// [connection history](RetrieveDeviceConnectionHistory): neither a way nor the order of
/// the events is documented. If they came newest first, the list would end as one that
/// [repeats itself](super::Pages::repeats).
impl Paged for ListDevicesProvisioningHistory {
    type Item = ProvisioningHistory;

    fn items(page: List<DeviceProvisioningHistoryListResult>) -> Vec<ProvisioningHistory> {
        let pages = page.into_iter();
        pages.flat_map(|page| page.provisioning_history).collect()
    }

    fn cursor(&self) -> Option<String> {
        Some(self.earliest.to_string())
    }

    fn overlaps(&self) -> bool {
        true
    }

    fn next(&self, page: &Response<List<DeviceProvisioningHistoryListResult>>) -> Option<Self> {
        let pages = page.body();
        let has_more_data = pages.iter().any(|page| page.has_more_data == Some(true));
        let events = pages.iter().flat_map(|page| &page.provisioning_history);
        let times = events.map(|event| &event.occurred_at);
        let earliest = earliest_after(page, Some(has_more_data), times, &self.earliest)?;
        Some(Self {
            earliest,
            ..self.clone()
        })
    }
}

/// Asks which list of preferred networks (PRL) devices have:
/// `POST /m2m/v1/devices/prl/actions/list`.
///
/// Devices for 2G and 3G have one; those for 4G and GSM do not.
#[doc(alias = "list_current_devices_prl_version")]
#[doc(alias = "DevicePrlListRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListCurrentDevicesPrlVersion {
    /// The devices, each by one identifier. All other fields must be absent then.
    pub device_ids: Option<Vec<DeviceId>>,
    /// The account. Needed beside a group if the user has several accounts, since they may
    /// have groups of the same name.
    pub account_name: Option<String>,
    /// Devices with these custom fields.
    pub custom_fields: Option<Vec<CustomFields>>,
    /// Devices of this group.
    pub group_name: Option<String>,
    /// Devices with this service plan, by its name.
    pub service_plan: Option<String>,
}

impl ListCurrentDevicesPrlVersion {
    /// Asks for no devices yet: set the fields that name them.
    pub fn new() -> Self {
        Self::default()
    }
}

impl ConnectivityCall for ListCurrentDevicesPrlVersion {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route = Route::post("/m2m/v1/devices/prl/actions/list").idempotent();
}

/// Asks how long devices have been suspended, and how long they can stay so:
/// `POST /m2m/v1/devices/suspension/status`.
///
/// The outcome is sent to the listener of the service `DeviceSuspensionStatus`.
#[doc(alias = "get_device_service_suspension_status")]
#[doc(alias = "DeviceSuspensionStatusRequest")]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetDeviceServiceSuspensionStatus {
    /// The devices, each by one identifier.
    pub device_ids: Option<Vec<DeviceId>>,
    /// Devices of this kind.
    pub filter: Option<DeviceFilterWithoutAccount>,
    /// The account.
    pub account_name: Option<String>,
}

impl GetDeviceServiceSuspensionStatus {
    /// Asks for no devices yet: set the fields that name them.
    pub fn new() -> Self {
        Self::default()
    }
}

impl ConnectivityCall for GetDeviceServiceSuspensionStatus {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route = Route::post("/m2m/v1/devices/suspension/status").idempotent();
}

/// Lists the daily usage of a device, a page at a time:
/// `POST /m2m/v1/devices/usage/actions/list`.
#[doc(alias = "list_devices_usage_history")]
#[doc(alias = "DeviceUsageListRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListDevicesUsageHistory {
    /// The start of the time that is asked for.
    pub earliest: DateTime,
    /// The end of the time that is asked for.
    pub latest: DateTime,
    /// The device; or a label in its place.
    pub device_id: Option<DeviceId>,
    /// The label of devices; or a device in its place.
    pub label: Option<Label>,
}

impl ListDevicesUsageHistory {
    /// Lists the usage between two times. Either a device or a label is to be set.
    pub fn new(earliest: impl Into<DateTime>, latest: impl Into<DateTime>) -> Self {
        Self {
            earliest: earliest.into(),
            latest: latest.into(),
            device_id: None,
            label: None,
        }
    }
}

impl ConnectivityCall for ListDevicesUsageHistory {
    type Response = DeviceUsageListResult;
    // Twice is as good as once: a list, although by POST.
    const ROUTE: Route = Route::post("/m2m/v1/devices/usage/actions/list").idempotent();
}

/// Goes on from the time of the last usage. That is our inference from the
/// [connection history](RetrieveDeviceConnectionHistory): neither a way nor the order of
/// the days is documented. If they came newest first, the list would end as one that
/// [repeats itself](super::Pages::repeats).
impl Paged for ListDevicesUsageHistory {
    type Item = Usage;

    fn items(page: DeviceUsageListResult) -> Vec<Usage> {
        page.usage_history
    }

    fn cursor(&self) -> Option<String> {
        Some(self.earliest.to_string())
    }

    fn overlaps(&self) -> bool {
        true
    }

    fn next(&self, page: &Response<DeviceUsageListResult>) -> Option<Self> {
        let body = page.body();
        let times = body.usage_history.iter().map(|usage| &usage.timestamp);
        let earliest = earliest_after(page, body.has_more_data, times, &self.earliest)?;
        Some(Self {
            earliest,
            ..self.clone()
        })
    }
}

/// Asks for the usage of devices over a time:
/// `POST /m2m/v1/devices/usage/actions/list/aggregate`.
///
/// The outcome is sent to the listener of the service `DeviceUsage`.
#[doc(alias = "retrieve_aggregate_device_usage_history")]
#[doc(alias = "DeviceAggregateUsageListRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetrieveAggregateDeviceUsageHistory {
    /// The start of the time, in the last 6 months.
    pub start_time: DateTime,
    /// The end of the time, within a month from its start.
    pub end_time: DateTime,
    /// The devices.
    pub device_ids: Option<Vec<DeviceId>>,
    /// The account.
    pub account_name: Option<String>,
    /// Devices of this group.
    pub group_name: Option<String>,
    /// Devices with these labels, at most 50. The field's name is singular, and its value
    /// an array.
    pub label: Option<Vec<Label>>,
}

impl RetrieveAggregateDeviceUsageHistory {
    /// Asks for the usage between two times. Fields that are set narrow the devices.
    pub fn new(start_time: impl Into<DateTime>, end_time: impl Into<DateTime>) -> Self {
        Self {
            start_time: start_time.into(),
            end_time: end_time.into(),
            device_ids: None,
            account_name: None,
            group_name: None,
            label: None,
        }
    }
}

impl ConnectivityCall for RetrieveAggregateDeviceUsageHistory {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route = Route::post("/m2m/v1/devices/usage/actions/list/aggregate").idempotent();
}

/// Asks for the usage that was billed, of some devices or of a whole account:
/// `POST /m2m/v1/devices/usage/actions/billedusage/list`.
#[doc(alias = "billed_usage_info")]
#[doc(alias = "BilledusageListRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BilledUsageInfo {
    /// The account.
    pub account_name: String,
    /// Devices with these labels.
    pub labels: Option<LabelsList>,
    /// The devices. Here the field holds lists of identifiers, and was called `devices`
    /// once.
    pub device_ids: Option<Vec<DeviceList>>,
    /// The month. The field was written `BillingCycle` once.
    pub billing_cycle: Option<BillingCycle>,
}

impl BilledUsageInfo {
    /// Asks for the whole account. Fields that are set narrow the usage.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            labels: None,
            device_ids: None,
            billing_cycle: None,
        }
    }
}

impl ConnectivityCall for BilledUsageInfo {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route = Route::post("/m2m/v1/devices/usage/actions/billedusage/list").idempotent();
}

/// Devices by what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceFilterWithoutAccount {
    /// Devices of this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// Devices with this service plan, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_plan: Option<String>,
    /// Devices with these custom fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Vec<CustomFields>>,
}

impl DeviceFilterWithoutAccount {
    /// An empty filter. Fields that are set narrow it.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A label of devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Label {
    /// The name: 3 to 32 letters and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value: 3 to 32 letters and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Label {
    /// A name with a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            value: Some(value.into()),
        }
    }
}

/// A month of billing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BillingCycle {
    /// The year, such as `2020`. It is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<String>,
    /// The month, such as `3`. It is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
}

impl BillingCycle {
    /// A month of a year.
    pub fn new(year: impl Into<String>, month: impl Into<String>) -> Self {
        Self {
            year: Some(year.into()),
            month: Some(month.into()),
        }
    }
}

/// One page of [`RetrieveDeviceConnectionHistory`], with at most 500 events.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConnectionHistoryResult {
    /// The events, the oldest first.
    pub connection_history: Vec<ConnectionEvent>,
    /// True if another page follows; the status is 202 then.
    pub has_more_data: Option<bool>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for ConnectionHistoryResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            connection_history: fields.list("connectionHistory"),
            has_more_data: fields.take("hasMoreData"),
            other: fields.other(),
        }
    }
}

/// The start or the end of a connection.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConnectionEvent {
    /// The values of the event. Seen are `Event` (`Start` or `Stop`), `BytesUsed` and
    /// `Msisdn`.
    pub connection_event_attributes: Vec<CustomFields>,
    /// More values. Documented to be unused.
    pub extended_attributes: Vec<CustomFields>,
    /// The time.
    pub occurred_at: Option<DateTime>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl ConnectionEvent {
    /// The bytes that were used, if the event has them. They come as text.
    pub fn bytes_used(&self) -> Option<i64> {
        let mut attributes = self.connection_event_attributes.iter();
        let bytes = attributes.find(|attribute| attribute.key == "BytesUsed")?;
        bytes.value.as_deref()?.trim().parse().ok()
    }
}

impl Model for ConnectionEvent {
    fn read(fields: &mut Fields) -> Self {
        Self {
            connection_event_attributes: fields.list("connectionEventAttributes"),
            extended_attributes: fields.list("extendedAttributes"),
            occurred_at: fields.take("occurredAt"),
            other: fields.other(),
        }
    }
}

/// The response to a [`GetDeviceExtendedDiagnosticInformation`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceExtendedDiagnosticsResult {
    /// The values, by category.
    pub categories: Vec<DiagnosticsCategory>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceExtendedDiagnosticsResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            categories: fields.list("categories"),
            other: fields.other(),
        }
    }
}

/// Values of one category.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DiagnosticsCategory {
    /// The category, such as `Connectivity`.
    pub category_name: Option<String>,
    /// The values.
    pub extended_attributes: Vec<CustomFields>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DiagnosticsCategory {
    fn read(fields: &mut Fields) -> Self {
        Self {
            category_name: fields.take("categoryName"),
            extended_attributes: fields.list("extendedAttributes"),
            other: fields.other(),
        }
    }
}

/// One page of [`ListDevicesProvisioningHistory`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceProvisioningHistoryListResult {
    /// True if another page follows; the status is 202 then.
    pub has_more_data: Option<bool>,
    /// The events.
    pub provisioning_history: Vec<ProvisioningHistory>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceProvisioningHistoryListResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            has_more_data: fields.take("hasMoreData"),
            provisioning_history: fields.list("provisioningHistory"),
            other: fields.other(),
        }
    }
}

/// An event in the provisioning history of a device.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ProvisioningHistory {
    /// The time.
    pub occurred_at: Option<DateTime>,
    /// The outcome, such as `Success`.
    pub status: Option<String>,
    /// The user who caused it.
    pub event_by: Option<String>,
    /// The kind of the event.
    pub event_type: Option<ProvisioningEventType>,
    /// The MDN of the device afterwards. Can be empty.
    pub mdn: Option<String>,
    /// The MSISDN of the device afterwards.
    pub msisdn: Option<String>,
    /// The service plan of the device afterwards.
    pub service_plan: Option<String>,
    /// More values.
    pub extended_attributes: Vec<CustomFields>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for ProvisioningHistory {
    fn read(fields: &mut Fields) -> Self {
        Self {
            occurred_at: fields.take("occurredAt"),
            status: fields.take("status"),
            event_by: fields.take("eventBy"),
            event_type: fields.take("eventType"),
            mdn: fields.take("mdn"),
            msisdn: fields.take("msisdn"),
            service_plan: fields.take("servicePlan"),
            extended_attributes: fields.list("extendedAttributes"),
            other: fields.other(),
        }
    }
}

/// One page of [`ListDevicesUsageHistory`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceUsageListResult {
    /// True if another page follows; the status is 202 then.
    pub has_more_data: Option<bool>,
    /// The usage.
    pub usage_history: Vec<Usage>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceUsageListResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            has_more_data: fields.take("hasMoreData"),
            usage_history: fields.list("usageHistory"),
            other: fields.other(),
        }
    }
}

/// The usage of a device on one day.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// The bytes that were sent and received. A number, unlike those of a
    /// [`ConnectionEvent`].
    pub bytes_used: Option<i64>,
    /// More values, such as `MoSms`: the text messages that the device sent.
    pub extended_attributes: Vec<CustomFields>,
    /// The service plan.
    pub service_plan: Option<String>,
    /// The text messages that were sent and received.
    pub sms_used: Option<i64>,
    /// The source of these values, such as `Raw Usage`.
    pub source: Option<String>,
    /// The day.
    pub timestamp: Option<DateTime>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for Usage {
    fn read(fields: &mut Fields) -> Self {
        Self {
            bytes_used: fields.take("bytesUsed"),
            extended_attributes: fields.list("extendedAttributes"),
            service_plan: fields.take("servicePlan"),
            sms_used: fields.take("smsUsed"),
            source: fields.take("source"),
            timestamp: fields.take("timestamp"),
            other: fields.other(),
        }
    }
}

/// The time from which the page after this one is asked for: that of its last item;
/// `None` if no page follows.
///
/// It stays as it was if nothing on the page has a time. Then the list ends as one that
/// repeats itself, and not as one that is complete.
fn earliest_after<'a, T>(
    page: &Response<T>,
    has_more_data: Option<bool>,
    times: impl Iterator<Item = &'a Option<DateTime>>,
    earliest: &DateTime,
) -> Option<DateTime> {
    if page.status() != StatusCode::ACCEPTED && has_more_data != Some(true) {
        return None;
    }
    Some(times.flatten().last().unwrap_or(earliest).clone())
}
