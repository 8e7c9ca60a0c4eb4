use bytes::Bytes;
use http::Response;
use serde_json::json;
use thingspace_core::{
    Endpoint,
    api::{
        Pages,
        sms::{ListDevicesSmsMessages, SendSmsToDevice, StartQueuedSmsDelivery},
    },
    model::{CustomFields, DataEncoding, DateTime, DeviceId, RequestId},
};

use crate::stage::{ACCOUNT, Case, check};

const REQUEST: &str = "595f5c44-c31c-4552-8670-020a1545a84d";

#[test]
fn send_sms_to_device() {
    check(|texts| {
        let mut call = SendSmsToDevice::new(texts.account(), texts.text("Rise and shine"));
        call.custom_fields = Some(vec![CustomFields::new(texts.text("k"), texts.text("v"))]);
        call.data_encoding = Some(DataEncoding::UTF_8);
        call.device_ids = Some(vec![DeviceId::imei(texts.text("990013907835573"))]);
        call.group_name = Some(texts.text("West Coast Devices"));
        call.service_plan = Some(texts.text("4G 2GB"));
        call.time_to_live = Some(texts.text("3600"));
        Case::new(call, "POST", &["sms"]).body(json!({
            "accountName": texts.account(),
            "smsMessage": texts.text("Rise and shine"),
            "customFields": [{"key": texts.text("k"), "value": texts.text("v")}],
            "dataEncoding": "8-bit-UTF-8",
            "deviceIds": [{"id": texts.text("990013907835573"), "kind": "imei"}],
            "groupName": texts.text("West Coast Devices"),
            "servicePlan": texts.text("4G 2GB"),
            "timeToLive": texts.text("3600"),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn list_devices_sms_messages() {
    check(|texts| {
        let call = ListDevicesSmsMessages::new(texts.account());
        Case::new(call, "GET", &["sms", &texts.account(), "history"])
    })
    .may_be_retried()
    .returns(
        &json!({"hasMoreData": false, "messages": [{
            "deviceIds": [{"id": "10-digits", "kind": "mdn"}, {"id": "15-digits", "kind": "imei"}],
            "message": "Test message 1", "timestamp": "2019-08-07T10:42:15-04:00",
        }]}),
        |page| {
            assert_eq!(page.has_more_data, Some(false));
            let message = &page.messages[0];
            assert_eq!(message.device_ids[0], DeviceId::mdn("10-digits"));
            assert_eq!(message.message.as_deref(), Some("Test message 1"));
            let sent = message.timestamp.as_ref().and_then(DateTime::timestamp);
            assert_eq!(sent.unwrap().as_millis(), 1_565_188_935_000);
        },
    );
}

#[test]
fn the_next_messages_are_asked_for_by_the_query() {
    check(|texts| {
        let mut call = ListDevicesSmsMessages::new(texts.account());
        call.next = Some(texts.text("9223372036854775807"));
        Case::new(call, "GET", &["sms", &texts.account(), "history"])
            .query("next", texts.text("9223372036854775807"))
    });
}

#[test]
fn a_page_of_messages_says_what_the_next_one_is() {
    let page = |message: &str, location: Option<&str>| {
        let body = json!({"messages": [{"message": message}]}).to_string();
        let mut response = Response::builder();
        if let Some(location) = location {
            response = response.status(202).header("location", location);
        }
        let page = response.body(Bytes::from(body)).unwrap();
        ListDevicesSmsMessages::parse(page).unwrap()
    };
    let mut pages = Pages::new(ListDevicesSmsMessages::new(ACCOUNT));
    let more = format!("/sms/{ACCOUNT}/history?next=9007199254740993");
    let messages = pages.receive(page("1", Some(&more)));
    assert_eq!(messages[0].message.as_deref(), Some("1"));
    let next = pages.request().unwrap();
    assert_eq!(next.next.as_deref(), Some("9007199254740993"));
    assert_eq!(next.account_name, ACCOUNT);
    assert_eq!(pages.receive(page("2", None)).len(), 1);
    assert!(pages.request().is_none());
}

#[test]
fn start_queued_sms_delivery() {
    check(|texts| {
        let call = StartQueuedSmsDelivery::new(texts.account());
        Case::new(call, "PUT", &["sms", &texts.account(), "startCallbacks"])
    })
    .sent_once()
    .returns(&json!({"success": true}), |result| {
        assert_eq!(result.success, Some(true));
    });
}
