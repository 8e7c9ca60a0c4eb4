//! Responses by which a call is refused.
//!
//! Four shapes of error response are known, and a client meets any of them on
//! any call: the API's own, the gateway's in front of it, the OAuth endpoint's,
//! and whatever a proxy or an outage makes up. They are read in one place, so
//! that every call understands all of them.

use std::{fmt, ops::RangeInclusive};

use bytes::Bytes;
use http::{StatusCode, header::WWW_AUTHENTICATE};
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use super::{
    body::Unread,
    code::{ErrorCode, is_plain},
    json::{BYTE_ORDER_MARK, Field, Inner, is_blank, json, without_mark},
    retry_after::retry_after,
    xml::xml_fault,
};
use crate::Timestamp;

/// The openings of a refusal under the status of a success.
const OPENINGS: [&[u8]; 2] = [b"\"errorCode\"", b"\"errorMessage\""];

/// A response by which the service, or something on the way to it, refused a
/// call.
///
/// `Debug` and `Display` show the status and the code, but neither the
/// service's message nor the body: either may repeat what was sent.
#[derive(Clone, Error)]
#[error("{} {shape}", self.status().as_u16())]
pub struct Refusal {
    response: Unread,
    shape: Shape,
    /// The shape as it was read, if a secret was taken out of the other one. The
    /// refusal means what this says; it is never shown or saved.
    uncensored: Option<Box<Shape>>,
}

impl Refusal {
    /// Reads a response by which a call was refused. Its status is not a success, or it
    /// carries the API's error code all the same.
    pub fn read(response: http::Response<Bytes>) -> Self {
        let shape = Shape::read(response.body());
        Self::new(response, shape)
    }

    /// Takes a response without reading its body.
    pub(crate) fn unread(response: http::Response<Bytes>) -> Self {
        Self::new(response, Shape::Other)
    }

    /// Restores a refusal from what is remembered of it.
    pub(crate) fn remembered(status: StatusCode, shape: Shape) -> Self {
        let mut response = http::Response::default();
        *response.status_mut() = status;
        Self::new(response, shape)
    }

    fn new(response: http::Response<Bytes>, shape: Shape) -> Self {
        Self {
            response: Unread::new(response),
            shape,
            uncensored: None,
        }
    }

    /// Returns true if a call was refused with the status of a success: the response
    /// opens as the API's refusals do, and has a code with a class.
    ///
    /// So a response of another product is left alone that only has a field of this
    /// name, and the usual response costs a look at its first bytes.
    #[inline]
    pub(crate) fn opens(body: &[u8]) -> bool {
        // Most objects open with a field of another letter.
        !matches!(body, [b'{', b'"', first, ..] if *first != b'e') && Self::opens_there(body)
    }

    /// Returns true if the body of a success that begins so may be a refusal. Only its
    /// whole tells then. Otherwise nothing that follows makes it one, so a program may
    /// give such a body on while it arrives.
    pub fn may_open(beginning: &[u8]) -> bool {
        if BYTE_ORDER_MARK.starts_with(beginning) {
            return true;
        }
        let text = without_mark(beginning).trim_ascii_start();
        let first = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        first.map_or(text.is_empty(), |first| {
            let agrees = |name: &&[u8]| first.starts_with(name) || name.starts_with(first);
            OPENINGS.iter().any(agrees)
        })
    }

    #[cold]
    fn opens_there(body: &[u8]) -> bool {
        let first = without_mark(body)
            .trim_ascii_start()
            .strip_prefix(b"{")
            .map(<[u8]>::trim_ascii_start);
        first.is_some_and(|first| OPENINGS.iter().any(|name| first.starts_with(name)))
            && matches!(
                Shape::read(body),
                Shape::Api(RestErrorResponse { error_code: Some(code), .. })
                    if code.class().is_some()
            )
    }

    /// Returns true if a response has the code of a refusal in it, wherever it stands.
    ///
    /// Meant for a response that should hold something else, and does not.
    #[cold]
    pub(crate) fn is_in(body: &[u8]) -> bool {
        Shape::read(body).has_code()
    }

    /// Takes out of what is shown and saved every code that tells a secret. What the
    /// refusal means stays the same.
    pub(crate) fn censored(mut self, tells_secret: impl Fn(&str) -> bool) -> Self {
        if let Some(censored) = self.shape.censored(tells_secret) {
            let uncensored = std::mem::replace(&mut self.shape, censored);
            self.uncensored = Some(Box::new(uncensored));
        }
        self
    }

    /// The shape by which the machine goes on.
    fn meaning(&self) -> &Shape {
        self.uncensored.as_deref().unwrap_or(&self.shape)
    }

    /// The API's code by which the machine goes on.
    fn meaning_of_api(&self) -> Option<&ErrorCode> {
        self.meaning().code()
    }

    /// The gateway's code by which the machine goes on.
    fn meaning_of_gateway(&self) -> Option<u32> {
        self.meaning().fault()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.response().status()
    }

