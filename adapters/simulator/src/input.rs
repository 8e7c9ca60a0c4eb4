//! Reading of untrusted requests. No request makes this code panic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{Method, Request, StatusCode, Version};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::refusal::Refusal;

/// A request, with methods that read its parts.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a Request<Bytes>);

impl<'a> Input<'a> {
    /// Returns the credentials after `scheme`, whose case does not matter.
    /// `None` without such a header, or with another scheme.
    pub(crate) fn authorization(self, scheme: &str) -> Option<&'a str> {
        let (found, credentials) = self.header(&AUTHORIZATION)?.split_once(' ')?;
        found
            .eq_ignore_ascii_case(scheme)
            .then_some(credentials.trim())
    }

    /// Returns the user and password of a `Basic` header.
    pub(crate) fn basic(self) -> Result<(String, String), Refusal> {
        let encoded = self.authorization("Basic").ok_or(Refusal::NO_BASIC)?;
        let decoded = STANDARD.decode(encoded).map_err(|_| Refusal::WRONG_APP)?;
        let pair = String::from_utf8(decoded).map_err(|_| Refusal::WRONG_APP)?;
        let (user, password) = pair.split_once(':').ok_or(Refusal::WRONG_APP)?;
        Ok((user.to_owned(), password.to_owned()))
    }

    /// Returns the session token in the header, or `None` if it is missing or
    /// empty. A header that is not text cannot be a token and is returned as
    /// `?`.
    pub(crate) fn session_token(self) -> Option<&'a str> {
        let header = self.0.headers().get("vz-m2m-token")?;
        Some(header.to_str().unwrap_or("?")).filter(|token| !token.is_empty())
    }

    /// Returns the host that the request was sent to. It is in the URI, or else
    /// in the `Host` header.
    pub(crate) fn authority(self) -> Option<&'a str> {
        match self.0.uri().authority() {
            Some(authority) => Some(authority.as_str()),
            None => self.header(&http::header::HOST),
        }
    }

    /// Returns the first value of `field` in a form. `None` also if the body is
    /// not a form.
    pub(crate) fn form(self, field: &str) -> Option<String> {
        if !self.is("application/x-www-form-urlencoded") {
            return None;
        }
        form_urlencoded::parse(self.0.body())
            .find(|(name, _)| name == field)
            .map(|(_, value)| value.into_owned())
    }

    /// Parses the body as JSON and refuses illegal characters in it.
    pub(crate) fn json(self) -> Result<Value, Refusal> {
        if self.0.body().is_empty() {
            return Err(Refusal::BLANK_REQUEST);
        }
        if !self.is("application/json") {
            return Err(Refusal::Bare(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = serde_json::from_slice(self.0.body()).map_err(|_| Refusal::UNEXPECTED)?;
        if has_illegal(&body) {
            return Err(Refusal::ILLEGAL_CHARACTER);
        }
        Ok(body)
    }

    /// Refuses a path or query with an illegal character, plain or
    /// percent-encoded.
    pub(crate) fn check_address(self) -> Result<(), Refusal> {
        let address = self.0.uri().path_and_query().map_or("", |a| a.as_str());
        if is_illegal(&percent_decode_str(address).decode_utf8_lossy()) {
            return Err(Refusal::ILLEGAL_CHARACTER);
        }
        Ok(())
    }

    /// Refuses a wrong `Content-Length`, and a POST or PUT without a body and
    /// without a `Content-Length`.
    ///
    /// HTTP/2 and later need no length to find the end of a body.
    pub(crate) fn check_length(self) -> Result<(), Refusal> {
        let declared = self.header(&CONTENT_LENGTH);
        if declared.is_some_and(|length| length.parse() != Ok(self.0.body().len())) {
            return Err(Refusal::Bare(StatusCode::BAD_REQUEST));
        }
        let needed = matches!(*self.0.method(), Method::POST | Method::PUT)
            && self.0.version() <= Version::HTTP_11
            && self.0.body().is_empty();
        if needed && declared.is_none() {
            return Err(Refusal::Bare(StatusCode::LENGTH_REQUIRED));
        }
        Ok(())
    }

    fn is(self, media_type: &str) -> bool {
        let found = self.header(&CONTENT_TYPE).unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(media_type)
    }

    fn header(self, name: &HeaderName) -> Option<&'a str> {
        self.0.headers().get(name)?.to_str().ok()
    }
}

/// Returns true if `text` has an apostrophe, a less-than sign or a backslash.
/// Documented by Verizon.
fn is_illegal(text: &str) -> bool {
    text.contains(['\'', '<', '\\'])
}

/// Returns true if a name or a text in `value` has an illegal character.
///
/// Escapes are decoded before. So the backslash of an escape does not count,
/// and an escaped apostrophe does. The recursion is limited: the parser refuses
/// more than 128 levels.
fn has_illegal(value: &Value) -> bool {
    match value {
        Value::String(text) => is_illegal(text),
        Value::Array(values) => values.iter().any(has_illegal),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| is_illegal(name) || has_illegal(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
