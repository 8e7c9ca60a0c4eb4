//! A valid request for each call, and the documented shape of its response.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

pub(crate) const ACCOUNT: &str = Simulator::ACCOUNT;
pub(crate) const GROUP: &str = "West Coast Devices";
const WINDOW: (&str, &str) = ("2020-12-01T00:00:00Z", "2020-12-03T00:00:00Z");

/// A valid request for a call, and the documented shape of the response.
pub(crate) struct Example {
    pub(crate) parameters: Vec<&'static str>,
    pub(crate) query: &'static str,
    /// `null` for none.
    pub(crate) body: Value,
    pub(crate) required: Vec<&'static str>,
    /// A value of each documented field, of its type.
    pub(crate) shape: Value,
}

impl Example {
    fn new(parameters: &[&'static str], shape: Value) -> Self {
        Self {
            parameters: parameters.to_vec(),
            query: "",
            body: Value::Null,
            required: Vec::new(),
            shape,
        }
    }

    fn body(mut self, body: Value, required: &[&'static str]) -> Self {
        self.body = body;
        self.required = required.to_vec();
        self
    }
}

/// Returns an example for a call that needs no request before it.
pub(crate) fn example(call: Call) -> Example {
    let groups = [
        accounts, states, changes, lists, reports, uploads, groups, messages, profiles,
    ];
    let found = groups.into_iter().find_map(|group| group(call));
    found.unwrap_or_else(|| panic!("{call:?}"))
}

fn accounts(call: Call) -> Option<Example> {
    Some(match call {
        Call::Account => Example::new(
            &[ACCOUNT],
            json!({
                "accountName": "", "accountNumber": "", "organizationName": "",
                "isProvisioningAllowed": true, "carriers": [""], "features": [""],
                "iPPools": [{"poolName": "", "poolType": "", "isDefaultPool": true}],
                "servicePlans": plans(),
            }),
        ),
        Call::ListAccountStatesAndServices => Example::new(
            &[ACCOUNT],
            json!({"engagement": [{"engagementId": "", "chargingGroup": "", "services": [{
                "name": "", "description": "",
                "states": [{"name": "", "workflowSequenceNumber": 0.5, "servicePlans": [""]}],
            }]}]}),
        ),
        Call::ListAccountLeads => Example::new(
            &[ACCOUNT],
            json!({"hasMoreData": true, "leads": [
                {"address": address(), "leadId": "", "leadState": ""}
            ]}),
        ),
        Call::ListAccountServicePlans => Example::new(&[ACCOUNT], plans()),
        _ => return None,
    })
}

fn states(call: Call) -> Option<Example> {
    let other = only(&imei(1));
    Some(match call {
        Call::ActivateServiceForDevices => asynchronous(
            json!({
                "accountName": ACCOUNT, "servicePlan": "m2m4G", "mdnZipCode": "98801",
                "devices": [{"deviceIds": [{"id": "1", "kind": "imei"}], "ipAddress": "1.2.3.456"}],
                "carrierIpPoolName": "Default", "carrierName": "Verizon Wireless",
                "costCenterCode": "cc", "customFields": [{"key": "CustomField1", "value": "v"}],
                "groupName": GROUP, "leadId": "L00001", "primaryPlaceOfUse": place_of_use(),
                "publicIpRestriction": "restricted", "skuNumber": "42",
            }),
            &["devices", "servicePlan", "mdnZipCode"],
        ),
        Call::AddDevices => Example::new(&[], json!([{"deviceIds": ids(), "response": ""}])).body(
            json!({
                "accountName": ACCOUNT, "state": "preactive", "groupName": GROUP,
                "devicesToAdd": [{"deviceIds": [{"id": "2", "kind": "iccid"}]}],
                "customFields": [{"key": "CustomField1"}], "skuNumber": "42", "smsrOid": "abc",
            }),
            &["state", "devicesToAdd"],
        ),
        Call::DeactivateServiceForDevices => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "reasonCode": "FF",
                "etfWaiver": true, "deleteAfterDeactivation": false, "servicePlan": "5MB",
                "groupName": GROUP, "customFields": []}),
            &["accountName", "devices", "reasonCode"],
        ),
        Call::DeleteDeactivatedDevices => Example::new(
            &[],
            json!([{"deviceIds": {"id": "", "kind": ""}, "status": "", "message": ""}]),
        )
        .body(
            json!({"accountName": ACCOUNT, "devicesToDelete": other}),
            &["devicesToDelete"],
        ),
        Call::UpdateDevicesState => asynchronous(
            json!({"serviceName": "Connectivity", "stateName": "Suspend", "servicePlan": "5MB",
                "mdnZipCode": "98801", "devices": other, "filter": {"account": ACCOUNT},
                "carrierIpPoolName": "Default", "publicIpRestriction": "restricted",
                "skuNumber": "42", "customFields": [], "devicesWithServiceAddress": [],
                "ipAddress": "1.2.3.456", "groupName": GROUP,
                "primaryPlaceOfUse": place_of_use()}),
            &["serviceName", "stateName", "servicePlan", "mdnZipCode"],
        ),
        Call::SuspendServiceForDevices | Call::RestoreServiceForSuspendedDevices => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "withBilling": true,
                "customFields": [], "groupName": GROUP, "servicePlan": "5MB"}),
            &[],
        ),
        _ => return None,
    })
}

