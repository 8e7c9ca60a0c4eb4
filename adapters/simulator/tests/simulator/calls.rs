//! Every call of Connectivity Management: its request, and the shape of its response.

use serde_json::{Value, json};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::service::*;

const ACCOUNT: &str = Simulator::ACCOUNT;
const GROUP: &str = "West Coast Devices";

/// A valid request for a call, and the documented shape of the response.
struct Example {
    parameters: Vec<&'static str>,
    query: &'static str,
    /// `null` for none.
    body: Value,
    required: Vec<&'static str>,
    /// A value of each documented field, of its type.
    shape: Value,
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

fn success() -> Value {
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

/// Returns examples for the calls that need no request before them.
fn example(call: Call) -> Example {
    let (one, other) = (imei(1), only(&imei(1)));
    let window = ("2020-12-01T00:00:00Z", "2020-12-03T00:00:00Z");
    match call {
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
        Call::MoveDevicesWithinAccountsOfProfile => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "carrierIpPoolName": "Default",
                "servicePlan": "5MB", "groupName": GROUP, "customFields": [],
                "filter": {"account": ACCOUNT, "groupName": GROUP}}),
            &["accountName"],
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
        Call::ChangeDevicesServicePlan => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "servicePlan": "m2m4G",
                "currentServicePlan": "5MB", "customFields": [], "groupName": GROUP,
                "carrierIpPoolName": "Default", "takeEffect": "2020-12-01T00:00:00Z"}),
            &["servicePlan"],
        ),
        Call::SuspendServiceForDevices | Call::RestoreServiceForSuspendedDevices => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other, "withBilling": true,
                "customFields": [], "groupName": GROUP, "servicePlan": "5MB"}),
            &[],
        ),
        Call::CheckDevicesAvailabilityForActivation => asynchronous(
            json!({"accountName": ACCOUNT, "devices": other}),
            &["accountName", "devices"],
        ),
        Call::RetrieveDeviceConnectionHistory => Example::new(
            &[],
            json!({"hasMoreData": true, "connectionHistory": [{
                "connectionEventAttributes": attributes(),
                "extendedAttributes": attributes(), "occurredAt": "",
            }]}),
        )
        .body(
            json!({"deviceId": one, "earliest": window.0, "latest": window.1}),
            &["deviceId", "earliest", "latest"],
        ),
        Call::UpdateDevicesCostCenterCode => asynchronous(
            json!({"accountName": ACCOUNT, "costCenter": "cost-center 1!#", "devices": other,
                "customFields": [], "groupName": GROUP, "primaryPlaceOfUse": place_of_use(),
                "removeCostCenter": false, "servicePlan": "5MB"}),
            &[],
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
            json!({"deviceId": one, "earliest": "2020-01-01T00:00:00Z", "latest": window.1}),
            &["deviceId", "earliest", "latest"],
        ),
        Call::ListCurrentDevicesPrlVersion => asynchronous(json!({"deviceIds": [one]}), &[]),
        Call::GetDeviceServiceSuspensionStatus => asynchronous(
            json!({"accountName": ACCOUNT, "deviceIds": [one],
                "filter": {"groupName": GROUP, "servicePlan": "5MB", "customFields": []}}),
            &[],
        ),
        Call::ListDevicesUsageHistory => Example::new(
            &[],
            json!({"hasMoreData": true, "usageHistory": [{
                "bytesUsed": 0, "extendedAttributes": attributes(), "servicePlan": "",
                "smsUsed": 0, "source": "", "timestamp": "",
            }]}),
        )
        .body(
            json!({"deviceId": one, "earliest": window.0, "latest": window.1}),
            &["deviceId", "earliest", "latest"],
        ),
        Call::RetrieveAggregateDeviceUsageHistory => asynchronous(
            json!({"accountName": ACCOUNT, "deviceIds": [one], "groupName": GROUP, "label": [],
                "startTime": "2019-08-07T10:42:15-04:00", "endTime": "2019-08-08T10:42:15-04:00"}),
            &["startTime", "endTime"],
        ),
        Call::UpdateDeviceId => {
            let body = json!({"deviceIds": [imei(2)], "change4gOption": "ChangeICCID",
                "deviceIdsTo": [{"id": "89148", "kind": "iccid"}], "assignNonGeoMdn": false,
                "npaNxx": "509555", "servicePlan": "5MB", "zipCode": "98801", "smsrOid": "abc"});
            let mut example = asynchronous(body, &["deviceIds"]);
            example.parameters = vec!["imei"];
            example
        }
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
        Call::BilledUsageInfo => asynchronous(
            json!({"accountName": ACCOUNT, "labels": {"deviceIds": []}, "deviceIds": other,
                "billingCycle": {"year": "2020", "month": "3"}}),
            &["accountName"],
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
        other => panic!("{other:?}"),
    }
}

