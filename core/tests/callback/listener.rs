//! Whose messages are accepted, and how the others are refused.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use thingspace_core::{
    CredentialsError,
    callback::{
        CallbackRefusal, Listener, ListenerCredentials, MAX_CALLBACK_BODY, ROTATION_OVERLAP,
    },
    model::RequestId,
};

use crate::stage::*;

fn with(username: &Value, password: &Value) -> String {
    message(&json!({"username": username, "password": password})).to_string()
}

#[test]
fn a_message_with_the_registered_credentials_is_accepted() {
    let callback = accepted(&activated());
    let id = callback.message.request_id.as_ref();
    assert_eq!(id.map(RequestId::as_str), Some(REQUEST_ID));
    let response = callback.response();
    assert!(response.status().is_success());
    assert!(response.body().is_empty());
}

#[test]
fn the_content_type_does_not_matter() {
    for kind in ["application/json", "text/plain", "hush\u{e9}", ""] {
        let mut request = post(activated().to_string());
        let kind = http::HeaderValue::from_bytes(kind.as_bytes()).unwrap();
        request.headers_mut().insert("content-type", kind);
        assert!(listener().read(&request, NOW).is_ok());
    }
}

#[test]
fn a_request_that_is_no_post_is_refused_whatever_it_holds() {
    for method in [
        Method::GET,
        Method::PUT,
        Method::HEAD,
        Method::from_bytes(b"post").unwrap(),
    ] {
        let request = Request::builder().method(method);
        let request = request.body(Bytes::from(activated().to_string())).unwrap();
        let refusal = listener().read(&request, NOW).unwrap_err();
        assert_eq!(refusal, CallbackRefusal::Method);
        assert_eq!(refusal.response().status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refusal.response().headers()["allow"], "POST");
    }
}