fn changes(call: Call) -> Option<Example> {
    let other = only(&imei(1));
    Some(match call {
        Call::UpdateDevicesContactInformation => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "primaryPlaceOfUse": place_of_use()}),
            &["primaryPlaceOfUse", "devices"],
        ),
        Call::UpdateDevicesCustomFields => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "groupName": GROUP,
                "customFields": [], "servicePlan": "5MB",
                "customFieldsToUpdate": [{"key": "CustomField2", "value": "SuperVend"}]}),
            &[],
        ),
        Call::MoveDevicesWithinAccountsOfProfile => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "carrierIpPoolName": "Default",
                "servicePlan": "5MB", "groupName": GROUP, "customFields": [],
                "filter": {"account": ACCOUNT, "groupName": GROUP}}),
            &["accountName"],
        ),
        Call::ChangeDevicesServicePlan => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "servicePlan": "m2m4G",
                "currentServicePlan": "5MB", "customFields": [], "groupName": GROUP,
                "carrierIpPoolName": "Default", "takeEffect": "2020-12-01T00:00:00Z"}),
            &["servicePlan"],
        ),
        Call::UpdateDevicesCostCenterCode => asynchronous(
            json!({"accountName": ACCOUNT, "costCenter": "cost-center 1!#", "devices": other,
                "customFields": [], "groupName": GROUP, "primaryPlaceOfUse": place_of_use(),
                "removeCostCenter": false, "servicePlan": "5MB"}),
            &[],
        ),
        Call::UpdateDeviceId => {
            let body = json!({"deviceIds": [imei(2)], "change4gOption": "ChangeICCID",
                "deviceIdsTo": [{"id": "89148", "kind": "iccid"}], "assignNonGeoMdn": false,
                "npaNxx": "509555", "servicePlan": "5MB", "zipCode": "98801", "smsrOid": "abc"});
            let mut example = asynchronous(body, &["deviceIds"]);
            example.parameters = vec!["imei"];
            example
        }
        _ => return None,
    })
}

