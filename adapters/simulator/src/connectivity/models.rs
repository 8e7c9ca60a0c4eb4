//! The documented fields of every request, with their limits.
//!
//! Where versions of the documentation differ, what any of them allows is allowed.

use super::schema::Shape::{Any, Anys, Flag, Many, One, Text, Texts, UpTo, Whole};
use super::schema::{Field, optional, required};

const DEVICE_ID: [Field; 2] = [required("id", Text), required("kind", Text)];
/// Both fields are optional in this one place.
const LOOSE_ID: [Field; 2] = [optional("id", Text), optional("kind", Text)];
const ACCOUNT_DEVICE_LIST: [Field; 2] = [
    required("deviceIds", Many(&DEVICE_ID)),
    optional("ipAddress", Text),
];
const DEVICE_LIST: [Field; 1] = [optional("deviceIds", UpTo(100, &DEVICE_ID))];
const DEACTIVATE_DEVICE_LIST: [Field; 1] = [optional("ids", UpTo(100, &LOOSE_ID))];
/// `value` is optional in newer versions of the documentation.
const CUSTOM_FIELDS_VALUE: [Field; 2] = [required("key", Text), optional("value", Text)];
const LABEL: [Field; 2] = [required("name", Text), required("value", Text)];
const USAGE_LABEL: [Field; 2] = [optional("name", Text), optional("value", Text)];
const ADDRESS: [Field; 10] = [
    required("addressLine1", Text),
    optional("addressLine2", Text),
    required("city", Text),
    required("state", Text),
    required("zip", Text),
    optional("zip4", Text),
    required("country", Text),
    optional("phone", Text),
    optional("phoneType", Text),
    optional("emailAddress", Text),
];
const CUSTOMER_NAME: [Field; 5] = [
    optional("title", Text),
    required("firstName", Text),
    optional("middleName", Text),
    required("lastName", Text),
    optional("suffix", Text),
];
const PLACE_OF_USE: [Field; 2] = [
    required("address", One(&ADDRESS)),
    required("customerName", One(&CUSTOMER_NAME)),
];
const PRIMARY_PLACE_OF_USE: [Field; 2] = [
    optional("customerName", UpTo(5, &CUSTOMER_NAME)),
    optional("address", UpTo(5, &ADDRESS)),
];
const FILTER: [Field; 4] = [
    optional("account", Text),
    optional("groupName", Text),
    optional("servicePlan", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
];
const FILTER_WITHOUT_ACCOUNT: [Field; 3] = [
    optional("groupName", Text),
    optional("servicePlan", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
];
const DATES: [Field; 2] = [required("earliest", Text), required("latest", Text)];
const SEARCH: [Field; 4] = [
    required("kind", Text),
    required("contains", Text),
    optional("startswith", Text),
    optional("endswith", Text),
];
const SEARCHES: [Field; 1] = [optional("deviceIdentifierFilters", Many(&SEARCH))];
const BILLING_CYCLE: [Field; 2] = [optional("year", Text), optional("month", Text)];
/// Labels, despite the name.
const LABELS_LIST: [Field; 1] = [optional("deviceIds", UpTo(100, &LABEL))];
const ACCOUNT_LABELS: [Field; 2] = [
    required("devices", UpTo(2000, &DEVICE_LIST)),
    optional("label", UpTo(2000, &LABEL)),
];

// Devices.

pub(crate) const LIST: [Field; 11] = [
    optional("accountName", Text),
    optional("deviceId", One(&DEVICE_ID)),
    optional("filter", One(&SEARCHES)),
    optional("currentState", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("earliest", Text),
    optional("groupName", Text),
    optional("latest", Text),
    optional("servicePlan", Text),
    optional("maxNumberOfDevices", Whole),
    optional("largestDeviceIdSeen", Whole),
];
pub(crate) const ACTIVATE: [Field; 13] = [
    required("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    required("servicePlan", Text),
    required("mdnZipCode", Text),
    optional("accountName", Text),
    optional("carrierIpPoolName", Text),
    optional("carrierName", Text),
    optional("costCenterCode", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("groupName", Text),
    optional("leadId", Text),
    optional("primaryPlaceOfUse", One(&PLACE_OF_USE)),
    optional("publicIpRestriction", Text),
    optional("skuNumber", Text),
];
pub(crate) const DEACTIVATE: [Field; 8] = [
    required("accountName", Text),
    required("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    required("reasonCode", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("etfWaiver", Flag),
    optional("groupName", Text),
    optional("servicePlan", Text),
    optional("deleteAfterDeactivation", Flag),
];
pub(crate) const CARRIER_ACTIONS: [Field; 6] = [
    optional("accountName", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("withBilling", Flag),
    optional("groupName", Text),
    optional("servicePlan", Text),
];
pub(crate) const ADD: [Field; 7] = [
    required("state", Text),
    required("devicesToAdd", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("accountName", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("groupName", Text),
    optional("skuNumber", Text),
    optional("smsrOid", Text),
];
pub(crate) const DELETE: [Field; 2] = [
    required("devicesToDelete", UpTo(100, &ACCOUNT_DEVICE_LIST)),
    optional("accountName", Text),
];
pub(crate) const PLAN: [Field; 8] = [
    required("servicePlan", Text),
    optional("accountName", Text),
    optional("currentServicePlan", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("groupName", Text),
    optional("carrierIpPoolName", Text),
    optional("takeEffect", Text),
];
pub(crate) const CUSTOM_FIELDS: [Field; 6] = [
    optional("accountName", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("customFieldsToUpdate", Many(&CUSTOM_FIELDS_VALUE)),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("groupName", Text),
    optional("servicePlan", Text),
];
pub(crate) const CONTACT: [Field; 3] = [
    required("primaryPlaceOfUse", One(&PLACE_OF_USE)),
    optional("accountName", Text),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
];
pub(crate) const MISMATCHES: [Field; 4] = [
    required("filter", One(&DATES)),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("accountName", Text),
    optional("groupName", Text),
];
pub(crate) const MOVE: [Field; 7] = [
    required("accountName", Text),
    optional("filter", One(&FILTER)),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("groupName", Text),
    optional("carrierIpPoolName", Text),
    optional("servicePlan", Text),
];
pub(crate) const GO_TO_STATE: [Field; 14] = [
    required("serviceName", Text),
    required("stateName", Text),
    required("servicePlan", Text),
    required("mdnZipCode", Text),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("filter", One(&FILTER)),
    optional("carrierIpPoolName", Text),
    optional("publicIpRestriction", Text),
    optional("skuNumber", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("devicesWithServiceAddress", Anys),
    optional("ipAddress", Text),
    optional("groupName", Text),
    optional("primaryPlaceOfUse", One(&PLACE_OF_USE)),
];
pub(crate) const COST_CENTER: [Field; 8] = [
    optional("accountName", Text),
    optional("costCenter", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("groupName", Text),
    optional("primaryPlaceOfUse", Any),
    optional("removeCostCenter", Flag),
    optional("servicePlan", Text),
];
pub(crate) const CHANGE_ID: [Field; 8] = [
    required("deviceIds", Many(&DEVICE_ID)),
    optional("assignNonGeoMdn", Flag),
    optional("change4gOption", Text),
    optional("deviceIdsTo", Many(&DEVICE_ID)),
    optional("npaNxx", Text),
    optional("servicePlan", Text),
    optional("zipCode", Text),
    optional("smsrOid", Text),
];

// Reports.

pub(crate) const AVAILABILITY: [Field; 2] = [
    required("accountName", Text),
    required("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
];
pub(crate) const HISTORY: [Field; 3] = [
    required("deviceId", One(&DEVICE_ID)),
    required("earliest", Text),
    required("latest", Text),
];
pub(crate) const USAGE: [Field; 4] = [
    required("earliest", Text),
    required("latest", Text),
    optional("deviceId", One(&DEVICE_ID)),
    optional("label", One(&USAGE_LABEL)),
];
pub(crate) const AGGREGATE_USAGE: [Field; 6] = [
    required("startTime", Text),
    required("endTime", Text),
    optional("deviceIds", Many(&DEVICE_ID)),
    optional("accountName", Text),
    optional("groupName", Text),
    optional("label", UpTo(50, &USAGE_LABEL)),
];
pub(crate) const BILLED_USAGE: [Field; 4] = [
    required("accountName", Text),
    optional("labels", One(&LABELS_LIST)),
    optional("deviceIds", Many(&DEVICE_LIST)),
    optional("billingCycle", One(&BILLING_CYCLE)),
];
pub(crate) const DIAGNOSTICS: [Field; 2] = [
    required("accountName", Text),
    required("deviceList", Many(&DEVICE_ID)),
];
pub(crate) const PRL: [Field; 5] = [
    optional("deviceIds", Many(&DEVICE_ID)),
    optional("accountName", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("groupName", Text),
    optional("servicePlan", Text),
];
pub(crate) const SUSPENSION: [Field; 3] = [
    optional("deviceIds", Many(&DEVICE_ID)),
    optional("filter", One(&FILTER_WITHOUT_ACCOUNT)),
    optional("accountName", Text),
];
pub(crate) const REACHABILITY: [Field; 4] = [
    required("accountName", Text),
    required("device", One(&DEVICE_ID)),
    required("requestType", Text),
    optional("requestExpirationTime", Text),
];
pub(crate) const MONITOR: [Field; 4] = [
    required("accountName", Text),
    required("requestType", Text),
    required("devices", Many(&DEVICE_LIST)),
    required("monitorExpirationTime", Text),
];
pub(crate) const MONITORS: [Field; 3] = [
    required("accountName", Text),
    required("devices", UpTo(10_000, &ACCOUNT_DEVICE_LIST)),
    optional("monitorType", Text),
];
pub(crate) const STOP_MONITORS: [Field; 2] =
    [required("accountName", Text), required("monitorIds", Texts)];

// Uploads and labels.

pub(crate) const UPLOAD: [Field; 5] = [
    required("accountName", Text),
    required("devices", Many(&DEVICE_LIST)),
    required("emailAddress", Text),
    required("deviceSku", Text),
    required("uploadType", Text),
];
pub(crate) const UPLOAD_ACTIVATE: [Field; 8] = [
    required("accountName", Text),
    required("emailAddress", Text),
    required("deviceSku", Text),
    required("uploadType", Text),
    required("servicePlan", Text),
    required("mdnZipCode", Text),
    required("devices", Many(&DEVICE_LIST)),
    optional("carrierIpPoolName", Text),
];
pub(crate) const UPLOAD_STATUS: [Field; 3] = [
    required("accountName", Text),
    required("devices", Many(&DEVICE_LIST)),
    optional("orderRequestId", Text),
];
pub(crate) const LABEL_DEVICES: [Field; 2] = [
    required("accountName", Text),
    required("labels", One(&ACCOUNT_LABELS)),
];

// Groups, callbacks and text messages.

pub(crate) const CREATE_GROUP: [Field; 4] = [
    required("accountName", Text),
    required("groupDescription", Text),
    required("groupName", Text),
    optional("devicesToAdd", Many(&DEVICE_ID)),
];
pub(crate) const UPDATE_GROUP: [Field; 4] = [
    optional("devicesToAdd", Many(&DEVICE_ID)),
    optional("devicesToRemove", Many(&DEVICE_ID)),
    optional("newGroupDescription", Text),
    optional("newGroupName", Text),
];
pub(crate) const REGISTER: [Field; 4] = [
    required("name", Text),
    required("url", Text),
    optional("username", Text),
    optional("password", Text),
];
pub(crate) const SMS: [Field; 8] = [
    required("accountName", Text),
    required("smsMessage", Text),
    optional("customFields", Many(&CUSTOM_FIELDS_VALUE)),
    optional("dataEncoding", Text),
    optional("deviceIds", Many(&DEVICE_ID)),
    optional("groupName", Text),
    optional("servicePlan", Text),
    optional("timeToLive", Text),
];

// Profiles.

pub(crate) const PROFILE_ACTIVATE_ENABLE: [Field; 4] = [
    required("devices", UpTo(100, &DEVICE_LIST)),
    required("accountName", Text),
    optional("servicePlan", Text),
    optional("mdnZipCode", Text),
];
pub(crate) const PROFILE_ACTIVATE: [Field; 8] = [
    required("accountName", Text),
    required("devices", UpTo(100, &DEVICE_LIST)),
    optional("carrierName", Text),
    optional("servicePlan", Text),
    optional("mdnZipCode", Text),
    optional("primaryPlaceOfUse", Many(&PRIMARY_PLACE_OF_USE)),
    optional("smsrOid", Text),
    optional("carrierIpPoolName", Text),
];
pub(crate) const PROFILE_DEACTIVATE: [Field; 6] = [
    required("accountName", Text),
    required("reasonCode", Text),
    optional("devices", Many(&DEACTIVATE_DEVICE_LIST)),
    optional("carrierName", Text),
    optional("etfWaiver", Flag),
    optional("checkFallbackProfile", Flag),
];
pub(crate) const FALLBACK: [Field; 3] = [
    required("devices", UpTo(100, &DEVICE_LIST)),
    required("accountName", Text),
    optional("carrierName", Text),
];
pub(crate) const LOCAL_PROFILE: [Field; 3] = [
    required("devices", Many(&DEVICE_LIST)),
    required("accountName", Text),
    required("smsrOid", Text),
];
