//! Answers by which somebody refuses: every shape, status and header.

use std::time::Duration;

use http::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use thingspace_core::{
    Endpoint, Error, ErrorCode, Fate, Refusal, Timestamp,
    api::{LogIn, LogOut, RequestBearerToken, ResetPassword, RevokeBearerToken},
    refusal::{Class, MAX_CODE_LENGTH, Shape},
};

use crate::{
    answer::{answer, assert_hides},
    object::{Object, Said},
    text::Message,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The fields of all shapes.
const FIELDS: [&str; 5] = [
    "errorCode",
    "errorMessage",
    "fault",
    "error",
    "error_description",
];

/// Reads `data` as an answer: a line with the status, headers, and behind an
/// empty line the body.
pub fn refusal(data: &[u8]) {
    let message = Message::read(data);
    let status = message.first.trim().parse().unwrap_or(400);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = answer(status.as_u16(), message.body);
    *answer.headers_mut() = message.headers;

    let refusal = Refusal::read(answer.clone());
    assert_eq!(refusal.status(), status);
    assert_eq!(refusal.response().headers(), answer.headers());
    assert_eq!(refusal.response().body(), answer.body());
    assert_says_what_stands_there(&refusal, message.body);
    assert_is_one_thing(&refusal);
    assert_shows_codes_only(&refusal, message.body);
    assert_waits(&refusal);
    assert_is_remembered(refusal.shape());
    if let Some(code) = refusal.code() {
        assert_code(code);
    }
    if !status.is_success() {
        assert_every_call_is_refused(&answer, &refusal);
    }
}

/// What is read of the body is what another reader finds there.
fn assert_says_what_stands_there(refusal: &Refusal, body: &[u8]) {
    if !matches!(refusal.shape(), Shape::Other) {
        assert!(body.trim_ascii_start().starts_with(b"{"));
    }
    let Some(object) = Object::read(body) else {
        return;
    };
    let says = |name| object.says(name).text();
    match refusal.shape() {
        Shape::Api(error) => {
            let code = says("errorCode").and_then(ErrorCode::read);
            assert_eq!(error.error_code, code);
            assert_eq!(refusal.message(), says("errorMessage"));
            assert!(says("errorCode").is_some() || says("errorMessage").is_some());
        }
        Shape::OAuth(error) => {
            assert_eq!(Some(&*error.error), says("error"));
            assert_eq!(refusal.message(), says("error_description"));
        }
        Shape::Gateway(fault) => {
            let body: Value = serde_json::from_slice(body).unwrap();
            let there = &body["fault"];
            assert!(there.is_object());
            assert_eq!(fault.message.as_deref(), there["message"].as_str());
            assert_eq!(fault.description.as_deref(), there["description"].as_str());
            assert_eq!(fault.code, whole(&there["code"]));
        }
        _ => {
            assert!(refusal.message().is_none());
            // What says nothing twice, and has no fault, would have been understood.
            if object.is_clear(&FIELDS) && matches!(object.says("fault"), Said::Nothing) {
                assert!(says("errorCode").is_none() && says("errorMessage").is_none());
                assert!(says("error").and_then(ErrorCode::read).is_none());
            }
        }
    }
}

/// The whole number that a fault's code is, bare or as text.
fn whole(code: &Value) -> Option<u32> {
    let number = match code {
        Value::String(text) => text.trim().parse().ok()?,
        code => code.as_f64()?,
    };
    // A float is written without a point only if it is whole.
    number.to_string().parse().ok()
}

/// No answer blames two things, of which each has another remedy.
fn assert_is_one_thing(refusal: &Refusal) {
    assert!(!(refusal.is_bearer_fault() && refusal.is_session_refusal()));
    assert!(!(refusal.is_bearer_fault() && refusal.names_credentials()));
    assert!(!refusal.is_bearer_fault() || refusal.status() == StatusCode::UNAUTHORIZED);
    assert!(refusal.fault().is_none() || refusal.code().is_none());
    assert!(!refusal.may_pass() || refusal.leaves_fate_open());
}

/// Statuses and codes are shown; messages and bodies are not.
fn assert_shows_codes_only(refusal: &Refusal, body: &[u8]) {
    let shown = format!("{refusal} {refusal:?} {refusal:#?}");
    let message = refusal.to_string();
    assert!(!message.contains(char::is_control) && message.len() < MAX_CODE_LENGTH + 100);
    let told = format!("{refusal} {:?} {}", refusal.shape(), refusal.status());
    assert_hides(&shown, body, &told);

    // What is told of the shape is told without its messages.
    let error = remembered(refusal.shape());
    assert_eq!(
        format!("{error:?} {error}"),
        format!("{0:?} {0}", refusal.shape())
    );
}

/// A time to come back at is not in the past, and moves with the clock.
fn assert_waits(refusal: &Refusal) {
    let headers = refusal.response().headers();
    let Some(until) = refusal.retry_after(NOW) else {
        let value = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let is_number = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit());
        assert!(value.is_none_or(|value| value.trim().is_empty() || !is_number(value.trim())));
        return;
    };
    assert!(until >= NOW && headers.contains_key(RETRY_AFTER));
    let asked = headers[RETRY_AFTER].to_str().unwrap().trim();
    if let Ok(seconds) = asked.parse() {
        assert_eq!(until, NOW + Duration::from_secs(seconds));
    }
    for now in [Timestamp::default(), Timestamp::MAX] {
        assert!(refusal.retry_after(now).unwrap() >= now);
    }
}

