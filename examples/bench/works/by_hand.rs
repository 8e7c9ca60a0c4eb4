//! The floor: each call written out by hand, for itself alone.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};

use super::{
    BEARER_ANSWER, BEARER_TOKEN, CALL_ANSWER, Canned, Doing, PASSWORD, PASSWORD_ANSWER,
    SESSION_ANSWER, SESSION_TOKEN, USERNAME, doing,
};

const VZ_M2M_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const ZERO: HeaderValue = HeaderValue::from_static("0");

#[derive(Serialize)]
struct LogIn<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reset<'a> {
    old_password: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionAnswer<'a> {
    session_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordAnswer<'a> {
    new_password: &'a str,
}

#[derive(Deserialize)]
struct BearerAnswer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
}

pub(super) fn log_in() -> Doing {
    doing(log_in_request())
}

pub(crate) fn log_in_request() -> impl FnMut() -> Request<Bytes> {
    let (uri, bearer) = (address("/m2m/v1/session/login"), bearer_value());
    let (username, password) = (USERNAME.to_owned(), PASSWORD.to_owned());
    move || {
        const FRAME: usize = r#"{"username":"","password":""}"#.len();
        let mut body = Vec::with_capacity(FRAME + username.len() + password.len());
        let fields = LogIn {
            username: &username,
            password: &password,
        };
        serde_json::to_writer(&mut body, &fields).unwrap();
        let mut request = request(Method::POST, &uri, body.into());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(AUTHORIZATION, bearer.clone());
        request
    }
}

pub(super) fn log_in_answer() -> Doing {
    let canned = Canned::new(SESSION_ANSWER);
    doing(move || token_of(&canned.answer()))
}

pub(super) fn log_out() -> Doing {
    doing(log_out_request())
}

pub(crate) fn log_out_request() -> impl FnMut() -> Request<Bytes> {
    let uri = address("/m2m/v1/session/logout");
    let (bearer, session) = (bearer_value(), session_value());
    move || {
        let mut request = request(Method::POST, &uri, Bytes::new());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(CONTENT_LENGTH, ZERO);
        headers.insert(AUTHORIZATION, bearer.clone());
        headers.insert(VZ_M2M_TOKEN, session.clone());
        request
    }
}

pub(super) fn log_out_answer() -> Doing {
    log_in_answer()
}

pub(super) fn reset() -> Doing {
    doing(reset_request())
}

pub(crate) fn reset_request() -> impl FnMut() -> Request<Bytes> {
    let uri = address("/m2m/v1/session/password/actions/reset");
    let (bearer, session) = (bearer_value(), session_value());
    let old_password = PASSWORD.to_owned();
    move || {
        const FRAME: usize = r#"{"oldPassword":""}"#.len();
        let mut body = Vec::with_capacity(FRAME + old_password.len());
        let fields = Reset {
            old_password: &old_password,
        };
        serde_json::to_writer(&mut body, &fields).unwrap();
        let mut request = request(Method::PUT, &uri, body.into());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(AUTHORIZATION, bearer.clone());
        headers.insert(VZ_M2M_TOKEN, session.clone());
        request
    }
}

pub(super) fn reset_answer() -> Doing {
    let canned = Canned::new(PASSWORD_ANSWER);
    doing(move || {
        let answer = canned.answer();
        assert!(answer.status().is_success());
        let answer: PasswordAnswer<'_> = serde_json::from_slice(answer.body()).unwrap();
        answer.new_password.to_owned()
    })
}

pub(super) fn bearer() -> Doing {
    let mut request = bearer_request();
    let canned = Canned::new(BEARER_ANSWER);
    doing(move || (request(), bearer_of(&canned.answer())))
}

pub(crate) fn bearer_request() -> impl FnMut() -> Request<Bytes> {
    let uri = address("/ts/v1/oauth2/token");
    let mut basic = HeaderValue::from_str(
        "Basic N2FlM2E1ZjItOWQ0Yy00ZjBlLWIxYzc6MGQ4YTFmNmUtNTJiMy00YzhmLWE0ZDA=",
    )
    .unwrap();
    basic.set_sensitive(true);
    drop(basic.clone());
    move || {
        let body = Bytes::from_static(b"grant_type=client_credentials");
        let mut request = request(Method::POST, &uri, body);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, FORM);
        headers.insert(ACCEPT, JSON);
        headers.insert(AUTHORIZATION, basic.clone());
        request
    }
}

pub(super) fn stamp() -> Doing {
    let (bearer, session) = (bearer_value(), session_value());
    let mut headers = HeaderMap::with_capacity(2);
    doing(move || {
        headers.insert(AUTHORIZATION, bearer.clone());
        headers.insert(VZ_M2M_TOKEN, session.clone());
        headers.clear();
    })
}

pub(super) fn call() -> Doing {
    let mut request = call_request();
    let canned = Canned::new(CALL_ANSWER);
    doing(move || {
        let made = (request(), canned.answer());
        assert!(made.1.status().is_success());
        made
    })
}

pub(crate) fn call_request() -> impl FnMut() -> Request<Bytes> {
    let uri = address("/m2m/v1/accounts/0000123456-00001");
    let (bearer, session) = (bearer_value(), session_value());
    move || {
        let mut request = request(Method::GET, &uri, Bytes::new());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(AUTHORIZATION, bearer.clone());
        headers.insert(VZ_M2M_TOKEN, session.clone());
        request
    }
}

fn request(method: Method, uri: &Uri, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    request
}

/// The token, without a copy: it stays where it came in.
fn token_of(answer: &Response<Bytes>) -> HeaderValue {
    assert!(answer.status().is_success());
    let body = answer.body();
    let SessionAnswer { session_token } = serde_json::from_slice(body).unwrap();
    let token = body.slice_ref(session_token.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(token).unwrap();
    value.set_sensitive(true);
    value
}

/// The bearer token, as it will be sent, and for how many seconds it is good.
fn bearer_of(answer: &Response<Bytes>) -> (HeaderValue, u64) {
    assert!(answer.status().is_success());
    let answer: BearerAnswer<'_> = serde_json::from_slice(answer.body()).unwrap();
    assert!(answer.token_type.eq_ignore_ascii_case("bearer"));
    let value = ["Bearer ", answer.access_token].concat();
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(value)).unwrap();
    value.set_sensitive(true);
    (value, answer.expires_in)
}

fn address(path: &str) -> Uri {
    let uri: Uri = format!("https://thingspace.verizon.com/api{path}")
        .parse()
        .unwrap();
    drop(uri.clone());
    uri
}

fn bearer_value() -> HeaderValue {
    ready_made(&["Bearer ", BEARER_TOKEN])
}

fn session_value() -> HeaderValue {
    ready_made(&[SESSION_TOKEN])
}

/// A header value in one shared buffer, whose first copy has been made.
fn ready_made(parts: &[&str]) -> HeaderValue {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(parts.concat())).unwrap();
    value.set_sensitive(true);
    drop(value.clone());
    value
}