#[test]
fn a_wrong_or_absent_credential_is_refused_in_one_way() {
    let mut wrong = vec![
        with(&json!("zaffoD"), &json!(PASSWORD)),
        with(&json!("zaffo"), &json!(PASSWORD)),
        with(&json!("zaffodd"), &json!(PASSWORD)),
        with(&json!(""), &json!(PASSWORD)),
        with(&json!(USERNAME), &json!("drowssaP")),
        with(&json!(USERNAME), &json!("drowssa")),
        with(&json!(USERNAME), &json!("drowssapp")),
        with(&json!(USERNAME), &json!("drowssap\u{0}")),
        with(&json!(USERNAME), &json!(" drowssap")),
        with(&json!(USERNAME), &json!("")),
        with(&json!(USERNAME), &Value::Null),
        with(&json!(USERNAME), &json!(["drowssap"])),
        with(&json!(USERNAME), &json!({"drowssap": "drowssap"})),
        with(&json!(USERNAME), &json!(true)),
        with(&json!(PASSWORD), &json!(USERNAME)),
        "{}".to_owned(),
        json!({"Username": USERNAME, "Password": PASSWORD}).to_string(),
        json!({"deviceResponse": {"username": USERNAME, "password": PASSWORD}}).to_string(),
    ];
    // One password beside another can't be told from a guess.
    wrong.push(r#"{"username":"zaffod","password":"drowssap","password":"guess"}"#.into());
    wrong.push(r#"{"username":"zaffod","password":"guess","password":"drowssap"}"#.into());
    for body in wrong {
        let refusal = read(body.clone()).unwrap_err();
        assert_eq!(refusal, CallbackRefusal::Credentials, "{body}");
        assert_eq!(refusal.response().status(), StatusCode::UNAUTHORIZED);
        assert!(refusal.response().body().is_empty());
        assert!(refusal.response().headers().is_empty());
    }
}

#[test]
fn a_credential_of_any_characters_is_compared_as_it_is() {
    for password in ["p\u{e9}\u{1f680}\"\\", "\u{0}", "42", &"x".repeat(5000)] {
        let listener = Listener::new(credentials("", password));
        let sent = json!({"username": "", "password": password}).to_string();
        assert!(listener.read(&post(sent), NOW).is_ok());
        let nameless = json!({"password": password}).to_string();
        assert!(listener.read(&post(nameless), NOW).is_ok());
        let named = json!({"username": "a", "password": password}).to_string();
        assert!(listener.read(&post(named), NOW).is_err());
    }
}

#[test]
fn a_password_is_never_empty() {
    let error = ListenerCredentials::new("zaffod", "").unwrap_err();
    assert_eq!(error, CredentialsError::Empty("password"));
}

#[test]
fn a_listener_without_credentials_accepts_everybody() {
    let listener = Listener::without_credentials();
    for body in [
        "{}".to_owned(),
        activated().to_string(),
        with(&json!("anybody"), &json!(["any"])),
    ] {
        let callback = listener.read(&post(body), NOW).unwrap();
        assert_eq!(callback.json().get("username"), None);
        assert_eq!(callback.json().get("password"), None);
    }
    assert!(listener.read(&post("[]"), NOW).is_err());
}

#[test]
fn the_password_before_is_accepted_until_a_moment() {
    let mut listener = listener();
    let until = NOW + ROTATION_OVERLAP;
    listener.rotate(credentials(USERNAME, "new"), until);
    let old = post(activated().to_string());
    let new = post(with(&json!(USERNAME), &json!("new")));
    for passed in [0, 9, 14, 29] {
        let now = NOW + Duration::from_secs(passed * 60);
        assert!(listener.read(&old, now).is_ok());
        assert!(listener.read(&new, now).is_ok());
    }
    let refusal = listener.read(&old, until).unwrap_err();
    assert_eq!(refusal, CallbackRefusal::Credentials);
    assert!(listener.read(&new, until).is_ok());
}

#[test]
fn the_halves_of_two_registrations_are_not_one() {
    let mut listener = Listener::new(credentials("old", "old password"));
    listener.rotate(credentials("new", "new password"), NOW + ROTATION_OVERLAP);
    for (username, password, accepted) in [
        ("old", "old password", true),
        ("new", "new password", true),
        ("old", "new password", false),
        ("new", "old password", false),
    ] {
        let body = json!({"username": username, "password": password}).to_string();
        assert_eq!(listener.read(&post(body), NOW).is_ok(), accepted);
    }
}

#[test]
fn the_password_before_the_one_before_is_forgotten() {
    let mut listener = listener();
    let until = NOW + ROTATION_OVERLAP;
    listener.rotate(credentials(USERNAME, "second"), until);
    listener.rotate(credentials(USERNAME, "third"), until);
    assert!(listener.read(&post(activated().to_string()), NOW).is_err());
    let second = with(&json!(USERNAME), &json!("second"));
    assert!(listener.read(&post(second), NOW).is_ok());
}

#[test]
fn a_listener_that_gets_credentials_accepts_all_until_they_are_used() {
    let mut listener = Listener::without_credentials();
    listener.rotate(credentials(USERNAME, PASSWORD), NOW + ROTATION_OVERLAP);
    assert!(listener.read(&post("{}"), NOW).is_ok());
    assert!(listener.read(&post("{}"), NOW + ROTATION_OVERLAP).is_err());
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let body = activated().to_string();
    let listener = listener().max_body(body.len());
    assert_eq!(listener.read_limit(), body.len());
    assert!(listener.read(&post(body.clone()), NOW).is_ok());
    let refusal = listener.read(&post(format!("{body} ")), NOW).unwrap_err();
    assert_eq!(refusal, CallbackRefusal::TooLarge);
    assert_eq!(refusal.response().status(), StatusCode::PAYLOAD_TOO_LARGE);

    let largest = format!("{body}{}", " ".repeat(MAX_CALLBACK_BODY - body.len()));
    assert!(read(largest.clone()).is_ok());
    assert_eq!(read(largest + " "), Err(CallbackRefusal::TooLarge));
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let doubled = activated().to_string().repeat(2);
    for body in [
        "",
        " ",
        "null",
        "1",
        "\"drowssap\"",
        "[]",
        r#"["zaffod","drowssap"]"#,
        "<CallbackRequest/>",
        "{",
        "\u{feff}",
        &doubled,
    ] {
        let refusal = read(body.to_owned()).unwrap_err();
        assert!(matches!(refusal, CallbackRefusal::Body(_)), "{body}");
        assert_eq!(refusal.response().status(), StatusCode::BAD_REQUEST);
    }
}

#[test]
fn a_body_that_is_too_deep_is_refused() {
    let nested = |depth: usize| {
        let (open, close) = (r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2));
        message(&json!({"deep": 1}))
            .to_string()
            .replace(r#""deep":1"#, &format!(r#""deep":{open}{close}"#))
    };
    assert!(read(nested(100)).is_ok());
    for depth in [200, 20_000, 1_000_000] {
        let refusal = read(nested(depth).replace(PASSWORD, "guess")).unwrap_err();
        assert_eq!(refusal, CallbackRefusal::Credentials);
        let refusal = read(nested(depth)).unwrap_err();
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST, "{depth}");
    }
}

#[test]
fn a_message_that_is_not_saved_is_asked_for_again() {
    let refusal = CallbackRefusal::NotSaved;
    assert_eq!(refusal.response().status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_refusal_says_what_it_is() {
    for (body, said) in [
        ("<a>", "the body is not JSON (line 1, column 1)"),
        ("{}", "its credentials are not those of the listener"),
    ] {
        assert_eq!(read(body).unwrap_err().to_string(), said);
    }
}