    /// The shape of the response, with what the response says in it.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The API's error code, if it was the API that refused. One that tells a secret of
    /// the session's is left out.
    pub const fn code(&self) -> Option<&ErrorCode> {
        self.shape.code()
    }

    /// The gateway's fault code, if it was the gateway that refused.
    pub const fn fault(&self) -> Option<u32> {
        self.shape.fault()
    }

    /// The service's own message, as it came.
    ///
    /// It is for a person to read. Do not match on it: codes are stable and
    /// messages are not (documented by Verizon). Do not log it unseen: it may
    /// repeat what was sent.
    pub fn message(&self) -> Option<&str> {
        match &self.shape {
            Shape::Api(error) => error.error_message.as_deref(),
            Shape::Gateway(fault) => fault.description.as_deref().or(fault.message.as_deref()),
            Shape::OAuth(error) => error.error_description.as_deref(),
            Shape::Other => None,
        }
    }

    /// The whole response, as it came.
    pub const fn response(&self) -> &http::Response<Bytes> {
        self.response.response()
    }

    /// Returns true if the bearer token is said to be missing, wrong or expired.
    /// That says nothing about the user's password.
    ///
    /// The gateway says so with 401 and a fault (seen on any call, login
    /// included). RFC 6750 has a name for it as well, in the body or in
    /// `WWW-Authenticate`: `invalid_token`.
    pub fn is_bearer_fault(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED
            && !self.is_throttled()
            && match self.meaning() {
                Shape::Gateway(_) => true,
                Shape::OAuth(error) if error.error == "invalid_token" => true,
                // Whoever gives a code has judged.
                shape => shape.code().is_none() && self.asks_for_a_bearer(),
            }
    }

    fn asks_for_a_bearer(&self) -> bool {
        let headers = self.response().headers().get_all(WWW_AUTHENTICATE);
        headers.iter().any(|header| {
            // RFC 9110 §11.2 allows blanks there, and nobody should send them.
            let header = header.to_str().unwrap_or_default();
            let header = header.replace(" =", "=").replace("= ", "=");
            let parameters = header.split([',', ' ', '\t']);
            let mut parameters = parameters.filter_map(|parameter| parameter.split_once('='));
            parameters.any(|(name, value)| {
                let value = value.trim_matches(['"', '\'']);
                name.eq_ignore_ascii_case("error") && value.eq_ignore_ascii_case("invalid_token")
            })
        })
    }

    /// Returns true if the session token is said not to work again: any code with
    /// a segment `SessionToken`.
    pub fn is_session_refusal(&self) -> bool {
        self.meaning_of_api().is_some_and(|code| {
            code.segments()
                .any(|s| s.eq_ignore_ascii_case("SessionToken"))
        })
    }

    /// Returns true if there are too many calls: status 429, or a gateway's fault
    /// `9008xx` (throttled out) in any of its forms and under any status.
    pub fn is_throttled(&self) -> bool {
        self.status() == StatusCode::TOO_MANY_REQUESTS
            || self
                .meaning_of_gateway()
                .is_some_and(|code| code / 100 == 9008)
    }

