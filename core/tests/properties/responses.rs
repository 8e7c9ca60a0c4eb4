//! Every parser, on anything that a server might send.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use proptest::{collection::vec, prelude::*, sample::Index};
use thingspace_core::{
    Endpoint, Timestamp,
    api::{
        Error, LogIn, LogOut, RequestBearerToken, ResetPassword, RevokeBearerToken,
        session::LogInResponse,
    },
    response::{Class, ErrorCode, MAX_CODE_LENGTH, Problem, Refusal},
};

/// The documented responses, of which others are made.
const VALID: [&str; 8] = [
    r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#,
    r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83","expiresIn":1200}"#,
    r#"{"newPassword":"Wh0a1545a84d"}"#,
    r#"{"access_token":"cf1b","token_type":"Bearer","scope":"default","expires_in":3600}"#,
    r#"{"errorCode":"UnifiedWebService.REQUEST_FAILED.SessionToken.Expired","errorMessage":"m"}"#,
    r#"{"fault":{"code":900901,"message":"m","description":"d"}}"#,
    r#"{"fault":{"code":"900901","message":"m","description":"d"}}"#,
    r#"{"error":"invalid_client","error_description":"d"}"#,
];

/// Values that may stand in the place of any other.
const OTHER_VALUES: [&str; 14] = [
    "null",
    "true",
    "-1",
    "0.5",
    "1e308",
    "18446744073709551616",
    "\"\"",
    "\" \"",
    "\"a\\r\\nb\"",
    "\"\\u0000\"",
    "\"t\u{f6}ken\"",
    "[]",
    "{}",
    "[{\"a\":[null]}]",
];

/// Reads one response as everything that it may be, and checks what is accepted.
fn read_as_everything(body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    for status in [200, 204, 302, 400, 401, 408, 429, 500] {
        let response = || {
            let response = Response::builder().status(status);
            response.body(body.clone()).unwrap()
        };
        if let Some(LogInResponse { session_token, .. }) = sound(LogIn::parse(response())) {
            assert_can_stand_in_a_header(session_token.expose());
        }
        if let Some(bearer) = sound(RequestBearerToken::parse(response())) {
            assert_can_stand_in_a_header(bearer.access_token.expose());
        }
        if let Some(ended) = sound(LogOut::parse(response())) {
            let token = ended.session_token;
            token.inspect(|token| assert_can_stand_in_a_header(token.expose()));
        }
        if let Some(reset) = sound(ResetPassword::parse(response())) {
            assert!(!reset.new_password.expose().is_empty());
        }
        sound(RevokeBearerToken::parse(response()));
        assert_sound_refusal(&Refusal::read(response()));
    }
}

/// The output that was accepted; an error must say what is wrong, and have the
/// response.
fn sound<T>(read: Result<Response<T>, Error>) -> Option<T> {
    match read {
        Ok(response) => {
            assert!(response.status().is_success());
            Some(response.into_body())
        }
        Err(error) => {
            match &error {
                Error::Invalid { invalid, .. } => {
                    assert!(error.response().status().is_success());
                    assert!(!invalid.part.is_empty());
                    assert!(!invalid.problem.to_string().is_empty());
                }
                Error::Refused(refusal) => {
                    let has_code = refusal.code().is_some() || refusal.fault().is_some();
                    assert!(!refusal.status().is_success() || has_code);
                }
                other => panic!("{other}"),
            }
            assert!(!error.to_string().contains(char::is_control));
            let error = thingspace_core::Error::from(error);
            assert!(error.response().is_some());
            assert!(!error.to_string().contains(char::is_control));
            None
        }
    }
}

fn assert_can_stand_in_a_header(token: &str) {
    assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
}

