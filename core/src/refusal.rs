//! What the service says when it refuses.
//!
//! Four shapes of error answer are known, and a client meets any of them on
//! any call: the API's own, the gateway's in front of it, the OAuth endpoint's,
//! and whatever a proxy or an outage makes up. They are read in one place, so
//! that every call understands all of them.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use crate::{
    Timestamp,
    answer::{Field, Kept, Object, json},
};

/// The longest error code that is taken for one, in bytes (our choice; the
/// documented ones stay below 100).
pub const MAX_CODE_LENGTH: usize = 256;

/// An answer by which the service, or something on the way to it, refused a
/// call.
///
/// `Debug` and `Display` show the status and the code, but neither the
/// service's message nor the body: either may repeat what was sent.
#[derive(Clone, Debug, Error)]
#[error("{} {shape}", self.status().as_u16())]
pub struct Refusal {
    response: Kept,
    shape: Shape,
}

impl Refusal {
    /// Reads an answer whose status is not a success.
    pub fn read(response: http::Response<Bytes>) -> Self {
        let shape = Shape::read(response.body());
        Self::new(response, shape)
    }

    /// An answer that is not looked into.
    pub(crate) fn unread(response: http::Response<Bytes>) -> Self {
        Self::new(response, Shape::Other)
    }

    /// One of which only this much is remembered.
    pub(crate) fn recalled(status: StatusCode, shape: Shape) -> Self {
        let mut response = http::Response::default();
        *response.status_mut() = status;
        Self::new(response, shape)
    }

    fn new(response: http::Response<Bytes>, shape: Shape) -> Self {
        Self {
            response: Kept(response),
            shape,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.response.0.status()
    }

    /// Which of the four shapes the answer has, and what it says in it.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The API's error code, if it was the API that refused.
    pub const fn code(&self) -> Option<&ErrorCode> {
        match &self.shape {
            Shape::Api(error) => error.error_code.as_ref(),
            _ => None,
        }
    }

    /// The gateway's fault code, if it was the gateway that refused.
    pub const fn fault(&self) -> Option<u32> {
        match &self.shape {
            Shape::Gateway(fault) => fault.code,
            _ => None,
        }
    }

    /// What the service says about it, as it came: for a person to read, not
    /// to match on (Verizon: codes are stable, messages are not), and not for a
    /// log without a look, since it may repeat what was sent.
    pub fn message(&self) -> Option<&str> {
        match &self.shape {
            Shape::Api(error) => error.error_message.as_deref(),
            Shape::Gateway(fault) => fault.description.as_deref().or(fault.message.as_deref()),
            Shape::OAuth(error) => error.error_description.as_deref(),
            Shape::Other => None,
        }
    }

    /// The whole answer as it came.
    pub const fn response(&self) -> &http::Response<Bytes> {
        &self.response.0
    }

    /// Whether this says that the bearer token is missing, wrong or expired;
    /// it says nothing about the user's password.
    ///
    /// The gateway answers so with 401 and a fault (seen on any call, login
    /// included); RFC 6750 has a name for it as well.
    pub fn is_bearer_fault(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED
            && match &self.shape {
                Shape::Gateway(_) => true,
                Shape::OAuth(error) => error.error == "invalid_token",
                Shape::Api(_) | Shape::Other => false,
            }
    }

    /// Whether this says that the session token will not work again: any code
    /// with a segment `SessionToken`.
    pub fn is_session_refusal(&self) -> bool {
        self.code().is_some_and(|code| {
            code.segments()
                .any(|s| s.eq_ignore_ascii_case("SessionToken"))
        })
    }

    /// Whether this is about the rate of calls: status 429, or a gateway's
    /// fault `9008xx` (throttled out).
    pub fn is_throttled(&self) -> bool {
        self.status() == StatusCode::TOO_MANY_REQUESTS
            || self.fault().is_some_and(|code| code / 100 == 9008)
    }

    /// Whether this says that there is no such thing: status 404, or the
    /// gateway's fault `900906` (no matching resource).
    pub fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND || self.fault() == Some(900_906)
    }