    /// Returns true if there is no such resource: status 404, or the gateway's
    /// fault `900906` (no matching resource).
    pub fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND || self.meaning_of_gateway() == Some(900_906)
    }

    /// Returns true if the user's credentials are named as wrong: a word of the code
    /// is about the user, the password, the login, the credentials, authentication
    /// or a lock, and none is about a failure on the way.
    ///
    /// The codes that refuse a login are not published. This is a reading on the
    /// safe side, meant for the responses to a login or a reset alone.
    pub fn names_credentials(&self) -> bool {
        let Some(code) = self.meaning_of_api() else {
            return false;
        };
        let words = code.words();
        let are_split_in_two = |first: &str, second: &str| {
            words
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if a == first && b == second))
        };
        let has_one_of = |list: &[&str]| words.iter().any(|word| list.contains(&&**word));
        let names = has_one_of(CREDENTIALS)
            || has_one_of(CREDENTIALS_RUN_TOGETHER)
            || are_split_in_two("log", "in");
        let elsewhere = has_one_of(ELSEWHERE)
            || are_split_in_two("timed", "out")
            || are_split_in_two("time", "out");
        // What is said of a session token is not said of a password.
        names && !elsewhere && !self.is_session_refusal()
    }

    /// Returns true if the API says that the request holds characters that it does
    /// not take: `INPUT_INVALID.Request.InvalidCharacter` (documented by Verizon).
    pub(crate) fn names_characters(&self) -> bool {
        self.meaning_of_api()
            .is_some_and(|code| code.is("INPUT_INVALID.Request.InvalidCharacter"))
    }

    /// Returns true if the gateway refused the request, so that the API never saw it:
    /// a fault `9008xx` (throttled out) or `9009xx` (authorization).
    pub(crate) fn is_gateway_refusal(&self) -> bool {
        self.meaning_of_gateway()
            .is_some_and(|code| matches!(code / 100, 9008 | 9009))
    }

    /// Returns true if the response blames the request: by its status, or with a code
    /// under the status of a success.
    pub(crate) fn blames_request(&self) -> bool {
        let status = self.status();
        status.is_client_error() || status.is_success() && self.meaning().has_code()
    }

    /// Returns true if the call may have been executed in spite of this response.
    ///
    /// That is so with every response that does not blame the request, and with
    /// 408.
    pub(crate) fn leaves_outcome_unknown(&self) -> bool {
        !self.blames_request() || self.status() == StatusCode::REQUEST_TIMEOUT
    }

    /// Returns true if the same request may succeed a little later: after an
    /// outage, or a timeout on the way.
    ///
    /// Too many calls are another matter: see
    /// [`is_throttled`](Self::is_throttled).
    pub(crate) fn is_transient(&self) -> bool {
        self.status().is_server_error() || self.status() == StatusCode::REQUEST_TIMEOUT
    }

    /// Returns true if the application itself is refused, where a token was
    /// requested: any blame in the OAuth endpoint's shape, 401 or 403 in the gateway's,
    /// or 401 and no body.
    ///
    /// A page is somebody else's: a firewall that refuses a request says nothing of the
    /// application.
    pub(crate) fn names_app(&self) -> bool {
        let status = self.status();
        match self.meaning() {
            Shape::OAuth(_) => status.is_client_error() && !self.is_transient(),
            Shape::Gateway(_) => {
                matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            }
            Shape::Other => status == StatusCode::UNAUTHORIZED && is_blank(self.response().body()),
            Shape::Api(_) => false,
        }
    }

    /// The time at which the service asks to be called again: `Retry-After`, in
    /// seconds or as an HTTP date.
    ///
    /// A date is measured against the response's own `Date` where it has one, so
    /// that a wrong clock on this side does no harm.
    pub fn retry_after(&self, now: Timestamp) -> Option<Timestamp> {
        retry_after(self.response().headers(), now)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("response", &self.response)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// The words by which a code names the credentials.
const CREDENTIALS: &[&str] = &[
    "user",
    "username",
    "password",
    "login",
    "credential",
    "credentials",
    "authentication",
    "lock",
    "locked",
];

/// Spellings in one case, where no word ends.
const CREDENTIALS_RUN_TOGETHER: &[&str] = &[
    "accountlocked",
    "authenticationfailed",
    "badcredentials",
    "badpassword",
    "incorrectpassword",
    "invalidcredentials",
    "invalidlogin",
    "invalidpassword",
    "invaliduser",
    "invalidusername",
    "lockedout",
    "lockout",
    "loginfailed",
    "loginlocked",
    "passwordexpired",
    "passwordinvalid",
    "passwordmismatch",
    "usernotfound",
    "userlocked",
    "usernameinvalid",
    "wrongpassword",
];

/// The words beside those that make it a failure on the way after all.
const ELSEWHERE: &[&str] = &[
    "timeout",
    "timedout",
    "clock",
    "skew",
    "clockskew",
    "unblock",
    "unblocked",
    "unlock",
    "unlocked",
    "unavailable",
    "unreachable",
    "overload",
    "overloaded",
    "busy",
    "throttled",
    "maintenance",
    "service",
];

/// The four shapes of an error response.
///
/// Serialised without the messages for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Shape {
    /// The API itself, usually with status 400.
    Api(RestErrorResponse),
    /// The gateway in front of the API.
    Gateway(Fault),
    /// The OAuth endpoint (RFC 6749 §5.2).
    OAuth(OAuthError),
    /// Anything else: proxies, outages, an empty body.
    Other,
}