fn lists(call: Call) -> Option<Example> {
    let (one, other) = (imei(1), only(&imei(1)));
    Some(match call {
        Call::Devices => Example::new(
            &[],
            json!({"hasMoreData": true, "devices": [{
                "accountName": "", "billingCycleEndDate": "", "connected": true,
                "carrierInformations": [{"carrierName": "", "servicePlan": "", "state": ""}],
                "createdAt": "", "customFields": attributes(), "deviceIds": ids(),
                "extendedAttributes": attributes(), "groupNames": [""], "ipAddress": "",
                "lastActivationBy": "", "lastActivationDate": "", "lastConnectionDate": "",
            }]}),
        )
        .body(
            json!({"accountName": ACCOUNT, "currentState": "active", "customFields": [],
                "deviceId": one, "earliest": "2020-01-01T00:00:00Z", "servicePlan": "5MB",
                "latest": "2020-12-01T00:00:00Z", "groupName": "Unassigned Devices",
                "filter": {"deviceIdentifierFilters": [
                    {"kind": "imei", "contains": "0", "startswith": "99", "endswith": "1"}
                ]},
                "maxNumberOfDevices": 10, "largestDeviceIdSeen": 0}),
            &[],
        ),
        Call::ListDevicesWithImeiIccidMismatch => Example::new(
            &[],
            json!({"devices": [{"accountName": "", "mdn": "", "activationDate": "",
                "iccid": "", "preImei": "", "postImei": "", "simOtaDate": ""}]}),
        )
        .body(
            json!({"accountName": ACCOUNT, "devices": other, "groupName": GROUP, "filter": {
                "earliest": "2020-05-01T15:00:00-08:00Z", "latest": "2020-07-30T15:00:00-08:00Z"
            }}),
            &["filter"],
        ),
        Call::RetrieveDeviceConnectionHistory => Example::new(
            &[],
            json!({"hasMoreData": true, "connectionHistory": [{
                "connectionEventAttributes": attributes(),
                "extendedAttributes": attributes(), "occurredAt": "",
            }]}),
        )
        .body(
            json!({"deviceId": one, "earliest": WINDOW.0, "latest": WINDOW.1}),
            &["deviceId", "earliest", "latest"],
        ),
        Call::GetDeviceExtendedDiagnosticInformation => Example::new(
            &[],
            json!({"categories": [{"categoryName": "", "extendedAttributes": attributes()}]}),
        )
        .body(
            json!({"accountName": ACCOUNT, "deviceList": [{"id": "5100000001", "kind": "MDN"}]}),
            &["accountName", "deviceList"],
        ),
        Call::ListDevicesProvisioningHistory => Example::new(
            &[],
            json!([{"hasMoreData": true, "provisioningHistory": [{
                "occurredAt": "", "status": "", "eventBy": "", "eventType": "", "mdn": "",
                "msisdn": "", "servicePlan": "", "extendedAttributes": attributes(),
            }]}]),
        )
        .body(
            json!({"deviceId": one, "earliest": "2020-01-01T00:00:00Z", "latest": WINDOW.1}),
            &["deviceId", "earliest", "latest"],
        ),
        Call::ListDevicesUsageHistory => Example::new(
            &[],
            json!({"hasMoreData": true, "usageHistory": [{
                "bytesUsed": 0, "extendedAttributes": attributes(), "servicePlan": "",
                "smsUsed": 0, "source": "", "timestamp": "",
            }]}),
        )
        .body(
            json!({"deviceId": one, "earliest": WINDOW.0, "latest": WINDOW.1}),
            &["deviceId", "earliest", "latest"],
        ),
        _ => return None,
    })
}

fn reports(call: Call) -> Option<Example> {
    let (one, other) = (imei(1), only(&imei(1)));
    Some(match call {
        Call::CheckDevicesAvailabilityForActivation => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other}),
            &["accountName", "devices"],
        ),
        Call::ListCurrentDevicesPrlVersion => asynchronous(json!({"deviceIds": [one]}), &[]),
        Call::GetDeviceServiceSuspensionStatus => asynchronous(
            json!({"accountName": ACCOUNT, "deviceIds": [one],
                "filter": {"groupName": GROUP, "servicePlan": "5MB", "customFields": []}}),
            &[],
        ),
        Call::RetrieveAggregateDeviceUsageHistory => asynchronous(
            json!({"accountName": ACCOUNT, "deviceIds": [one], "groupName": GROUP, "label": [],
                "startTime": "2019-08-07T10:42:15-04:00", "endTime": "2019-08-08T10:42:15-04:00"}),
            &["startTime", "endTime"],
        ),
        Call::BilledUsageInfo => asynchronous(
            json!({"accountName": ACCOUNT, "labels": {"deviceIds": []}, "deviceIds": other,
                "billingCycle": {"year": "2020", "month": "3"}}),
            &["accountName"],
        ),
        _ => return None,
    })
}

