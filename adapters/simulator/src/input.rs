//! What a request says, read without trust: nothing here can panic, whatever
//! arrives.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{Method, Request, StatusCode, Version};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::refusal::Refusal;

/// A request, and the questions that the service asks of it.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a Request<Bytes>);

impl<'a> Input<'a> {
    /// The credentials after `scheme`, whose case does not matter. `None`
    /// without such a header, or with another scheme.
    pub(crate) fn authorization(self, scheme: &str) -> Option<&'a str> {
        let (found, credentials) = self.header(&AUTHORIZATION)?.split_once(' ')?;
        found
            .eq_ignore_ascii_case(scheme)
            .then_some(credentials.trim())
    }

    /// The user and password of a `Basic` header, or why there are none.
    pub(crate) fn basic(self) -> Result<(String, String), Refusal> {
        let encoded = self.authorization("Basic").ok_or(Refusal::NO_BASIC)?;
        let decoded = STANDARD.decode(encoded).map_err(|_| Refusal::WRONG_APP)?;
        let pair = String::from_utf8(decoded).map_err(|_| Refusal::WRONG_APP)?;
        let (user, password) = pair.split_once(':').ok_or(Refusal::WRONG_APP)?;
        Ok((user.to_owned(), password.to_owned()))
    }

    /// The session token, as the header has it; `None` if it is missing or
    /// blank. One that is not text cannot be a token, and reads as `?`.
    pub(crate) fn session_token(self) -> Option<&'a str> {
        let header = self.0.headers().get("vz-m2m-token")?;
        Some(header.to_str().unwrap_or("?")).filter(|token| !token.is_empty())
    }

    /// The host that the request was meant for: its URI's, or else its `Host`
    /// header's.
    pub(crate) fn authority(self) -> Option<&'a str> {
        match self.0.uri().authority() {
            Some(authority) => Some(authority.as_str()),
            None => self.header(&http::header::HOST),
        }
    }

    /// The first value of `field` in a body that is a form; `None` too if it
    /// is not one.
    pub(crate) fn form(self, field: &str) -> Option<String> {
        if !self.is("application/x-www-form-urlencoded") {
            return None;
        }
        form_urlencoded::parse(self.0.body())
            .find(|(name, _)| name == field)
            .map(|(_, value)| value.into_owned())
    }

    /// The body as JSON, free of illegal characters, or why it is not.
    pub(crate) fn json(self) -> Result<Value, Refusal> {
        if self.0.body().is_empty() {
            return Err(Refusal::BLANK_REQUEST);
        }
        if !self.is("application/json") {
            return Err(Refusal::Bare(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = serde_json::from_slice(self.0.body()).map_err(|_| Refusal::UNEXPECTED)?;
        if holds_illegal(&body) {
            return Err(Refusal::ILLEGAL_CHARACTER);
        }
        Ok(body)
    }

    /// Refuses a path or query with an illegal character, in plain sight or
    /// percent-encoded.
    pub(crate) fn check_address(self) -> Result<(), Refusal> {
        let address = self.0.uri().path_and_query().map_or("", |a| a.as_str());
        if is_illegal(&percent_decode_str(address).decode_utf8_lossy()) {
            return Err(Refusal::ILLEGAL_CHARACTER);
        }
        Ok(())
    }

    /// Refuses a body whose length is told wrong, and a POST or PUT without a
    /// body that does not say so.
    ///
    /// HTTP/2 and later know the end of a body without being told.
    pub(crate) fn check_length(self) -> Result<(), Refusal> {
        let told = self.header(&CONTENT_LENGTH);
        if told.is_some_and(|told| told.parse() != Ok(self.0.body().len())) {
            return Err(Refusal::Bare(StatusCode::BAD_REQUEST));
        }
        let needed = matches!(*self.0.method(), Method::POST | Method::PUT)
            && self.0.version() <= Version::HTTP_11
            && self.0.body().is_empty();
        if needed && told.is_none() {
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

/// Documented by Verizon: the apostrophe, the less-than sign and the
/// backslash.
fn is_illegal(text: &str) -> bool {
    text.contains(['\'', '<', '\\'])
}

/// Looks at what the JSON says, not at how it is written: the backslash of an
/// escape is none, and an escaped apostrophe is one. As deep as the parser
/// goes, which stops at 128 levels.
fn holds_illegal(value: &Value) -> bool {
    match value {
        Value::String(text) => is_illegal(text),
        Value::Array(values) => values.iter().any(holds_illegal),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| is_illegal(name) || holds_illegal(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