impl Shape {
    fn read(body: &[u8]) -> Self {
        let Ok(response) = json::<AnyError<'_>>(body) else {
            return Self::read_xml(body);
        };
        let text = response.error_code.text();
        let message = response.error_message.text();
        let code = text.as_deref().and_then(ErrorCode::read);
        let is_api = text.is_some() || message.is_some();
        let api = Self::Api(RestErrorResponse {
            error_code: code,
            error_message: message.map(Into::into),
        });
        // A code in one shape is not hidden by a message in another.
        if api.has_code() {
            return api;
        }
        if let Inner(Some(fault)) = response.fault {
            return Self::Gateway(fault.into());
        }
        let flat = Fault::from(AnyFault {
            code: response.code,
            message: response.message,
            description: response.description,
        });
        if flat.code.is_some_and(|code| GATEWAY_CODES.contains(&code)) {
            return Self::Gateway(flat);
        }
        let error = response.error.text();
        match error.as_deref().map(str::trim) {
            Some(error) if is_plain(error) => Self::OAuth(OAuthError {
                error: error.into(),
                error_description: response.error_description.text().map(Into::into),
            }),
            _ if is_api => api,
            _ => Self::Other,
        }
    }

    /// The gateway also sends its faults in XML.
    fn read_xml(body: &[u8]) -> Self {
        let Some(fault) = xml_fault(body) else {
            return Self::Other;
        };
        Self::Gateway(Fault {
            code: fault.code.and_then(|code| code.parse().ok()),
            message: fault.message,
            description: fault.description,
        })
    }

    const fn code(&self) -> Option<&ErrorCode> {
        match self {
            Self::Api(error) => error.error_code.as_ref(),
            _ => None,
        }
    }

    const fn fault(&self) -> Option<u32> {
        match self {
            Self::Gateway(fault) => fault.code,
            _ => None,
        }
    }

    /// Returns true if it has a code of the API's, or one of the gateway's own.
    fn has_code(&self) -> bool {
        let fault = self.fault();
        self.code().is_some() || fault.is_some_and(|code| GATEWAY_CODES.contains(&code))
    }

    /// The shape without a code that tells a secret; `None` if it has none.
    fn censored(&self, tells_secret: impl Fn(&str) -> bool) -> Option<Self> {
        /// Stands in the place of an error's name.
        const HIDDEN: &str = "(hidden)";

        let mut censored = self.clone();
        let code = match &mut censored {
            Self::Api(error) => error.error_code.take().map(String::from),
            Self::Gateway(fault) => fault.code.take().map(|code| code.to_string()),
            Self::OAuth(error) => Some(std::mem::replace(&mut error.error, HIDDEN.to_owned())),
            Self::Other => None,
        };
        code.is_some_and(|code| tells_secret(&code))
            .then_some(censored)
    }

    /// Removes the messages for a person, which are not serialised.
    pub(crate) fn without_messages(mut self) -> Self {
        match &mut self {
            Self::Api(error) => error.error_message = None,
            Self::Gateway(fault) => (fault.message, fault.description) = (None, None),
            Self::OAuth(error) => error.error_description = None,
            Self::Other => {}
        }
        self
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(RestErrorResponse {
                error_code: Some(code),
                ..
            }) => write!(f, "{code}"),
            Self::Api(_) => f.write_str("(the API, without a code)"),
            Self::Gateway(Fault {
                code: Some(code), ..
            }) => write!(f, "(gateway fault {code})"),
            Self::Gateway(_) => f.write_str("(gateway fault without a code)"),
            Self::OAuth(error) => write!(f, "{}", error.error),
            Self::Other => f.write_str("(in no shape that ThingSpace documents)"),
        }
    }
}

/// The API's error response: `{"errorCode", "errorMessage"}`.
#[doc(alias = "RestErrorResponseException")]
#[doc(alias = "ConnectivityManagementResult")]
#[doc(alias = "ConnectivityManagementResultException")]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestErrorResponse {
    /// The error, for a program. `None` if it is missing or not a code.
    pub error_code: Option<ErrorCode>,
    /// The message for a person. Not in `Debug`: it may repeat what was sent.
    #[serde(skip)]
    pub error_message: Option<String>,
}

impl fmt::Debug for RestErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestErrorResponse")
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

/// The gateway's error response: `{"fault": {"code", "message", "description"}}`,
/// the same fields without `fault` around them, or XML.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// The fault's number, sent as a number or as text: `900901` for a wrong or
    /// expired bearer. `None` if it is missing or not a number.
    pub code: Option<u32>,
    /// The error in a word or two. Not in `Debug`.
    #[serde(skip)]
    pub message: Option<String>,
    /// The message for a person. Not in `Debug`.
    #[serde(skip)]
    pub description: Option<String>,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// The OAuth endpoint's error response: `{"error", "error_description"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuthError {
    /// One of RFC 6749's words, such as `invalid_client`.
    #[serde(deserialize_with = "plain")]
    pub error: String,
    /// The message for a person. Not in `Debug`.
    #[serde(skip)]
    pub error_description: Option<String>,
}

impl fmt::Debug for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// The fields of all shapes. A response has those of one shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyError<'a> {
    #[serde(default, borrow)]
    error_code: Field<'a>,
    #[serde(default, borrow)]
    error_message: Field<'a>,
    #[serde(default, borrow)]
    fault: Inner<AnyFault<'a>>,
    #[serde(default, borrow)]
    error: Field<'a>,
    #[serde(default, borrow, rename = "error_description")]
    error_description: Field<'a>,
    /// The gateway's fields, where no `fault` is around them.
    #[serde(default, borrow)]
    code: Field<'a>,
    #[serde(default, borrow)]
    message: Field<'a>,
    #[serde(default, borrow)]
    description: Field<'a>,
}

/// The codes of the gateway's faults, by which one is known that is not in a `fault`.
const GATEWAY_CODES: RangeInclusive<u32> = 900_000..=900_999;

#[derive(Deserialize)]
struct AnyFault<'a> {
    #[serde(default, borrow)]
    code: Field<'a>,
    #[serde(default, borrow)]
    message: Field<'a>,
    #[serde(default, borrow)]
    description: Field<'a>,
}