/// Returns true if a value has no field that the documented shape lacks, and the types of
/// that shape.
fn has_shape(value: &Value, shape: &Value) -> bool {
    match (value, shape) {
        (Value::Object(fields), Value::Object(known)) => fields
            .iter()
            .all(|(name, value)| known.get(name).is_some_and(|known| has_shape(value, known))),
        (Value::Array(values), Value::Array(known)) => {
            values.iter().all(|value| has_shape(value, &known[0]))
        }
        (Value::Number(number), Value::Number(known)) => number.is_f64() == known.is_f64(),
        (value, shape) => std::mem::discriminant(value) == std::mem::discriminant(shape),
    }
}

/// Iterates over the calls of Connectivity Management that are no calls of the session and
/// whose examples are self-contained.
fn calls() -> impl Iterator<Item = Call> {
    Call::all().filter(|call| {
        call.path().starts_with("/m2m/")
            && !call.path().contains("/session/")
            && *call != Call::GetCurrentAsynchronousRequestStatus
    })
}

/// Returns a service with a group, a listener and a text message.
fn furnished() -> (Service, Tokens) {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.register(&tokens, "CarrierService");
    let group = json!({"accountName": ACCOUNT, "groupDescription": "d", "groupName": GROUP});
    let created = service.call(&tokens, Call::CreateDeviceGroup, &[], &group);
    assert_eq!(created.json(), success());
    let (now, from) = (service.now, "5100000001");
    assert!(service.simulator.receive_sms(now, from, "So long"));
    (service, tokens)
}

fn send(service: &mut Service, tokens: &Tokens, call: Call, example: &Example) -> Received {
    let path = format!("{}{}", path(call, &example.parameters), example.query);
    service.call_at(tokens, call, &path, &example.body)
}

#[test]
fn there_are_61_calls() {
    let api = Call::all().filter(|call| call.path().starts_with("/m2m/"));
    assert_eq!(api.count(), 61);
    let count = |method| {
        let api = Call::all().filter(|call| call.path().starts_with("/m2m/"));
        api.filter(|call| call.method() == method).count()
    };
    assert_eq!(["POST", "PUT", "GET", "DELETE"].map(count), [38, 10, 9, 4]);
    assert_eq!(calls().count(), 57);
}

#[test]
fn each_is_executed_and_responds_in_the_documented_shape() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let before = service.simulator.counts().done(call);
        let example = example(call);

        let response = send(&mut service, &tokens, call, &example);

        assert_eq!(response.status, 200, "{call:?}: {response:?}");
        let body = response.json();
        assert!(has_shape(&body, &example.shape), "{call:?}: {body}");
        let is_filled = match &body {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => false,
        };
        assert!(is_filled, "{call:?}");
        assert_eq!(service.simulator.counts().done(call), before + 1);
    }
}

#[test]
fn each_asynchronous_one_ends_with_a_message() {
    for call in calls() {
        let example = example(call);
        if example.shape != json!({"requestId": ""}) {
            continue;
        }
        let (mut service, tokens) = furnished();
        for name in [
            "DevicePRLInformation",
            "DeviceSuspensionStatus",
            "DeviceUsage",
            "DiagnosticsService",
            "EnhancedConnectivityService",
        ] {
            service.register(&tokens, name);
        }
        let id = send(&mut service, &tokens, call, &example).text("requestId");
        assert_eq!(service.status(&tokens, &id), "Pending", "{call:?}");

        service.pass(5 * SECOND);

        let messages = service.accept_callbacks();
        assert_eq!(messages.len(), 1, "{call:?}");
        let message = &messages[0];
        assert_eq!(message["requestId"], id.as_str());
        let (status, outcome) = match service.status(&tokens, &id).as_str() {
            "Success" => ("Success", "deviceResponse"),
            _ => ("Failed", "faultResponse"),
        };
        assert_eq!(message["status"], status, "{call:?}");
        assert!(message[outcome].is_object(), "{call:?}: {message}");
        // Of the examples, these alone ask for what the first device does not allow.
        let fails = matches!(
            call,
            Call::RestoreServiceForSuspendedDevices
                | Call::DeviceUploadStatus
                | Call::EnableLocalProfile
                | Call::DisableLocalProfile
                | Call::DeleteLocalProfile
        );
        assert_eq!(status == "Failed", fails, "{call:?}: {message}");
    }
}

