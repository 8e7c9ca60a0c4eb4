use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use thingspace_core::{
    Timestamp,
    api::{
        Paged, Pages,
        device_history::{
            BilledUsageInfo, BillingCycle, ConnectionEvent, DeviceFilterWithoutAccount,
            GetDeviceExtendedDiagnosticInformation, GetDeviceServiceSuspensionStatus, Label,
            ListCurrentDevicesPrlVersion, ListDevicesProvisioningHistory, ListDevicesUsageHistory,
            RetrieveAggregateDeviceUsageHistory, RetrieveDeviceConnectionHistory,
        },
        device_labels::{DeviceLabels, LabelsList},
    },
    model::{
        CustomFields, DateTime, DeviceId, DeviceIdKind, DeviceList, ProvisioningEventType,
        RequestId,
    },
};

use crate::stage::{Case, check};

const REQUEST: &str = "595f5c44-c31c-4552-8670-020a1545a84d";
const ICCID: &str = "89141390780800784259";
const EARLIEST: &str = "2015-09-16T00:00:01Z";
const LATEST: &str = "2015-12-31T00:00:01Z";

#[test]
fn retrieve_device_connection_history() {
    check(|texts| {
        let call = RetrieveDeviceConnectionHistory::new(
            DeviceId::iccid(texts.text(ICCID)),
            texts.text(EARLIEST),
            texts.text(LATEST),
        );
        Case::new(
            call,
            "POST",
            &["devices", "connections", "actions", "listHistory"],
        )
        .body(json!({
            "deviceId": {"id": texts.text(ICCID), "kind": "iccId"},
            "earliest": texts.text(EARLIEST),
            "latest": texts.text(LATEST),
        }))
    })
    .may_be_retried()
    .returns(
        &json!({"connectionHistory": [
            {"connectionEventAttributes": [
                {"key": "BytesUsed", "value": "0"}, {"key": "Event", "value": "Start"},
            ], "extendedAttributes": [], "occurredAt": "2015-12-17T14:12:36-05:00"},
            {"connectionEventAttributes": [
                {"key": "BytesUsed", "value": "419863234"},
                {"key": "Event", "value": "Stop"},
                {"key": "Msisdn", "value": "15086303371"},
            ], "extendedAttributes": [], "occurredAt": "2015-12-19T01:20:00-05:00"},
        ], "hasMoreData": false}),
        |page| {
            assert_eq!(page.has_more_data, Some(false));
            let bytes = page.connection_history.iter();
            let bytes: Vec<_> = bytes.map(ConnectionEvent::bytes_used).collect();
            assert_eq!(bytes, [Some(0), Some(419_863_234)]);
            let event = &page.connection_history[1];
            assert_eq!(
                event.connection_event_attributes[1],
                CustomFields::new("Event", "Stop")
            );
            let moment = event.occurred_at.as_ref().and_then(DateTime::timestamp);
            assert_eq!(moment, Some(Timestamp::from_millis(1_450_506_000_000)));
        },
    );
}

#[test]
fn get_device_extended_diagnostic_information() {
    check(|texts| {
        let call = GetDeviceExtendedDiagnosticInformation::new(
            texts.account(),
            [DeviceId::mdn(texts.text("5551234567"))],
        );
        let path = ["devices", "extendeddiagnostics", "actions", "list"];
        Case::new(call, "POST", &path).body(json!({
            "accountName": texts.account(),
            "deviceList": [{"id": texts.text("5551234567"), "kind": "mdn"}],
        }))
    })
    .may_be_retried()
    .returns(
        &json!({"categories": [{
            "categoryName": "Connectivity",
            "extendedAttributes": [{"key": "Connected", "value": "false"}],
        }]}),
        |result| {
            let category = &result.categories[0];
            assert_eq!(category.category_name.as_deref(), Some("Connectivity"));
            assert_eq!(
                category.extended_attributes,
                [CustomFields::new("Connected", "false")]
            );
        },
    );
}