impl From<AnyFault<'_>> for Fault {
    fn from(fault: AnyFault<'_>) -> Self {
        Self {
            code: fault.code.code(),
            message: fault.message.text().map(Into::into),
            description: fault.description.text().map(Into::into),
        }
    }
}

impl Field<'_> {
    /// A fault's code: a whole number, bare or as text.
    fn code(&self) -> Option<u32> {
        let number = self.number("code").ok()??;
        // A float holds every u32 exactly, so the conversion back shows if it was one.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let code = number as u32;
        (f64::from(code).to_bits() == number.to_bits()).then_some(code)
    }
}

/// Reads the name of an error from a snapshot, under the rules for a response.
fn plain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_plain(&text) {
        Ok(text)
    } else {
        Err(de::Error::custom("not the name of an error"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &'static str) -> Refusal {
        let response = http::Response::builder().status(status);
        Refusal::read(response.body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    #[test]
    fn the_apis_shape() {
        let refusal = refusal(
            400,
            r#"{"errorCode":"UnifiedWebService.REQUEST_FAILED.SessionToken.Expired","errorMessage":"old"}"#,
        );
        assert!(refusal.is_session_refusal() && !refusal.is_bearer_fault());
        assert!(
            refusal
                .code()
                .unwrap()
                .is("Other.REQUEST_FAILED.SessionToken.Expired")
        );
        assert_eq!(refusal.message(), Some("old"));
        assert_eq!(
            refusal.to_string(),
            "400 UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"
        );
    }

    #[test]
    fn the_gateways_shape_with_its_code_as_number_or_text() {
        for body in [
            r#"{"fault":{"code":900901,"message":"Invalid Credentials","description":"d"}}"#,
            r#"{"fault":{"code":"900901","message":"Invalid Credentials","description":"d"}}"#,
        ] {
            let refusal = refusal(401, body);
            assert!(refusal.is_bearer_fault() && !refusal.is_throttled());
            assert_eq!(refusal.fault(), Some(900_901));
            assert_eq!(refusal.message(), Some("d"));
        }
        assert!(refusal(503, r#"{"fault":{"code":900802}}"#).is_throttled());
        assert!(refusal(400, r#"{"fault":{"code":900906}}"#).is_not_found());
        for code in ["-1", "0.5", "4294967296", "\"x\"", "[]", "null"] {
            let body = format!(r#"{{"fault":{{"code":{code}}}}}"#);
            let Shape::Gateway(fault) = Shape::read(body.as_bytes()) else {
                panic!("{body} is a fault");
            };
            assert_eq!(fault.code, None, "{body}");
        }
    }

    #[test]
    fn law_4_a_bearer_fault_is_known_in_every_form_that_the_gateway_has() {
        for body in [
            r#"{"fault":{}}"#,
            r#"{"code":"900901","message":"Invalid Credentials","description":"d"}"#,
            r#"{"code":900902}"#,
            r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code></ams:fault>"#,
            r#"{"error":"invalid_token"}"#,
            // Under one more key, or beside a message in another shape.
            r#"{"errorMessage":"m","code":900901}"#,
        ] {
            assert!(refusal(401, body).is_bearer_fault(), "{body}");
            assert!(!refusal(400, body).is_bearer_fault(), "{body}");
        }
        // Too many calls are no fault of the bearer.
        for body in [
            r#"{"fault":{"code":900800}}"#,
            "<fault><code>900802</code></fault>",
        ] {
            assert!(!refusal(401, body).is_bearer_fault(), "{body}");
            assert!(refusal(401, body).is_throttled(), "{body}");
        }
        let throttled = "<fault><code>900802</code></fault>";
        assert!(refusal(503, throttled).is_throttled());
        assert!(refusal(503, r#"{"code":"900802"}"#).is_throttled());
        for body in ["", r#"{"code":"12"}"#, r#"{"status":"401","message":"m"}"#] {
            assert!(matches!(refusal(401, body).shape(), Shape::Other), "{body}");
            assert!(!refusal(401, body).is_bearer_fault(), "{body}");
        }
        for (header, is_fault) in [
            (r#"Bearer realm="x", error="invalid_token""#, true),
            ("Bearer error=invalid_token, error_description=\"d\"", true),
            (r#"Bearer realm="x", error = "invalid_token""#, true),
            ("Bearer realm='x',\terror='INVALID_TOKEN'", true),
            (r#"Basic realm="invalid_token""#, false),
            (r#"Bearer error="insufficient_scope""#, false),
        ] {
            let response = http::Response::builder().status(401);
            let response = response.header("www-authenticate", header);
            let refusal = Refusal::read(response.body(Bytes::new()).unwrap());
            assert_eq!(refusal.is_bearer_fault(), is_fault, "{header}");
        }
        // Whoever names a code has judged, whatever the header says.
        let response = http::Response::builder().status(401);
        let response = response.header("www-authenticate", r#"Bearer error="invalid_token""#);
        let body = Bytes::from(r#"{"errorCode":"S.INPUT_INVALID.Password.Incorrect"}"#);
        let refusal = Refusal::read(response.body(body).unwrap());
        assert!(refusal.names_credentials() && !refusal.is_bearer_fault());
    }

    #[test]
    fn the_oauth_endpoints_shape() {
        let refusal = refusal(
            401,
            r#"{"error":"invalid_client","error_description":"who?"}"#,
        );
        assert!(matches!(refusal.shape(), Shape::OAuth(e) if e.error == "invalid_client"));
        assert_eq!(refusal.message(), Some("who?"));
        assert!(!refusal.is_bearer_fault());
    }

    #[test]
    fn anything_else_is_saved_as_it_came() {
        for body in [
            "",
            "<html>",
            "null",
            "[]",
            "{}",
            r#"["S.REQUEST_FAILED.SessionToken.Expired","m"]"#,
            r#"{"fault":["900901","m","d"]}"#,
            r#"{"error":{}}"#,
            r#"{"error":"a b"}"#,
        ] {
            let refusal = refusal(502, body);
            assert!(matches!(refusal.shape(), Shape::Other), "{body}");
            assert_eq!(refusal.response().body(), body);
        }
    }

    #[test]
    fn law_10_messages_and_bodies_stay_out_of_debug_and_display() {
        for body in [
            r#"{"errorCode":"A.B","errorMessage":"hush"}"#,
            r#"{"fault":{"code":1,"message":"hush","description":"hush"}}"#,
            r#"{"error":"e","error_description":"hush"}"#,
            "hush",
        ] {
            let refusal = refusal(400, body);
            assert!(!format!("{refusal} {refusal:?}").contains("hush"), "{body}");
        }
    }

    #[test]
    fn law_10_a_code_that_tells_a_secret_is_not_shown_or_saved_and_means_the_same() {
        for (status, body) in [
            (400, r#"{"errorCode":"S.INPUT_INVALID.Password.hush"}"#),
            (400, r#"{"errorCode":"S.REQUEST_FAILED.SessionToken.hush"}"#),
            (400, r#"{"errorCode":"hush"}"#),
            (401, r#"{"error":"hush"}"#),
        ] {
            let plain = refusal(status, body);
            let censored = plain.clone().censored(|text| text.contains("hush"));
            let saved = serde_json::to_string(censored.shape()).unwrap();
            let shown = format!("{censored} {censored:?} {saved} {:?}", censored.code());
            assert!(!shown.contains("hush"), "{shown}");
            assert_eq!(censored.names_credentials(), plain.names_credentials());
            assert_eq!(censored.is_session_refusal(), plain.is_session_refusal());
            assert_eq!(censored.response().body(), body);
            // What is saved can be read again.
            let restored: Shape = serde_json::from_str(&saved).unwrap();
            assert_eq!(&restored, censored.shape());
        }
        let numbered = refusal(401, r#"{"fault":{"code":900901}}"#);
        let censored = numbered.censored(|text| text == "900901");
        assert_eq!(censored.to_string(), "401 (gateway fault without a code)");
        assert!(censored.is_bearer_fault() && censored.is_gateway_refusal());
        let other = refusal(400, r#"{"errorCode":"A.B"}"#).censored(|text| text == "C");
        assert_eq!(other.to_string(), "400 A.B");
    }

    #[test]
    fn a_success_opens_as_a_refusal_only_in_the_apis_own_form() {
        for body in [
            r#"{"errorCode":"S.REQUEST_FAILED.X","errorMessage":"m"}"#,
            " {\n \"errorMessage\":\"m\",\"errorCode\":\"INPUT_INVALID\"}",
            "\u{feff}{\"errorCode\":\"S.REQUEST_ONHOLD.X\"}",
        ] {
            assert!(Refusal::opens(body.as_bytes()), "{body}");
            for length in 0..=body.len() {
                assert!(Refusal::may_open(&body.as_bytes()[..length]), "{body}");
            }
        }
        for body in [
            "",
            "{}",
            "[]",
            r#"{"errorCode":null,"devices":[]}"#,
            r#"{"errorCode":"0","errorMessage":"Success"}"#,
            r#"{"errorCode":"INVALID_PARAMETER"}"#,
            r#"{"devices":[],"errorCode":"S.REQUEST_FAILED.X"}"#,
            r#"{"errorMessage":"m"}"#,
            r#"{"errorCodes":["S.REQUEST_FAILED.X"]}"#,
            r#"[{"errorCode":"S.REQUEST_FAILED.X"}]"#,
        ] {
            assert!(!Refusal::opens(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn a_beginning_that_is_no_refusals_tells_so() {
        for beginning in [
            "[",
            "{}",
            "a,b",
            r#"{"d"#,
            r#"{ "error":"#,
            r#"{"errorCodes"#,
            r#"[{"errorCode":"#,
            "\u{feff}[",
        ] {
            assert!(!Refusal::may_open(beginning.as_bytes()), "{beginning}");
        }
    }

    #[test]
    fn law_10_a_remembered_shape_is_one_that_could_be_read() {
        for body in [
            r#"{"errorCode":"A.B"}"#,
            r#"{"fault":{"code":900901}}"#,
            r#"{"error":"invalid_client"}"#,
            "",
        ] {
            let shape = Shape::read(body.as_bytes());
            let saved = serde_json::to_string(&shape).unwrap();
            assert_eq!(serde_json::from_str::<Shape>(&saved).unwrap(), shape);
        }
        for saved in [
            r#"{"Api":{"error_code":"a\r\nb"}}"#,
            r#"{"OAuth":{"error":"a\r\nb"}}"#,
            r#"{"OAuth":{"error":""}}"#,
        ] {
            assert!(serde_json::from_str::<Shape>(saved).is_err(), "{saved}");
        }
    }

    /// Codes that name the credentials.
    const NAMING: &[&str] = &[
        "INPUT_INVALID.UserName.Invalid",
        "REQUEST_FAILED.USER.NOTFOUND",
        "REQUEST_FAILED.Old_Password.Mismatch",
        "REQUEST_FAILED.Log_In.Failed",
        "REQUEST_FAILED.Credentials",
        "S.REQUEST_FAILED.Account.Locked",
        "INVALID_LOGIN",
        "INPUT_INVALID.Password.Incorrect",
        "INPUT_INVALID.OldPassword",
        "INPUT_INVALID.password",
        "INPUT_INVALID.PASSWORD.BAD",
        "INPUT_INVALID.Username",
        "REQUEST_FAILED.User",
        "REQUEST_FAILED.UserNotFound",
        "REQUEST_FAILED.User2.Unknown",
        "REQUEST_FAILED.Login",
        "REQUEST_FAILED.LoginFailed",
        "REQUEST_FAILED.logIn",
        "REQUEST_FAILED.BadCredential",
        "REQUEST_FAILED.Authentication.Failed",
        "REQUEST_FAILED.AuthenticationFailed",
        "REQUEST_FAILED.AccountLock",
        "REQUEST_FAILED.Lock",
        // In one case no word ends: these are known.
        "REQUEST_FAILED.ACCOUNTLOCKED",
        "REQUEST_FAILED.AUTHENTICATIONFAILED",
        "REQUEST_FAILED.BADCREDENTIALS",
        "REQUEST_FAILED.BADPASSWORD",
        "REQUEST_FAILED.INCORRECTPASSWORD",
        "REQUEST_FAILED.INVALIDCREDENTIALS",
        "REQUEST_FAILED.INVALIDLOGIN",
        "INPUT_INVALID.INVALIDPASSWORD",
        "REQUEST_FAILED.INVALIDUSER",
        "REQUEST_FAILED.INVALIDUSERNAME",
        "REQUEST_FAILED.LOCKEDOUT",
        "REQUEST_FAILED.LOGINFAILED",
        "REQUEST_FAILED.LOGINLOCKED",
        "REQUEST_FAILED.PASSWORDEXPIRED",
        "REQUEST_FAILED.PASSWORDINVALID",
        "REQUEST_FAILED.usernotfound",
        "REQUEST_FAILED.USERLOCKED",
        "REQUEST_FAILED.USERNAMEINVALID",
        "REQUEST_FAILED.wrongpassword",
        "AuthenticationFailed",
        "INVALIDPASSWORD",
        "user_locked",
        "USERNotFound",
        "LoginService.REQUEST_FAILED.Password.Wrong",
        "LoginService.InvalidPassword",
        "  INPUT_INVALID.Password\\n",
    ];

    /// Codes that do not.
    const NOT_NAMING: &[&str] = &[
        "UserService.REQUEST_FAILED.Timeout",
        "INPUT_INVALID.Request.InvalidCharacter",
        "REQUEST_FAILED.Unclear",
        "REQUEST_FAILED.SessionToken.Expired",
        "Login.REQUEST_FAILED.Internal",
        "REQUEST_FAILED",
        // Words that only hold one of these.
        "REQUEST_FAILED.Superuser",
        "REQUEST_FAILED.Clock",
        "REQUEST_FAILED.CLOCK",
        "REQUEST_FAILED.Blocked",
        "REQUEST_FAILED.Block",
        "REQUEST_FAILED.USERDATA",
        "REQUEST_FAILED.Userland",
        "REQUEST_FAILED.PASSWORDLESS",
        "REQUEST_FAILED.Log.Size.In",
        // Failures on the way.
        "REQUEST_FAILED.Login.Timeout",
        "REQUEST_FAILED.LoginTimedOut",
        "REQUEST_FAILED.Login_Timed_Out",
        "REQUEST_FAILED.Login.TimeOut",
        "REQUEST_FAILED.LOGIN.TIMEDOUT",
        "REQUEST_FAILED.Authentication.ClockSkew",
        "REQUEST_FAILED.User.Unblock",
        "REQUEST_FAILED.User.Unlock",
        "REQUEST_FAILED.UserService.Unavailable",
        "REQUEST_FAILED.UserStore.Unreachable",
        "REQUEST_FAILED.LoginService.Busy",
        "REQUEST_FAILED.LoginService.Overload",
        "REQUEST_FAILED.LoginService.Overloaded",
        "REQUEST_FAILED.LoginService.Down",
        "REQUEST_FAILED.LOGIN_SERVICE_DOWN",
        "ClockSkew",
        "Unblocked",
        "REQUEST_FAILED.User.Unblocked",
        "REQUEST_FAILED.AccountUnlocked",
        "Login.Timeout",
        "LOGINTIMEOUT",
        "REQUEST_FAILED.Login.Maintenance",
        "REQUEST_FAILED.Login.Throttled",
        // The service that refuses is named first.
        "LoginService.REQUEST_FAILED.Unavailable",
        "UserService.INPUT_INVALID.Request",
        "LoginService.Failed",
        "PasswordService",
        // A session token's code says nothing of a password.
        "REQUEST_FAILED.SessionToken.LoginRequired",
    ];

    #[test]
    fn a_code_that_names_the_user_names_the_credentials() {
        let names = |code: &str| {
            let body = format!(r#"{{"errorCode":"{code}"}}"#);
            Refusal::read(http::Response::new(Bytes::from(body))).names_credentials()
        };
        for code in NAMING {
            assert!(names(code), "{code}");
        }
        for code in NOT_NAMING {
            assert!(!names(code), "{code}");
        }
        // Without a code, nothing is named: messages are for a person.
        for body in [
            "",
            "wrong password",
            r#"{"errorMessage":"wrong password"}"#,
            r#"{"fault":{"code":900901,"message":"Invalid Credentials"}}"#,
            r#"{"error":"invalid_user"}"#,
        ] {
            assert!(!refusal(400, body).names_credentials(), "{body}");
        }
    }

    #[test]
    fn a_code_about_a_character_names_characters_whichever_service_it_is_from() {
        let names = |body| refusal(400, body).names_characters();
        assert!(names(
            r#"{"errorCode":"INPUT_INVALID.Request.InvalidCharacter"}"#
        ));
        assert!(names(
            r#"{"errorCode":"S.input_invalid.request.invalidcharacter"}"#
        ));
        assert!(!names(r#"{"errorCode":"S.INPUT_INVALID.Request"}"#));
        assert!(!names("InvalidCharacter"));
    }

    #[test]
    fn a_refusal_is_the_gateways_by_the_code_of_its_fault() {
        for (code, is_gateways) in [
            (900_799, false),
            (900_800, true),
            (900_899, true),
            (900_900, true),
            (900_908, true),
            (900_999, true),
            (901_000, false),
            (9008, false),
        ] {
            let body = format!(r#"{{"fault":{{"code":{code}}}}}"#);
            let response = http::Response::new(Bytes::from(body));
            let refusal = Refusal::read(response);
            assert_eq!(refusal.is_gateway_refusal(), is_gateways, "{code}");
        }
        assert!(!refusal(403, r#"{"fault":{}}"#).is_gateway_refusal());
        assert!(!refusal(403, "").is_gateway_refusal());
    }

    #[test]
    fn an_application_is_blamed_in_the_oauth_endpoints_shape_or_the_gateways_and_by_no_page() {
        let oauth = r#"{"error":"invalid_client"}"#;
        let fault = r#"{"fault":{"code":900901}}"#;
        for (status, body, blamed) in [
            (401, "", true),
            (401, oauth, true),
            (401, fault, true),
            (403, fault, true),
            (403, "<fault><code>900908</code></fault>", true),
            (400, oauth, true),
            (401, "<html>", false),
            (403, "<html>", false),
            (403, "", false),
            (403, r#"{"errorCode":"S.REQUEST_FAILED.Firewall"}"#, false),
            (407, "", false),
            (400, "", false),
            (404, "", false),
            (408, oauth, false),
            (503, oauth, false),
            (503, fault, false),
        ] {
            assert_eq!(refusal(status, body).names_app(), blamed, "{status} {body}");
        }
    }

    #[test]
    fn debug_shows_the_codes() {
        for (body, shown) in [
            (
                r#"{"errorCode":"A.REQUEST_FAILED.B"}"#,
                "A.REQUEST_FAILED.B",
            ),
            (r#"{"fault":{"code":900901}}"#, "900901"),
            (r#"{"error":"invalid_client"}"#, "invalid_client"),
        ] {
            let shown_by_debug = format!("{:?}", refusal(400, body));
            assert!(shown_by_debug.contains(shown), "{shown_by_debug}");
        }
    }
}