    /// Whether this names the user's credentials: a segment of the code speaks
    /// of the user, the password, the login, the credentials or a lock.
    ///
    /// The codes that refuse a login are not published; this is a reading on
    /// the safe side, to be asked of answers to a login or a reset only.
    pub fn names_credentials(&self) -> bool {
        const WORDS: [&str; 5] = ["user", "password", "login", "credential", "lock"];
        self.code().is_some_and(|code| {
            let mut text = code.without_service().to_ascii_lowercase();
            text.retain(|c| c.is_ascii_alphanumeric() || c == '.');
            text.split('.')
                .any(|segment| WORDS.iter().any(|word| segment.contains(word)))
        })
    }

    /// Whether the call may have been carried out in spite of this answer: so
    /// with every status that does not blame the request, and with 408.
    pub fn leaves_fate_open(&self) -> bool {
        !self.status().is_client_error() || self.status() == StatusCode::REQUEST_TIMEOUT
    }

    /// Whether the same request may succeed a little later: after an outage or
    /// a time-out on the way. Of calls that are too many,
    /// [`is_throttled`](Self::is_throttled) tells.
    pub fn may_pass(&self) -> bool {
        self.status().is_server_error() || self.status() == StatusCode::REQUEST_TIMEOUT
    }

    /// Whether this refuses the application itself, where a token was asked for:
    /// 401 or 403, or any blame in the OAuth endpoint's shape.
    pub(crate) fn names_app(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) || (self.status().is_client_error() && matches!(self.shape, Shape::OAuth(_)))
    }

    /// When the service asks to be called again: `Retry-After` in seconds, or
    /// as an HTTP date, which is measured against the answer's own `Date` where
    /// it has one, so that a wrong clock on this side does no harm.
    pub fn retry_after(&self, now: Timestamp) -> Option<Timestamp> {
        retry_after(self.response.0.headers(), now)
    }
}

/// The four shapes of an error answer.
///
/// Serialised without the messages that are for a person.
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
        let Ok(answer) = json::<AnyError<'_>>(body) else {
            return Self::Other;
        };
        let code = answer.error_code.text();
        let message = answer.error_message.text();
        if code.is_some() || message.is_some() {
            return Self::Api(RestErrorResponse {
                error_code: code.and_then(|code| ErrorCode::read(&code)),
                error_message: message.map(Into::into),
            });
        }
        if let Some(Object(fault)) = answer.fault {
            return Self::Gateway(Fault {
                code: fault.code.code(),
                message: fault.message.text().map(Into::into),
                description: fault.description.text().map(Into::into),
            });
        }
        match answer.error.text() {
            Some(error) if is_plain(&error) => Self::OAuth(OAuthError {
                error: error.into(),
                error_description: answer.error_description.text().map(Into::into),
            }),
            _ => Self::Other,
        }
    }
}

impl Shape {
    /// As much of it as is serialised.
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

/// The API's error answer: `{"errorCode", "errorMessage"}`.
#[doc(alias = "RestErrorResponseException")]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestErrorResponse {
    /// What went wrong, for a program. `None` if it is missing or not a code.
    pub error_code: Option<ErrorCode>,
    /// What went wrong, for a person. Not in `Debug`: it may repeat what was
    /// sent.
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

/// The gateway's error answer: `{"fault": {"code", "message", "description"}}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// Its number, sent as a number or as text: `900901` for a wrong or
    /// expired bearer. `None` if it is missing or not a number.
    pub code: Option<u32>,
    /// What went wrong, in a word or two. Not in `Debug`.
    #[serde(skip)]
    pub message: Option<String>,
    /// What went wrong, for a person. Not in `Debug`.
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

/// The OAuth endpoint's error answer: `{"error", "error_description"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuthError {
    /// One of RFC 6749's words, such as `invalid_client`.
    #[serde(deserialize_with = "plain")]
    pub error: String,
    /// What went wrong, for a person. Not in `Debug`.
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

/// The API's error code: `<Service>.<CLASS>.<Specific>`.
///
/// Several services return the same code, so compare without the service's
/// name (Verizon's advice): that is what [`is`](Self::is) does.
///
/// ```
/// use thingspace_core::refusal::{Class, ErrorCode};
///
/// let code = ErrorCode::read("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired").unwrap();
/// assert_eq!(code.service(), Some("UnifiedWebService"));
/// assert_eq!(code.class(), Some(Class::RequestFailed));
/// assert_eq!(code.specific(), "SessionToken.Expired");
/// assert!(code.is("REQUEST_FAILED.SessionToken.Expired"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Takes a code as the service gave it; `None` if it is empty, longer than
    /// [`MAX_CODE_LENGTH`] or not plain ASCII without spaces.
    pub fn read(code: &str) -> Option<Self> {
        is_plain(code).then(|| Self(code.to_owned()))
    }