fn assert_sound_refusal(refusal: &Refusal) {
    let now = Timestamp::from_millis(1_700_000_000_000);
    assert!(refusal.retry_after(now).is_none_or(|until| until >= now));
    assert!(!refusal.to_string().contains(char::is_control));
    if let Some(code) = refusal.code() {
        assert!(code.as_str().len() <= MAX_CODE_LENGTH);
    }
    let kinds = [
        refusal.is_bearer_fault(),
        refusal.is_session_refusal(),
        refusal.fault().is_some() && refusal.code().is_some(),
    ];
    assert!(kinds.iter().filter(|is| **is).count() <= 1);
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_filter_map("not in JSON", |value| {
            value.is_finite().then(|| format!("{value:?}"))
        }),
        any::<String>().prop_map(|value| serde_json::to_string(&value).unwrap()),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "sessionToken",
            "newPassword",
            "access_token",
            "token_type",
            "expires_in",
            "errorCode",
            "errorMessage",
            "fault",
            "code",
            "error",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|values| format!("[{}]", values.join(","))),
            vec((name.clone(), inner), 0..6).prop_map(|fields| {
                let fields = fields.into_iter().map(|(name, value)| {
                    format!("{}:{value}", serde_json::to_string(&name).unwrap())
                });
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn law_10_arbitrary_bytes_are_read_soundly(body in vec(any::<u8>(), 0..400)) {
        read_as_everything(&body);
    }

    #[test]
    fn law_10_arbitrary_json_is_read_soundly(body in any_json()) {
        read_as_everything(body.as_bytes());
    }

    #[test]
    fn law_10_a_valid_response_with_any_bytes_changed_is_read_soundly(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = which.get(&VALID).as_bytes().to_vec();
        for (place, byte) in changes {
            *place.get_mut(&mut body) = byte;
        }
        read_as_everything(&body);
    }

    #[test]
    fn a_code_survives_its_parts(
        service in "[A-Za-z]{0,12}",
        class in 0..4usize,
        specific in "[A-Za-z]{1,12}(\\.[A-Za-z]{1,12}){0,3}",
    ) {
        let (name, class) = [
            ("INPUT_INVALID", Class::InputInvalid),
            ("REQUEST_FAILED", Class::RequestFailed),
            ("REQUEST_ONHOLD", Class::RequestOnHold),
            ("REQUEST_CANCELLED", Class::RequestCancelled),
        ][class];
        let dot = if service.is_empty() { "" } else { "." };
        let code = ErrorCode::read(&format!("{service}{dot}{name}.{specific}")).unwrap();
        prop_assert_eq!(code.service(), Some(&*service).filter(|service| !service.is_empty()));
        prop_assert_eq!(code.class(), Some(class));
        prop_assert_eq!(code.specific(), &*specific);
        let other = format!("Another.{name}.{specific}");
        prop_assert!(code.is(&other));
    }

    #[test]
    fn law_10_any_retry_after_is_read_soundly(value in "[ -~]{0,40}") {
        let response = Response::builder().status(429).header("retry-after", value);
        assert_sound_refusal(&Refusal::read(response.body(Bytes::new()).unwrap()));
    }
}

#[test]
fn law_10_every_truncation_of_a_valid_response_is_read_soundly() {
    for valid in VALID {
        for end in 0..=valid.len() {
            read_as_everything(&valid.as_bytes()[..end]);
        }
    }
}

#[test]
fn law_10_a_valid_response_with_any_value_replaced_or_doubled_is_read_soundly() {
    for valid in VALID {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(valid).unwrap();
        for (name, value) in &object {
            for other in OTHER_VALUES {
                read_as_everything(valid.replace(&value.to_string(), other).as_bytes());
                let doubled = format!("{{\"{name}\":{other},{}", &valid[1..]);
                read_as_everything(doubled.as_bytes());
            }
            let mut without = object.clone();
            without.remove(name);
            read_as_everything(serde_json::to_string(&without).unwrap().as_bytes());
        }
    }
}

/// Values without names are no response, though they stand in the right order.
#[test]
fn law_10_a_list_is_no_response() {
    let read = |body: &'static str| Response::new(Bytes::from(body));
    let list = r#"["hush","Bearer",3600,"hush"]"#;
    for error in [
        LogIn::parse(read(list)).err(),
        LogOut::parse(read(list)).err(),
        ResetPassword::parse(read(list)).err(),
        RequestBearerToken::parse(read(list)).err(),
        LogOut::parse(read("[]")).err(),
    ] {
        let Some(Error::Invalid { invalid, .. }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(invalid.part, "the body");
        assert!(matches!(invalid.problem, Problem::Shape { .. }));
    }
}

#[test]
fn law_10_other_encodings_are_read_soundly() {
    for valid in VALID {
        read_as_everything(format!("\u{feff}{valid}").as_bytes());
        let utf16: Vec<u8> = valid.encode_utf16().flat_map(u16::to_le_bytes).collect();
        read_as_everything(&utf16);
        let mut latin: Vec<u8> = valid.bytes().collect();
        latin.insert(10, 0xfc);
        read_as_everything(&latin);
    }
}

/// Ten megabytes of the worst take no longer per byte than one of them does.
#[test]
fn law_10_long_and_deep_responses_are_read_in_linear_time() {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"sessionToken\":{open}{close},\"errorCode\":{open}{close}}}")
    };
    let wide = |length: usize| format!("{{\"a\":\"{}\"}}", "\\u0041".repeat(length / 6));
    let many = |fields: usize| format!("{{{}\"b\":1}}", "\"a\":1,".repeat(fields / 6));
    let blank = |length: usize| " ".repeat(length);
    let shapes: [&dyn Fn(usize) -> String; 4] = [&deep, &wide, &many, &blank];
    for shape in shapes {
        let body = shape(10_000_000);
        let start = Instant::now();
        let response = || Response::new(Bytes::copy_from_slice(body.as_bytes()));
        assert!(LogIn::parse(response()).is_err());
        Refusal::read(response());
        // A quadratic reader would take hours.
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}