/// What is kept of a shape is all of it but the messages for a person.
fn assert_is_remembered(shape: &Shape) {
    let again = remembered(shape);
    assert_eq!(json!(again), json!(shape));
    assert_eq!(remembered(&again), again);
}

fn remembered(shape: &Shape) -> Shape {
    let kept = serde_json::to_vec(shape).unwrap();
    serde_json::from_slice(&kept).unwrap()
}

/// A code is put together of its parts, and is itself whichever service it is from.
fn assert_code(code: &ErrorCode) {
    let text = code.as_str();
    assert!(!text.is_empty() && text.len() <= MAX_CODE_LENGTH);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(ErrorCode::read(text).as_ref(), Some(code));
    assert!(code.is(text) && code.is(code.without_service()));
    assert_eq!(code.segments().collect::<Vec<_>>().join("."), text);

    let without = code.without_service();
    assert!(text.ends_with(without) && without.ends_with(code.specific()));
    let Some(class) = code.class() else {
        assert_eq!(
            (code.service(), without, code.specific()),
            (None, text, text)
        );
        return;
    };
    let class = match class {
        Class::InputInvalid => "INPUT_INVALID",
        Class::RequestFailed => "REQUEST_FAILED",
        Class::RequestOnHold => "REQUEST_ONHOLD",
        Class::RequestCancelled => "REQUEST_CANCELLED",
    };
    let (named, _) = without.split_once('.').unwrap_or((without, ""));
    assert!(named.eq_ignore_ascii_case(class));
    assert!(text.starts_with(code.service().unwrap_or_default()));
    assert!(code.is(&format!("Another.{without}")));
}

/// Whatever was asked for, this is the same refusal.
fn assert_every_call_is_refused(answer: &Response<bytes::Bytes>, refusal: &Refusal) {
    let errors = [
        LogIn::parse(answer.clone()).err(),
        LogOut::parse(answer.clone()).err(),
        ResetPassword::parse(answer.clone()).err(),
        RequestBearerToken::parse(answer.clone()).err(),
        RevokeBearerToken::parse(answer.clone()).err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert!(matches!(error, Error::Refused(_)));
        assert_eq!(error.refusal().unwrap().shape(), refusal.shape());
        let open = refusal.leaves_fate_open();
        assert_eq!(
            error.fate(),
            if open { Fate::Unknown } else { Fate::Refused }
        );
        assert!(error.to_string().contains(&refusal.to_string()));
    }
}
