//! The floor: each call written out by hand, for itself alone.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT},
};
use serde::{Deserialize, Serialize};

use super::{
    BEARER_RESPONSE, BEARER_TOKEN, CALL_RESPONSE, Canned, Doing, PASSWORD, PASSWORD_RESPONSE,
    SESSION_RESPONSE, SESSION_TOKEN, USERNAME, doing,
};

const VZ_M2M_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("thingspace/", env!("CARGO_PKG_VERSION")));
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
struct SessionResponse<'a> {
    session_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordResponse<'a> {
    new_password: &'a str,
}

#[derive(Deserialize)]
struct BearerResponse<'a> {
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

pub(super) fn log_in_response() -> Doing {
    let canned = Canned::new(SESSION_RESPONSE);
    doing(move || token_of(&canned.response()))
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

pub(super) fn log_out_response() -> Doing {
    log_in_response()
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

pub(super) fn reset_response() -> Doing {
    let canned = Canned::new(PASSWORD_RESPONSE);
    doing(move || {
        let response = canned.response();
        assert!(response.status().is_success());
        let response: PasswordResponse<'_> = serde_json::from_slice(response.body()).unwrap();
        response.new_password.to_owned()
    })
}

pub(super) fn bearer() -> Doing {
    let mut request = bearer_request();
    let canned = Canned::new(BEARER_RESPONSE);
    doing(move || (request(), bearer_of(&canned.response())))
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

pub(super) fn authorize() -> Doing {
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
    let canned = Canned::new(CALL_RESPONSE);
    doing(move || {
        let made = (request(), canned.response());
        assert!(made.1.status().is_success());
        made
    })
}

/// The call with one header more: the machine puts a `User-Agent` on every request.
pub(super) fn call_with_user_agent() -> Doing {
    let mut request = call_request_with_user_agent();
    let canned = Canned::new(CALL_RESPONSE);
    doing(move || {
        let made = (request(), canned.response());
        assert!(made.1.status().is_success());
        made
    })
}

pub(crate) fn call_request_with_user_agent() -> impl FnMut() -> Request<Bytes> {
    let uri = address("/m2m/v1/accounts/0000123456-00001");
    let (bearer, session) = (bearer_value(), session_value());
    move || {
        let mut request = request(Method::GET, &uri, Bytes::new());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(USER_AGENT, AGENT);
        headers.insert(AUTHORIZATION, bearer.clone());
        headers.insert(VZ_M2M_TOKEN, session.clone());
        request
    }
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

/// Reads the token without a copy: it stays in the buffer of the response.
fn token_of(response: &Response<Bytes>) -> HeaderValue {
    assert!(response.status().is_success());
    let body = response.body();
    let SessionResponse { session_token } = serde_json::from_slice(body).unwrap();
    let token = body.slice_ref(session_token.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(token).unwrap();
    value.set_sensitive(true);
    value
}

/// Reads the bearer token, as it will be sent, and its lifetime in seconds.
fn bearer_of(response: &Response<Bytes>) -> (HeaderValue, u64) {
    assert!(response.status().is_success());
    let response: BearerResponse<'_> = serde_json::from_slice(response.body()).unwrap();
    assert!(response.token_type.eq_ignore_ascii_case("bearer"));
    let value = ["Bearer ", response.access_token].concat();
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(value)).unwrap();
    value.set_sensitive(true);
    (value, response.expires_in)
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

/// A header value in one shared buffer. Its first copy has been made.
fn ready_made(parts: &[&str]) -> HeaderValue {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(parts.concat())).unwrap();
    value.set_sensitive(true);
    drop(value.clone());
    value
}
