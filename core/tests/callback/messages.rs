//! The messages of each service, as far as they are known.

use serde_json::{Value, json};
use thingspace_core::{
    callback::{
        AlertService, CallbackContent, CallbackMessage, CarrierService, DevicePrlInformation,
        DeviceService, DeviceSuspensionStatus, DeviceUsage, DiagnosticsService,
        EnhancedConnectivityService, ExternalProvisioningChanges, NiddService,
    },
    model::{CarrierState, DateTime, DeviceId, DeviceIdKind, RequestId, RequestStatus},
};

use crate::stage::*;

/// Reads the content of a message. All of it must be understood.
fn content<C: CallbackContent>(body: &Value) -> C {
    let message = accepted(body).message;
    assert_eq!(message.other.unfit(), [""; 0]);
    message.content()
}

#[test]
fn all_messages_name_their_request_device_and_count() {
    let CallbackMessage {
        request_id,
        device_ids,
        status,
        fault,
        callback_count,
        max_callback_threshold,
        ..
    } = accepted(&activated()).message;
    assert_eq!(request_id.as_ref().map(RequestId::as_str), Some(REQUEST_ID));
    // Kinds come in any case.
    assert_eq!(device_ids, [DeviceId::imei("990000473475989")]);
    assert_eq!(status, Some(RequestStatus::SUCCESS));
    assert_eq!(fault, None);
    assert_eq!((callback_count, max_callback_threshold), (Some(1), Some(4)));
}

#[test]
fn a_failure_has_a_code_and_a_text() {
    let message = accepted(&failed()).message;
    assert_eq!(message.status.unwrap().as_str(), "Failed");
    let fault = message.fault.unwrap();
    assert_eq!(
        fault.fault_code.as_deref(),
        Some("REQUEST_FAILED.UnexpectedError")
    );
    assert_eq!(
        fault.fault_string.as_deref(),
        Some("The device is on another account.")
    );
    assert_eq!(fault.other.get("faultactor"), Some(&json!("carrier")));
}

#[test]
fn numbers_and_texts_stand_for_each_other() {
    let message = accepted(&message(&json!({
        "requestId": 17,
        "callbackCount": "2",
        "deviceIds": {"id": 9_085_551_234_u64, "kind": "MDN"},
    })))
    .message;
    assert_eq!(message.request_id, RequestId::new("17"));
    assert_eq!(message.callback_count, Some(2));
    assert_eq!(message.device_ids, [DeviceId::mdn("9085551234")]);
}

#[test]
fn carrier_service() {
    assert_eq!(CarrierService::SERVICE, "CarrierService");
    let response = content::<CarrierService>(&activated()).device_response;
    let device = response.unwrap().activate.unwrap();
    assert_eq!(device.device_ids[1].kind, DeviceIdKind::ICCID);
    assert_eq!(device.device_ids[2], DeviceId::mdn("9085551234"));
    assert_eq!(device.ip_address.as_deref(), Some("10.120.102.147"));
    assert_eq!(device.service_plan.as_deref(), Some("M2M_4G"));
    assert_eq!(device.state, Some(CarrierState::ACTIVE));
    assert_eq!(device.feature_codes, ["75802", "84777"]);

    let response = content::<CarrierService>(&suspended()).device_response;
    let device = response.unwrap().suspend.unwrap();
    let resumes = device.expected_resume_date.unwrap();
    assert_eq!(resumes, DateTime::from("2017-03-15T00:00:00Z"));
    assert!(resumes.timestamp().is_some());
    assert_eq!(device.max_suspend_days_allowed, Some(90));
    assert_eq!(device.days_allowed_current_12_months, Some(180));
    assert_eq!(device.days_suspended_last_12_months, Some(0));

    let response = content::<CarrierService>(&identifier_changed()).device_response;
    let device = response.unwrap().change_identifier.unwrap();
    assert_eq!(device.device_ids, [DeviceId::iccid("A1000001999990")]);
    assert_eq!(device.service_plan.as_deref(), Some("M2M_4G"));

    let other = message(&json!({"deviceResponse": {
        "restoreResponse": {"restored": true},
        "deactivateResponse": {"deactivated": "true"},
        "changeServicePlanResponse": {},
    }}));
    let response = content::<CarrierService>(&other).device_response.unwrap();
    assert_eq!(response.restore, Some(json!({"restored": true})));
    assert_eq!(response.deactivate, Some(json!({"deactivated": "true"})));
    let open = response.other.get("changeServicePlanResponse");
    assert_eq!(open, Some(&json!({})));
}

#[test]
fn device_usage() {
    assert_eq!(DeviceUsage::SERVICE, "DeviceUsage");
    let response = content::<DeviceUsage>(&usage()).device_response.unwrap();
    let device = &response.usage[0];
    assert_eq!(device.device_ids[0].kind, DeviceIdKind::EID);
    assert_eq!(device.other.get("bytesUsed"), Some(&json!(4096)));
}