fn uploads(call: Call) -> Option<Example> {
    let other = only(&imei(1));
    Some(match call {
        Call::DeviceUpload => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "emailAddress": "a@example.org",
                "deviceSku": "42", "uploadType": "IMEI"}),
            &[
                "accountName",
                "devices",
                "emailAddress",
                "deviceSku",
                "uploadType",
            ],
        ),
        Call::UsageSegmentationLabelAssociation => asynchronous(
            json!({"accountName": ACCOUNT, "labels": {
                "devices": other, "label": [{"name": "Fleet", "value": "Gold"}],
            }}),
            &["accountName", "labels"],
        ),
        Call::UsageSegmentationLabelDeletion => {
            let mut example = asynchronous(Value::Null, &[]);
            example.query = "?accountName=0000123456-00001\
                &LabelList%5BdeviceIds%5D%5B0%5D%5Bname%5D=Fleet\
                &LabelList%5BdeviceIds%5D%5B0%5D%5Bvalue%5D=Gold";
            example
        }
        Call::UploadActivateDevice => asynchronous(
            json!({"accountName": ACCOUNT, "devices": only(&json!({"id": "3", "kind": "imei"})),
                "emailAddress": "a@example.org", "deviceSku": "42", "servicePlan": "5MB",
                "uploadType": "IMEI ICCID Pair", "mdnZipCode": "98801",
                "carrierIpPoolName": "Default"}),
            &[
                "accountName",
                "devices",
                "emailAddress",
                "deviceSku",
                "uploadType",
                "servicePlan",
                "mdnZipCode",
            ],
        ),
        Call::DeviceUploadStatus => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "orderRequestId": " x "}),
            &["accountName", "devices"],
        ),
        _ => return None,
    })
}

fn groups(call: Call) -> Option<Example> {
    Some(match call {
        Call::CreateDeviceGroup => Example::new(&[], success()).body(
            json!({"accountName": ACCOUNT, "groupDescription": "d", "groupName": "Heart of Gold",
                "devicesToAdd": [imei(3)]}),
            &["accountName", "groupDescription", "groupName"],
        ),
        Call::ListDeviceGroups => Example::new(
            &[ACCOUNT],
            json!([{"description": "", "extendedAttributes": attributes(),
                "isDefaultGroup": true, "name": ""}]),
        ),
        Call::GetDeviceGroupInformation => Example::new(
            &[ACCOUNT, "Unassigned Devices"],
            json!({"description": "", "hasMoreData": true, "name": "",
                "devices": [{"deviceIds": ids(), "ipAddress": ""}]}),
        ),
        Call::UpdateDeviceGroup => Example::new(&[ACCOUNT, GROUP], success()).body(
            json!({"devicesToAdd": [imei(4)], "devicesToRemove": [],
                "newGroupDescription": "d", "newGroupName": GROUP}),
            &[],
        ),
        Call::DeleteDeviceGroup => Example::new(&[ACCOUNT, GROUP], success()),
        Call::ListRegisteredCallbacks => Example::new(
            &[ACCOUNT],
            json!([{"accountName": "", "password": "", "serviceName": "", "url": "",
                "username": ""}]),
        ),
        Call::RegisterCallback => {
            Example::new(&[ACCOUNT], json!({"accountName": "", "serviceName": ""})).body(
                json!({"name": "DeviceUsage", "url": "https://example.org/",
                    "username": "u", "password": "p"}),
                &["name", "url"],
            )
        }
        Call::DeregisterCallback => Example::new(
            &[ACCOUNT, "CarrierService"],
            json!({"accountName": "", "serviceName": ""}),
        ),
        _ => return None,
    })
}