    /// The whole code, with the service's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The service that refused, if the code names one.
    pub fn service(&self) -> Option<&str> {
        let (service, _) = Class::find(&self.0)?;
        let name = self.0.get(..service)?.trim_end_matches('.');
        (!name.is_empty()).then_some(name)
    }

    /// What kind of refusal it is, if the code says so.
    pub fn class(&self) -> Option<Class> {
        Class::find(&self.0).map(|(_, class)| class)
    }

    /// What follows the class; the whole code if it has none.
    pub fn specific(&self) -> &str {
        let rest = self.without_service();
        match self.class() {
            Some(_) => rest.split_once('.').map_or("", |(_, specific)| specific),
            None => rest,
        }
    }

    /// The code without the service's name; the whole code if it has no class.
    pub fn without_service(&self) -> &str {
        without_service(&self.0)
    }

    /// Whether this is that code, whichever services the two are from and
    /// whatever case they are in.
    pub fn is(&self, code: &str) -> bool {
        self.without_service()
            .eq_ignore_ascii_case(without_service(code))
    }

    /// The parts between the dots.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::read(&code).ok_or("not an error code")
    }
}

/// The class of an [`ErrorCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// `INPUT_INVALID`: something in the request is wrong.
    InputInvalid,
    /// `REQUEST_FAILED`: the request was right and could not be done.
    RequestFailed,
    /// `REQUEST_ONHOLD`: the request waits for something.
    RequestOnHold,
    /// `REQUEST_CANCELLED`: the request was called off.
    RequestCancelled,
}

impl Class {
    const NAMES: [(&'static str, Self); 4] = [
        ("INPUT_INVALID", Self::InputInvalid),
        ("REQUEST_FAILED", Self::RequestFailed),
        ("REQUEST_ONHOLD", Self::RequestOnHold),
        ("REQUEST_CANCELLED", Self::RequestCancelled),
    ];

    /// Where in `code` the first segment stands that is a class.
    fn find(code: &str) -> Option<(usize, Self)> {
        let mut start = 0;
        for segment in code.split('.') {
            for (name, class) in Self::NAMES {
                if segment.eq_ignore_ascii_case(name) {
                    return Some((start, class));
                }
            }
            start += segment.len() + 1;
        }
        None
    }
}

/// All fields of all shapes; only one shape's are there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyError<'a> {
    #[serde(default, borrow)]
    error_code: Field<'a>,
    #[serde(default, borrow)]
    error_message: Field<'a>,
    #[serde(default, borrow)]
    fault: Option<Object<AnyFault<'a>>>,
    #[serde(default, borrow)]
    error: Field<'a>,
    #[serde(default, borrow, rename = "error_description")]
    error_description: Field<'a>,
}

#[derive(Deserialize)]
struct AnyFault<'a> {
    #[serde(default, borrow)]
    code: Field<'a>,
    #[serde(default, borrow)]
    message: Field<'a>,
    #[serde(default, borrow)]
    description: Field<'a>,
}

impl Field<'_> {
    /// A fault's code: a whole number, bare or as text.
    fn code(&self) -> Option<u32> {
        let number = self.number("code").ok()??;
        // Every u32 is a float of its own, so the way back shows whether it was one.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let code = number as u32;
        (f64::from(code).to_bits() == number.to_bits()).then_some(code)
    }
}

fn is_plain(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= MAX_CODE_LENGTH
        && code.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is read back of a snapshot is held to what an answer is held to.
fn plain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_plain(&text) {
        Ok(text)
    } else {
        Err(de::Error::custom("not the name of an error"))
    }
}