#[test]
fn list_devices_provisioning_history() {
    check(|texts| {
        let call = ListDevicesProvisioningHistory::new(
            DeviceId::iccid(texts.text(ICCID)),
            texts.text(EARLIEST),
            texts.text(LATEST),
        );
        Case::new(call, "POST", &["devices", "history", "actions", "list"]).body(json!({
            "deviceId": {"id": texts.text(ICCID), "kind": "iccId"},
            "earliest": texts.text(EARLIEST),
            "latest": texts.text(LATEST),
        }))
    })
    .may_be_retried()
    .returns(
        &json!([{"provisioningHistory": [{
            "occurredAt": "2015-12-17T13:56:13-05:00",
            "status": "Success",
            "eventBy": "Harry Potter",
            "eventType": "Activation Confirmed",
            "servicePlan": "Tablet5GB",
            "mdn": "",
            "msisdn": "15086303371",
            "extendedAttributes": [],
        }], "hasMoreData": false}]),
        |pages| {
            assert_eq!(pages[0].has_more_data, Some(false));
            let event = &pages[0].provisioning_history[0];
            assert_eq!(
                event.event_type,
                Some(ProvisioningEventType::ACTIVATION_CONFIRMED)
            );
            assert_eq!(event.mdn.as_deref(), Some(""));
            assert_eq!(event.msisdn.as_deref(), Some("15086303371"));
        },
    );
}