#[test]
fn enhanced_connectivity_service() {
    type Sms = EnhancedConnectivityService;
    assert_eq!(Sms::SERVICE, "EnhancedConnectivityService");
    let text = content::<Sms>(&sms_from_device()).sms_message;
    assert_eq!(text.as_deref(), Some("The door is open."));
    let delivery = |body: Value| {
        let response = content::<Sms>(&body).device_response;
        response.unwrap().sms_delivery.unwrap()
    };
    let confirmation = delivery(sms_delivered()).confirmation;
    assert_eq!(confirmation.as_deref(), Some("Success"));
    let fault = delivery(sms_lost()).fault.unwrap();
    assert_eq!(fault.fault_code.as_deref(), Some("SMS.Expired"));
}

#[test]
fn device_prl_information() {
    assert_eq!(DevicePrlInformation::SERVICE, "DevicePRLInformation");
    let response = content::<DevicePrlInformation>(&prl()).device_response;
    let prl = response.unwrap().prl_information.unwrap();
    assert_eq!(prl.prl_version.as_deref(), Some("52634"));
}

#[test]
fn nidd_service() {
    assert_eq!(NiddService::SERVICE, "NiddService");
    let content_of = |body: &Value| content::<NiddService>(body);
    let data = content_of(&nidd_data());
    // The inner object names the device more fully than the message does.
    assert_eq!(accepted(&nidd_data()).message.device_ids.len(), 1);
    assert_eq!(data.device_ids().len(), 4);
    assert_eq!(
        data.device_ids()[3],
        DeviceId::iccid("99948000004347398194")
    );
    let data = data.nidd_response.unwrap().notification.unwrap();
    assert_eq!(data.account_name.as_deref(), Some("9999080353-00001"));
    assert_eq!(data.data().as_deref(), Some(&b"ABC"[..]));

    let queued = content_of(&nidd_queued());
    assert_eq!(queued.device_ids().len(), 2);
    let report = queued.nidd_response.unwrap().delivery.unwrap();
    let reason = report.reason.as_deref();
    assert_eq!(reason, Some("Buffered, device not reachable"));

    let configured = content_of(&nidd_configured());
    assert_eq!(configured.device_ids(), [DeviceId::mdn("9996661234")]);
    assert!(configured.nidd_response.unwrap().config.is_some());

    assert!(content_of(&activated()).device_ids().is_empty());
    let empty = message(&json!({"niddResponse": {}}));
    assert!(content_of(&empty).device_ids().is_empty());
}

#[test]
fn the_data_of_a_device_is_read_from_every_base64_that_was_seen() {
    for (text, data) in [
        ("SGVsbG8sIFdvcmxkIQ==", Some(&b"Hello, World!"[..])),
        (r"SGVsbG8sIFdvcmxkIQ\u003d\u003d", Some(b"Hello, World!")),
        (" QUJD\n", Some(b"ABC")),
        ("", Some(b"")),
        ("QUJ", None),
        ("Hello!", None),
    ] {
        let mut body = nidd_data();
        body["niddResponse"]["niddMONotificationResponse"]["message"] = json!(text);
        let response = content::<NiddService>(&body).nidd_response.unwrap();
        assert_eq!(response.notification.unwrap().data().as_deref(), data);
    }
}

#[test]
fn what_is_open_stays_whole_under_the_name_of_its_service() {
    let response = Some(&json!({"anything": [1, {"a": null}]}));
    let body = open();
    for (name, service, other) in [
        (
            "DeviceSuspensionStatus",
            DeviceSuspensionStatus::SERVICE,
            content::<DeviceSuspensionStatus>(&body).other,
        ),
        (
            "DeviceService",
            DeviceService::SERVICE,
            content::<DeviceService>(&body).other,
        ),
        (
            "ExternalProvisioningChanges",
            ExternalProvisioningChanges::SERVICE,
            content::<ExternalProvisioningChanges>(&body).other,
        ),
        (
            "AlertService",
            AlertService::SERVICE,
            content::<AlertService>(&body).other,
        ),
        (
            "DiagnosticsService",
            DiagnosticsService::SERVICE,
            content::<DiagnosticsService>(&body).other,
        ),
        // A service that nobody has heard of.
        (
            "StateService",
            "StateService",
            accepted(&body).message.other,
        ),
    ] {
        assert_eq!(service, name);
        assert_eq!(other.get("deviceResponse"), response);
        assert_eq!(other.get("comment"), Some(&json!("changed")));
        assert_eq!(other.iter().count(), 2);
    }
}

#[test]
fn a_message_can_be_saved_whole_without_its_credentials() {
    for body in all() {
        let callback = accepted(&body);
        let mut expected = body;
        expected.as_object_mut().unwrap().remove("username");
        expected.as_object_mut().unwrap().remove("password");
        assert_eq!(callback.json(), &expected);
        assert_eq!(callback.into_json(), expected);
    }
}