#[test]
fn a_required_field_can_not_be_left_out() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let before = service.simulator.counts().done(call);
        let example = example(call);
        for field in &example.required {
            let mut without = example.body.clone();
            without.as_object_mut().unwrap().remove(*field);
            let parameters = &example.parameters;
            let response = service.call(&tokens, call, parameters, &without);
            assert_refused(&response, call, field);
        }
        assert_eq!(service.simulator.counts().done(call), before, "{call:?}");
    }
}

#[test]
fn a_field_has_its_documented_type_and_name() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let example = example(call);
        let Some(fields) = example.body.as_object() else {
            continue;
        };
        let parameters = &example.parameters;
        for field in fields.keys() {
            let mut other = example.body.clone();
            other[field] = json!({"what": 42});
            // The one field without a documented type.
            if call != Call::UpdateDevicesCostCenterCode || field != "primaryPlaceOfUse" {
                let response = service.call(&tokens, call, parameters, &other);
                assert_refused(&response, call, field);
            }
        }
        let mut more = example.body.clone();
        more["marvin"] = json!("paranoid");
        let response = service.call(&tokens, call, parameters, &more);
        assert_refused(&response, call, "marvin");
        for body in [json!([]), json!("x"), json!(42)] {
            let response = service.call(&tokens, call, parameters, &body);
            assert_refused(&response, call, "the body");
        }
        if call != Call::StopDeviceReachability {
            let response = service.call(&tokens, call, parameters, &Value::Null);
            assert_refused(&response, call, "no body");
        }
    }
}

/// The calls whose errors have three digits.
const NUMBERED: [Call; 10] = [
    Call::DeviceUpload,
    Call::DeviceReachability,
    Call::StopDeviceReachability,
    Call::ActivateDeviceThroughProfile,
    Call::ProfileToActivateDevice,
    Call::ProfileToDeactivateDevice,
    Call::ProfileToSetFallbackAttribute,
    Call::EnableLocalProfile,
    Call::DisableLocalProfile,
    Call::DeleteLocalProfile,
];

#[track_caller]
fn assert_refused(response: &Received, call: Call, what: &str) {
    assert_eq!(response.status, 400, "{call:?}: {what}: {response:?}");
    let code = response.text("errorCode");
    if NUMBERED.contains(&call) {
        assert_eq!(code, "400", "{call:?}: {what}");
    } else {
        assert!(code.starts_with("UnifiedWebService."), "{call:?}: {code}");
    }
}

#[test]
fn each_requires_both_tokens() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let before = service.simulator.counts().seen(call);
        let example = example(call);
        let without_session = Tokens {
            session: String::new(),
            ..tokens.clone()
        };
        send(&mut service, &without_session, call, &example)
            .assert_refused("REQUEST_FAILED.SessionToken.Format");
        let without_bearer = Tokens {
            bearer: "x".to_owned(),
            ..tokens
        };
        send(&mut service, &without_bearer, call, &example).assert_fault(401, "900901");
        assert_eq!(service.simulator.counts().seen(call), before + 2);
    }
}

#[test]
fn each_can_be_broken_alone() {
    let (mut service, tokens) = furnished();
    for call in calls() {
        service.simulator.inject(call, Fault::Empty);
    }
    for call in calls() {
        let response = send(&mut service, &tokens, call, &example(call));
        assert!(response.body.is_empty(), "{call:?}");
        assert_eq!(response.status, 200);
    }
    assert_eq!(service.simulator.faults_left(), 0);
}

#[test]
fn another_account_is_not_there() {
    for call in calls() {
        let (mut service, tokens) = furnished();
        let mut example = example(call);
        if let Some(name) = example.body.get_mut("accountName") {
            *name = "Chintan_CPNStaticBulk".into();
        } else if example.parameters.first() == Some(&ACCOUNT) {
            example.parameters[0] = "4Gpublicaccount ";
        } else {
            continue;
        }
        let response = send(&mut service, &tokens, call, &example);
        assert_refused(&response, call, "account");
    }
}

#[test]
fn a_path_is_decoded() {
    let mut service = Service::with(Simulator::new(1).other_account("4Gpublicaccount "));
    let tokens = service.log_in();
    let call = Call::Account;
    let response = service.call(&tokens, call, &["4Gpublicaccount "], &Value::Null);
    assert_eq!(response.text("accountName"), "4Gpublicaccount ");
}