fn without_service(code: &str) -> &str {
    Class::find(code)
        .and_then(|(start, _)| code.get(start..))
        .unwrap_or(code)
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(now + Duration::from_secs(seconds));
    }
    let until = Timestamp::from(httpdate::parse_http_date(value).ok()?);
    let theirs = headers
        .get(header::DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .map_or(now, Timestamp::from);
    Some(now + until.since(theirs))
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
    fn anything_else_is_kept_as_it_came() {
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
    fn law_10_a_remembered_shape_is_one_that_could_be_read() {
        for body in [
            r#"{"errorCode":"A.B"}"#,
            r#"{"fault":{"code":900901}}"#,
            r#"{"error":"invalid_client"}"#,
            "",
        ] {
            let shape = Shape::read(body.as_bytes());
            let kept = serde_json::to_string(&shape).unwrap();
            assert_eq!(serde_json::from_str::<Shape>(&kept).unwrap(), shape);
        }
        for kept in [
            r#"{"Api":{"error_code":"a\r\nb"}}"#,
            r#"{"OAuth":{"error":"a\r\nb"}}"#,
            r#"{"OAuth":{"error":""}}"#,
        ] {
            assert!(serde_json::from_str::<Shape>(kept).is_err(), "{kept}");
        }
    }

    #[test]
    fn a_code_is_compared_without_its_service() {
        let code = ErrorCode::read("A.B.INPUT_INVALID.SessionToken.Invalid").unwrap();
        assert_eq!(code.as_str(), "A.B.INPUT_INVALID.SessionToken.Invalid");
        assert_eq!(code.service(), Some("A.B"));
        assert_eq!(code.class(), Some(Class::InputInvalid));
        assert_eq!(code.specific(), "SessionToken.Invalid");
        assert!(code.is("input_invalid.SessionToken.Invalid"));
        assert!(!code.is("INPUT_INVALID.SessionToken"));

        let bare = ErrorCode::read("REQUEST_ONHOLD").unwrap();
        assert_eq!((bare.service(), bare.specific()), (None, ""));
        let other = ErrorCode::read("Some.Thing").unwrap();
        assert_eq!((other.class(), other.specific()), (None, "Some.Thing"));
    }

    #[test]
    fn a_code_that_speaks_of_the_user_names_the_credentials() {
        for code in [
            "INPUT_INVALID.UserName.Invalid",
            "REQUEST_FAILED.USER.NOTFOUND",
            "REQUEST_FAILED.Old_Password.Mismatch",
            "REQUEST_FAILED.Log_In.Failed",
            "REQUEST_FAILED.Credentials",
            "S.REQUEST_FAILED.Account.Locked",
            "INVALID_LOGIN",
        ] {
            let body = format!(r#"{{"errorCode":"{code}"}}"#);
            let response = http::Response::new(Bytes::from(body));
            assert!(Refusal::read(response).names_credentials(), "{code}");
        }
        for code in [
            "UserService.REQUEST_FAILED.Timeout",
            "INPUT_INVALID.Request.InvalidCharacter",
        ] {
            let body = format!(r#"{{"errorCode":"{code}"}}"#);
            let response = http::Response::new(Bytes::from(body));
            assert!(!Refusal::read(response).names_credentials(), "{code}");
        }
    }

    #[test]
    fn an_application_is_blamed_by_the_status_or_in_the_oauth_shape() {
        let oauth = r#"{"error":"invalid_client"}"#;
        for (status, body, blamed) in [
            (401, "", true),
            (403, "<html>", true),
            (400, oauth, true),
            (400, "", false),
            (404, "", false),
            (503, oauth, false),
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
            let told = format!("{:?}", refusal(400, body));
            assert!(told.contains(shown), "{told}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let after = |pairs: &[(&str, &str)]| {
            let mut response = http::Response::builder().status(429);
            for (name, value) in pairs {
                response = response.header(*name, *value);
            }
            Refusal::read(response.body(Bytes::new()).unwrap()).retry_after(now)
        };
        let seconds = |n| Some(now + Duration::from_secs(n));
        assert_eq!(after(&[("retry-after", "7")]), seconds(7));
        assert_eq!(after(&[("retry-after", " 0 ")]), seconds(0));
        let date = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(after(&[date]), seconds(60));
        assert_eq!(
            after(&[date, ("date", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            seconds(30)
        );
        assert_eq!(
            after(&[date, ("date", "Sun, 06 Nov 1994 09:00:00 GMT")]),
            seconds(0)
        );
        let endless = "9".repeat(30);
        assert_eq!(after(&[("retry-after", &endless)]), Some(Timestamp::MAX));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }
}
