//! Refusals: responses of every shape, with every status and header.

use std::{ops::RangeInclusive, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use thingspace_core::{
    AppCredentials, Call, Credentials, Endpoint, Environment, ErrorCode, Refusal, Session, Step,
    Timestamp, UserCredentials,
    api::{Error, LogIn, LogOut, RequestBearerToken, ResetPassword, RevokeBearerToken},
    response::{Class, Fault, MAX_CODE_LENGTH, Shape},
};

use crate::{
    object::{Entry, Object, opens_object},
    response::{assert_hides, response},
    text::Message,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The codes by which the gateway's fields are known that are not in a fault.
const GATEWAY_CODES: RangeInclusive<u32> = 900_000..=900_999;

/// Reads `data` as a response: a line with the status, headers, an empty line and the
/// body.
pub fn refusal(data: &[u8]) {
    let message = Message::read(data);
    let status = message.first.trim().parse().unwrap_or(400);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = response(status.as_u16(), message.body);
    *response.headers_mut() = message.headers;

    let refusal = Refusal::read(response.clone());
    assert_eq!(refusal.status(), status);
    assert_eq!(refusal.response().headers(), response.headers());
    assert_eq!(refusal.response().body(), response.body());
    assert_matches_body(&refusal, message.body);
    assert_has_one_cause(&refusal);
    assert_shows_codes_only(&refusal, message.body);
    assert_retry_after(&refusal);
    assert_is_saved(refusal.shape());
    if let Some(code) = refusal.code() {
        assert_code(code);
    }
    if !status.is_success() {
        assert_every_call_is_refused(&response, &refusal);
        assert_not_executed_twice(&response, &refusal);
    }
}

/// Asserts that an independent reader finds the same in the body.
fn assert_matches_body(refusal: &Refusal, body: &[u8]) {
    match refusal.shape() {
        Shape::Gateway(fault) if !opens_object(body) => {
            return assert_stands_in_xml(fault, body);
        }
        _ => {}
    }
    if !matches!(refusal.shape(), Shape::Other) {
        assert!(opens_object(body));
    }
    let Some(object) = Object::read(body) else {
        return;
    };
    let text = |name| object.entry(name).text();
    match refusal.shape() {
        Shape::Api(error) => {
            let code = text("errorCode").and_then(ErrorCode::read);
            assert_eq!(error.error_code, code);
            assert_eq!(refusal.message(), text("errorMessage"));
            assert!(text("errorCode").is_some() || text("errorMessage").is_some());
        }
        Shape::OAuth(error) => {
            assert_eq!(Some(&*error.error), text("error").map(str::trim));
            assert_eq!(refusal.message(), text("error_description"));
        }
        // Two faults may be one to a reader that goes no deeper.
        _ if object.repeats("fault") => {}
        Shape::Gateway(fault) => {
            let inside = Object::read_in(body, "fault");
            let is_inside = inside.is_some();
            let found = inside.unwrap_or(object);
            let value = |name| found.entry(name);
            let code = value("code").value().and_then(whole);
            assert!(is_inside || code.is_some_and(|code| GATEWAY_CODES.contains(&code)));
            assert_eq!(fault.message.as_deref(), value("message").text());
            assert_eq!(fault.description.as_deref(), value("description").text());
            assert_eq!(fault.code, code);
        }
        _ => {
            assert!(refusal.message().is_none());
            if matches!(object.entry("fault"), Entry::Missing) {
                assert!(text("errorCode").is_none() && text("errorMessage").is_none());
                assert!(text("error").and_then(ErrorCode::read).is_none());
                let code = object.entry("code").value().and_then(whole);
                assert!(code.is_none_or(|code| !GATEWAY_CODES.contains(&code)));
            }
        }
    }
}

/// Asserts that the characters of a fault's texts stand in the body in their order:
/// comments and the like may stand between them.
fn assert_stands_in_xml(fault: &Fault, body: &[u8]) {
    let body = String::from_utf8_lossy(body);
    assert!(body.to_ascii_lowercase().contains("fault"));
    let code = fault.code.map(|code| code.to_string());
    for text in [&code, &fault.message, &fault.description] {
        let mut rest = body.chars();
        let mut text = text.iter().flat_map(|text| text.chars());
        assert!(text.all(|c| rest.any(|other| other == c)));
    }
}

/// Reads a fault's code as a whole number, from a number or a text.
fn whole(code: &Value) -> Option<u32> {
    let number = match code {
        Value::String(text) => text.trim().parse().ok()?,
        code => code.as_f64()?,
    };
    // Rust writes a float without a point only if it is whole.
    number.to_string().parse().ok()
}

/// Asserts that a refusal has one cause only, since each cause has another remedy.
fn assert_has_one_cause(refusal: &Refusal) {
    assert!(!(refusal.is_bearer_fault() && refusal.is_session_refusal()));
    assert!(!(refusal.is_bearer_fault() && refusal.names_credentials()));
    assert!(!refusal.is_bearer_fault() || refusal.status() == StatusCode::UNAUTHORIZED);
    assert!(refusal.fault().is_none() || refusal.code().is_none());
}

/// Asserts that status and code are shown, and that messages and body are not.
fn assert_shows_codes_only(refusal: &Refusal, body: &[u8]) {
    let shown = format!("{refusal} {refusal:?} {refusal:#?}");
    let message = refusal.to_string();
    assert!(!message.contains(char::is_control) && message.len() < MAX_CODE_LENGTH + 100);
    let allowed = format!("{refusal} {:?} {}", refusal.shape(), refusal.status());
    assert_hides(&shown, body, &allowed);

    // The shape is shown without its messages.
    let error = restored(refusal.shape());
    assert_eq!(
        format!("{error:?} {error}"),
        format!("{0:?} {0}", refusal.shape())
    );
}

/// Asserts that the time of `Retry-After` is not in the past, and moves with the clock.
fn assert_retry_after(refusal: &Refusal) {
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

/// Asserts that a saved shape has everything but the messages for a person.
fn assert_is_saved(shape: &Shape) {
    let again = restored(shape);
    assert_eq!(json!(again), json!(shape));
    assert_eq!(restored(&again), again);
}

fn restored(shape: &Shape) -> Shape {
    let saved = serde_json::to_vec(shape).unwrap();
    serde_json::from_slice(&saved).unwrap()
}

/// Asserts that a code is made of its parts, and matches with any service's name.
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
        other => panic!("{other:?}"),
    };
    let (named, _) = without.split_once('.').unwrap_or((without, ""));
    assert!(named.eq_ignore_ascii_case(class));
    assert!(text.starts_with(code.service().unwrap_or_default()));
    assert!(code.is(&format!("Another.{without}")));
}

/// Asserts that all endpoints read the same refusal.
fn assert_every_call_is_refused(response: &Response<Bytes>, refusal: &Refusal) {
    let errors = [
        LogIn::parse(response.clone()).err(),
        LogOut::parse(response.clone()).err(),
        ResetPassword::parse(response.clone()).err(),
        RequestBearerToken::parse(response.clone()).err(),
        RevokeBearerToken::parse(response.clone()).err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert!(matches!(error, Error::Refused(_)));
        assert_eq!(error.refusal().unwrap().shape(), refusal.shape());
        assert!(error.to_string().contains(&refusal.to_string()));
        let error = thingspace_core::Error::from(error);
        assert_eq!(error.is_outcome_unknown(), leaves_outcome_unknown(refusal));
        assert_eq!(error.refusal().unwrap().shape(), refusal.shape());
    }
}

/// Asserts that a session sends a call again only if the refusal says that the call was
/// not executed, and that its error says the same.
fn assert_not_executed_twice(response: &Response<Bytes>, refusal: &Refusal) {
    const MOST_STEPS: u32 = 60;
    let credentials = Credentials::new(
        AppCredentials::new("key", "secret").unwrap(),
        UserCredentials::new("zbeeblebrox", "IMgr8").unwrap(),
    );
    let mut session = Session::new(Environment::mock(), credentials, 7);
    let work = Request::post("/m2m/v1/work").body(Bytes::new()).unwrap();
    let mut call = Call::to(work, session.environment()).unwrap();
    let (mut now, mut times_sent) = (NOW, 0);
    for _ in 0..MOST_STEPS {
        match call.step(&mut session, now) {
            Step::Send(transmit) => {
                let response = match transmit.request.uri().path().rsplit('/').next() {
                    Some("token") => self::response(200, br#"{"access_token":"b"}"#),
                    Some("login") => self::response(200, br#"{"sessionToken":"s"}"#),
                    _ => {
                        times_sent += 1;
                        response.clone()
                    }
                };
                call.receive(&mut session, now, transmit.attempt, Ok(response));
            }
            Step::Wait(wait) => now = wait.until,
            Step::Done(result) => {
                let error = result.unwrap_err();
                let is_recognized = refusal.is_bearer_fault()
                    || refusal.is_session_refusal()
                    || refusal.is_throttled();
                let is_unknown = !is_recognized && leaves_outcome_unknown(refusal);
                assert_eq!(error.is_outcome_unknown(), is_unknown);
                assert!(times_sent == 1 || !is_unknown, "law 6");
                return;
            }
        }
    }
    panic!("law 12: no end");
}

/// Returns true if a refusal with this status does not blame the request.
fn leaves_outcome_unknown(refusal: &Refusal) -> bool {
    let status = refusal.status();
    !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT
}