fn messages(call: Call) -> Option<Example> {
    let (one, other) = (imei(1), only(&imei(1)));
    Some(match call {
        Call::SendSmsToDevice => asynchronous(
            json!({"accountName": ACCOUNT, "smsMessage": "Share and enjoy", "deviceIds": [one],
                "customFields": [], "dataEncoding": "7-bit", "groupName": GROUP,
                "servicePlan": "5MB", "timeToLive": "60"}),
            &["accountName", "smsMessage"],
        ),
        Call::ListDevicesSmsMessages => Example::new(
            &[ACCOUNT],
            json!({"hasMoreData": true, "messages": [
                {"deviceIds": ids(), "message": "", "timestamp": ""}
            ]}),
        ),
        Call::StartQueuedSmsDelivery => Example::new(&[ACCOUNT], success()),
        Call::DeviceReachability => asynchronous(
            json!({"accountName": ACCOUNT, "requestType": "REACHABLE_FOR_DATA", "devices": other,
                "monitorExpirationTime": "2020-05-01T15:00:00-08:00Z"}),
            &[
                "accountName",
                "requestType",
                "devices",
                "monitorExpirationTime",
            ],
        ),
        Call::StopDeviceReachability => asynchronous(
            json!({"accountName": ACCOUNT, "monitorIds": []}),
            &["accountName", "monitorIds"],
        ),
        Call::DeviceReachabilityStatus => asynchronous(
            json!({"accountName": ACCOUNT, "device": one, "requestType": "REACHABLE_FOR_DATA",
                "requestExpirationTime": "2020-05-01T15:00:00-08:00Z"}),
            &["accountName", "device", "requestType"],
        ),
        Call::RetrieveActiveMonitors => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "monitorType": "REACHABLE_FOR_DATA"}),
            &["accountName", "devices"],
        ),
        _ => return None,
    })
}

fn profiles(call: Call) -> Option<Example> {
    let (one, other) = (imei(1), only(&imei(1)));
    Some(match call {
        Call::ActivateDeviceThroughProfile => asynchronous(
            json!({"accountName": ACCOUNT, "devices": only(&json!({"id": "4", "kind": "eid"})),
                "servicePlan": "5MB", "mdnZipCode": "98801"}),
            &["accountName", "devices"],
        ),
        Call::ProfileToActivateDevice => asynchronous(
            json!({"accountName": ACCOUNT, "devices": only(&json!({"id": "5", "kind": "eid"})),
                "carrierName": "Verizon Wireless", "servicePlan": "5MB", "mdnZipCode": "98801",
                "primaryPlaceOfUse": [{"address": [], "customerName": []}],
                "smsrOid": "1.3.6.1", "carrierIpPoolName": "Default"}),
            &["accountName", "devices"],
        ),
        Call::ProfileToDeactivateDevice => asynchronous(
            json!({"accountName": ACCOUNT, "devices": [{"ids": [one]}], "reasonCode": "FF",
                "carrierName": "Verizon Wireless", "etfWaiver": true,
                "checkFallbackProfile": false}),
            &["accountName", "reasonCode", "devices"],
        ),
        Call::ProfileToSetFallbackAttribute => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "carrierName": "Verizon Wireless"}),
            &["accountName", "devices"],
        ),
        Call::DownloadLocalProfileToEnable
        | Call::DownloadLocalProfileToDisable
        | Call::EnableLocalProfile
        | Call::DisableLocalProfile
        | Call::DeleteLocalProfile => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "smsrOid": "1.3.6.1"}),
            &["accountName", "devices", "smsrOid"],
        ),
        _ => return None,
    })
}

/// An example whose response has nothing but the id of a request.
fn asynchronous(body: Value, required: &[&'static str]) -> Example {
    Example::new(&[], json!({"requestId": ""})).body(body, required)
}

fn ids() -> Value {
    json!([{"id": "", "kind": ""}])
}

fn attributes() -> Value {
    json!([{"key": "", "value": ""}])
}

pub(crate) fn success() -> Value {
    json!({"success": true})
}

fn address() -> Value {
    json!({
        "addressLine1": "", "addressLine2": "", "city": "", "state": "", "zip": "", "zip4": "",
        "country": "", "phone": "", "phoneType": "", "emailAddress": "",
    })
}

fn place_of_use() -> Value {
    json!({
        "address": {
            "addressLine1": "1 Main Street", "city": "Islington", "state": "NJ",
            "zip": "07701", "country": "USA",
        },
        "customerName": {"firstName": "Zaphod", "lastName": "Beeblebrox"},
    })
}

fn plans() -> Value {
    json!([{
        "carrierServicePlanCode": "", "code": "", "extendedAttributes": attributes(),
        "name": "", "sizeKb": 0,
    }])
}