#[test]
fn list_current_devices_prl_version() {
    check(|texts| {
        let mut call = ListCurrentDevicesPrlVersion::new();
        let meid = DeviceId::new(DeviceIdKind::MEID, texts.text("A10085E5003861"));
        call.device_ids = Some(vec![meid]);
        Case::new(call, "POST", &["devices", "prl", "actions", "list"]).body(json!({
            "deviceIds": [{"id": texts.text("A10085E5003861"), "kind": "meid"}],
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn the_prl_version_of_a_group_is_asked_for() {
    check(|texts| {
        let mut call = ListCurrentDevicesPrlVersion::new();
        call.account_name = Some(texts.account());
        call.custom_fields = Some(vec![CustomFields::new("CustomField1", texts.text("v"))]);
        call.group_name = Some(texts.text("West Region"));
        call.service_plan = Some(texts.text("3G 2MB"));
        Case::new(call, "POST", &["devices", "prl", "actions", "list"]).body(json!({
            "accountName": texts.account(),
            "customFields": [{"key": "CustomField1", "value": texts.text("v")}],
            "groupName": texts.text("West Region"),
            "servicePlan": texts.text("3G 2MB"),
        }))
    });
}

#[test]
fn get_device_service_suspension_status() {
    check(|texts| {
        let mut filter = DeviceFilterWithoutAccount::new();
        filter.group_name = Some(texts.text("suspended devices"));
        filter.service_plan = Some(texts.text("3G 2MB"));
        filter.custom_fields = Some(vec![CustomFields::new("CustomField1", texts.text("v"))]);
        let mut call = GetDeviceServiceSuspensionStatus::new();
        let meid = DeviceId::new(DeviceIdKind::MEID, texts.text("A10085E5003861"));
        call.device_ids = Some(vec![meid]);
        call.filter = Some(filter);
        call.account_name = Some(texts.account());
        Case::new(call, "POST", &["devices", "suspension", "status"]).body(json!({
            "deviceIds": [{"id": texts.text("A10085E5003861"), "kind": "meid"}],
            "filter": {
                "groupName": texts.text("suspended devices"),
                "servicePlan": texts.text("3G 2MB"),
                "customFields": [{"key": "CustomField1", "value": texts.text("v")}],
            },
            "accountName": texts.account(),
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn fields_of_a_filter_that_are_not_set_are_absent() {
    check(|texts| {
        let mut filter = DeviceFilterWithoutAccount::new();
        filter.group_name = Some(texts.text("suspended devices"));
        let mut call = GetDeviceServiceSuspensionStatus::new();
        call.filter = Some(filter);
        Case::new(call, "POST", &["devices", "suspension", "status"]).body(json!({
            "filter": {"groupName": texts.text("suspended devices")},
        }))
    });
}

#[test]
fn list_devices_usage_history() {
    check(|texts| {
        let mut call = ListDevicesUsageHistory::new(texts.text(EARLIEST), texts.text(LATEST));
        let eid = texts.text("50684915885088839315521399821675");
        call.device_id = Some(DeviceId::new(DeviceIdKind::EID, eid.clone()));
        Case::new(call, "POST", &["devices", "usage", "actions", "list"]).body(json!({
            "earliest": texts.text(EARLIEST),
            "latest": texts.text(LATEST),
            "deviceId": {"id": eid, "kind": "eid"},
        }))
    })
    .may_be_retried()
    .returns(
        &json!({"hasMoreData": false, "usageHistory": [{
            "bytesUsed": 9_007_199_254_740_993_i64,
            "extendedAttributes": [{"key": "MoSms", "value": "0"}],
            "servicePlan": "m2m4G",
            "smsUsed": 0,
            "source": "Raw Usage",
            "timestamp": "2020-12-01T00:00:00Z",
        }]}),
        |page| {
            let usage = &page.usage_history[0];
            assert_eq!(usage.bytes_used, Some(9_007_199_254_740_993));
            assert_eq!(usage.sms_used, Some(0));
            assert_eq!(usage.source.as_deref(), Some("Raw Usage"));
        },
    );
}

#[test]
fn the_usage_of_a_label_is_asked_for() {
    check(|texts| {
        let mut call = ListDevicesUsageHistory::new(texts.text(EARLIEST), texts.text(LATEST));
        call.label = Some(Label::new(texts.text("Department"), texts.text("Sales")));
        Case::new(call, "POST", &["devices", "usage", "actions", "list"]).body(json!({
            "earliest": texts.text(EARLIEST),
            "latest": texts.text(LATEST),
            "label": {"name": texts.text("Department"), "value": texts.text("Sales")},
        }))
    });
}

#[test]
fn retrieve_aggregate_device_usage_history() {
    check(|texts| {
        let mut call = RetrieveAggregateDeviceUsageHistory::new(
            texts.text("2021-08-01T00:00:00-06:00"),
            texts.text("2021-08-30T00:00:00-06:00"),
        );
        call.device_ids = Some(vec![DeviceId::iccid(texts.text("84258000000891490087"))]);
        call.account_name = Some(texts.account());
        call.group_name = Some(texts.text("West Region"));
        let mut label = Label::default();
        label.name = Some(texts.text("Department"));
        call.label = Some(vec![label]);
        Case::new(
            call,
            "POST",
            &["devices", "usage", "actions", "list", "aggregate"],
        )
        .body(json!({
            "startTime": texts.text("2021-08-01T00:00:00-06:00"),
            "endTime": texts.text("2021-08-30T00:00:00-06:00"),
            "deviceIds": [{"id": texts.text("84258000000891490087"), "kind": "iccId"}],
            "accountName": texts.account(),
            "groupName": texts.text("West Region"),
            "label": [{"name": texts.text("Department")}],
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn billed_usage_info() {
    check(|texts| {
        let mut call = BilledUsageInfo::new(texts.account());
        let label = DeviceLabels::new(texts.text("Department"), texts.text("Sales"));
        call.labels = Some(LabelsList::new([label]));
        let device = DeviceList::new([DeviceId::iccid(texts.text(ICCID))]);
        call.device_ids = Some(vec![device]);
        call.billing_cycle = Some(BillingCycle::new(texts.text("2020"), texts.text("3")));
        Case::new(
            call,
            "POST",
            &["devices", "usage", "actions", "billedusage", "list"],
        )
        .body(json!({
            "accountName": texts.account(),
            "labels": {"deviceIds": [
                {"name": texts.text("Department"), "value": texts.text("Sales")}
            ]},
            "deviceIds": [{"deviceIds": [{"id": texts.text(ICCID), "kind": "iccId"}]}],
            "billingCycle": {"year": texts.text("2020"), "month": texts.text("3")},
        }))
    })
    .may_be_retried()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

/// Receives a page with this status and body.
fn receive<E: Paged>(pages: &mut Pages<E>, status: u16, body: &Value) -> Vec<E::Item> {
    let response = Response::builder().status(status);
    let page = response.body(Bytes::from(body.to_string())).unwrap();
    pages.receive(E::parse(page).unwrap())
}

fn connections() -> Pages<RetrieveDeviceConnectionHistory> {
    let device = DeviceId::iccid(ICCID);
    Pages::new(RetrieveDeviceConnectionHistory::new(
        device, EARLIEST, LATEST,
    ))
}

/// A page of events, each by the day of its time and its bytes.
fn events(days: &[(&str, i64)], has_more_data: bool) -> Value {
    let events: Vec<_> = days
        .iter()
        .map(|(day, bytes)| {
            json!({"occurredAt": format!("2015-12-{day}T01:20:00-05:00"),
                "connectionEventAttributes": [{"key": "BytesUsed", "value": bytes.to_string()}]})
        })
        .collect();
    json!({"connectionHistory": events, "hasMoreData": has_more_data})
}

fn bytes(events: &[ConnectionEvent]) -> Vec<i64> {
    events
        .iter()
        .filter_map(ConnectionEvent::bytes_used)
        .collect()
}

#[test]
fn connections_go_on_from_the_last_event_and_none_is_listed_twice() {
    let mut pages = connections();
    let first = events(&[("17", 1), ("18", 2), ("18", 3)], true);
    assert_eq!(bytes(&receive(&mut pages, 202, &first)), [1, 2, 3]);
    let next = pages.request().unwrap();
    assert_eq!(next.earliest.as_str(), "2015-12-18T01:20:00-05:00");
    assert_eq!(next.latest.as_str(), LATEST);
    // Two events of one moment can be alike. Both are listed.
    let second = events(&[("18", 2), ("18", 3), ("18", 3), ("19", 4)], false);
    assert_eq!(bytes(&receive(&mut pages, 200, &second)), [3, 4]);
    assert!(pages.request().is_none());
    assert!(!pages.repeats());
}

#[test]
fn more_events_than_fit_on_a_page_in_one_moment_are_told() {
    let mut pages = connections();
    receive(&mut pages, 202, &events(&[("17", 1), ("18", 2)], true));
    let full = events(&[("18", 2), ("18", 3)], true);
    assert_eq!(bytes(&receive(&mut pages, 202, &full)), [3]);
    assert!(pages.request().is_none());
    assert!(pages.repeats());
}

#[test]
fn a_page_without_times_does_not_pass_for_the_end_of_the_history() {
    let mut pages = connections();
    let page = json!({"connectionHistory": [{"extendedAttributes": []}], "hasMoreData": true});
    assert_eq!(receive(&mut pages, 202, &page).len(), 1);
    assert!(pages.request().is_none());
    assert!(pages.repeats());

    let mut pages = connections();
    assert!(receive(&mut pages, 202, &json!({"connectionHistory": []})).is_empty());
    assert!(pages.repeats());
}

#[test]
fn a_status_of_202_alone_says_that_more_follows() {
    let mut pages = connections();
    receive(
        &mut pages,
        202,
        &json!({"connectionHistory": [{"occurredAt": LATEST}]}),
    );
    assert_eq!(pages.request().unwrap().earliest.as_str(), LATEST);
}

#[test]
fn provisioning_goes_on_from_the_last_event_of_the_last_page_in_the_array() {
    let device = DeviceId::iccid(ICCID);
    let mut pages = Pages::new(ListDevicesProvisioningHistory::new(
        device, EARLIEST, LATEST,
    ));
    let event = |kind: &str, day: &str| json!({"eventType": kind, "occurredAt": format!("2015-12-{day}T00:00:00Z")});
    let page = json!([
        {"provisioningHistory": [event("Activate", "17")], "hasMoreData": true},
        {"provisioningHistory": [event("Suspend", "18")]},
    ]);
    assert_eq!(receive(&mut pages, 200, &page).len(), 2);
    let next = pages.request().unwrap();
    assert_eq!(next.earliest.as_str(), "2015-12-18T00:00:00Z");
    // A bare page is taken for an array of one.
    let page = json!({
        "provisioningHistory": [event("Suspend", "18"), event("Restore", "19")],
        "hasMoreData": false,
    });
    let kinds = receive(&mut pages, 200, &page);
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter_map(|event| event.event_type)
        .collect();
    assert_eq!(kinds, [ProvisioningEventType::RESTORE]);
    assert!(pages.request().is_none());
}

#[test]
fn usage_goes_on_from_the_last_day() {
    let mut pages = Pages::new(ListDevicesUsageHistory::new(EARLIEST, LATEST));
    let page = |days: &[&str], has_more_data: bool| {
        let days = days.iter();
        let usage = days.map(|day| json!({"timestamp": format!("2015-12-{day}T00:00:00Z")}));
        json!({"usageHistory": usage.collect::<Vec<_>>(), "hasMoreData": has_more_data})
    };
    assert_eq!(
        receive(&mut pages, 202, &page(&["01", "02"], true)).len(),
        2
    );
    let next = pages.request().unwrap();
    assert_eq!(next.earliest.as_str(), "2015-12-02T00:00:00Z");
    assert_eq!(
        receive(&mut pages, 200, &page(&["02", "03"], false)).len(),
        1
    );
    assert!(pages.request().is_none());
}

#[test]
fn usage_that_comes_newest_first_does_not_pass_for_complete() {
    let mut pages = Pages::new(ListDevicesUsageHistory::new(EARLIEST, LATEST));
    let newest = json!({"usageHistory": [
        {"timestamp": "2015-12-30T00:00:00Z"}, {"timestamp": "2015-12-29T00:00:00Z"},
    ], "hasMoreData": true});
    assert_eq!(receive(&mut pages, 202, &newest).len(), 2);
    assert!(receive(&mut pages, 202, &newest).is_empty());
    assert!(pages.repeats());
}
