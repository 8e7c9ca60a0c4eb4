//! The two tokens that a ThingSpace call needs.
//!
//! A token is checked once, when it is read, and stored as the header value that
//! every later request carries. So authorizing a request costs a reference count
//! and nothing else. Neither type shows its token, except through `expose`.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// The longest token that is accepted, in bytes (our choice: eight times the
/// usual length of a signed bearer token, and half of what servers commonly
/// allow for all headers together).
pub const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// The OAuth access token, sent as `Authorization: Bearer …` on every call.
///
/// It lives for one hour from its first issue (documented by Verizon).
#[doc(alias = "access_token")]
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(HeaderValue);

impl BearerToken {
    const PREFIX: &'static str = "Bearer ";

    /// Takes a token as the service sent it.
    ///
    /// Fails if it can't be the value of a header.
    pub fn new(token: &str) -> Result<Self, TokenError> {
        ready_made(Self::PREFIX, token).map(Self)
    }

    /// The token itself, in the clear.
    pub fn expose(&self) -> &str {
        text(&self.0).strip_prefix(Self::PREFIX).unwrap_or_default()
    }

    /// The ready-made, sensitive value of the `Authorization` header.
    pub fn authorization(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The token of a Connectivity Management session, sent as `VZ-M2M-Token: …`
/// on every call under `/m2m`.
///
/// It stays valid while it is used, and expires after 20 minutes without use
/// (documented by Verizon). It is documented to be a GUID. Any text that can be
/// the value of a header is accepted, so that a change of format breaks nobody.
#[doc(alias = "VZ-M2M-Token")]
#[doc(alias = "sessionToken")]
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(HeaderValue);

impl SessionToken {
    /// Takes a token as the service sent it.
    ///
    /// Fails if it can't be the value of a header.
    pub fn new(token: &str) -> Result<Self, TokenError> {
        ready_made("", token).map(Self)
    }

    /// The token itself, in the clear.
    pub fn expose(&self) -> &str {
        text(&self.0)
    }

    /// The ready-made, sensitive value of the `VZ-M2M-Token` header.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The reason why a text can't be a token. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is empty.
    #[error("the token is empty")]
    Empty,
    /// The text is longer than [`MAX_TOKEN_LENGTH`]. Holds its length in bytes.
    #[error("the token has {0} bytes, more than the {MAX_TOKEN_LENGTH} that are accepted")]
    TooLong(usize),
    /// The byte at this position is a space, a control character or not ASCII.
    #[error("the token has a character at byte {0} that can't stand in a header")]
    Character(usize),
}

/// Copies a token from the response into its header value: the one copy that a
/// token costs.
fn ready_made(prefix: &str, token: &str) -> Result<HeaderValue, TokenError> {
    if token.is_empty() {
        return Err(TokenError::Empty);
    }
    if token.len() > MAX_TOKEN_LENGTH {
        return Err(TokenError::TooLong(token.len()));
    }
    // No early return, so that the loop vectorizes.
    let is_visible = token
        .bytes()
        .fold(true, |so_far, byte| so_far & byte.is_ascii_graphic());
    if !is_visible {
        let position = token.bytes().position(|byte| !byte.is_ascii_graphic());
        return Err(TokenError::Character(position.unwrap_or_default()));
    }
    let mut value = Vec::with_capacity(prefix.len() + token.len());
    value.extend_from_slice(prefix.as_bytes());
    value.extend_from_slice(token.as_bytes());
    let mut header =
        HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(|_| TokenError::Character(0))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Reads a header value as text, which [`ready_made`] has checked.
fn text(header: &HeaderValue) -> &str {
    header.to_str().unwrap_or_default()
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// Writes the token in the clear, for a snapshot, which holds live tokens.
impl Serialize for BearerToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

/// Writes the token in the clear, for a snapshot, which holds live tokens.
impl Serialize for SessionToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for BearerToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer)?;
        Self::new(&token).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for SessionToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer)?;
        Self::new(&token).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_becomes_a_sensitive_header_and_comes_back_unchanged() {
        let bearer = BearerToken::new("Bearer").unwrap();
        assert_eq!(bearer.authorization(), "Bearer Bearer");
        assert!(bearer.authorization().is_sensitive());
        assert_eq!(bearer.expose(), "Bearer");

        let session = SessionToken::new("bcce3ea6-fe4f-4952-bacf-eadd80718e83").unwrap();
        assert_eq!(session.header(), "bcce3ea6-fe4f-4952-bacf-eadd80718e83");
        assert!(session.header().is_sensitive());
    }

    #[test]
    fn a_text_that_cannot_be_a_header_value_is_refused() {
        for (text, error) in [
            ("", TokenError::Empty),
            ("a b", TokenError::Character(1)),
            ("a\r\nHost: evil", TokenError::Character(1)),
            ("tökén", TokenError::Character(1)),
        ] {
            assert_eq!(SessionToken::new(text), Err(error));
            assert_eq!(BearerToken::new(text), Err(error));
        }
    }

    #[test]
    fn the_longest_token_is_accepted_and_one_byte_more_is_not() {
        let longest = "x".repeat(MAX_TOKEN_LENGTH);
        assert!(SessionToken::new(&longest).is_ok());
        let longer = longest + "x";
        assert_eq!(
            SessionToken::new(&longer),
            Err(TokenError::TooLong(longer.len()))
        );
    }

    #[test]
    fn debug_shows_no_token() {
        let bearer = BearerToken::new("hush").unwrap();
        let session = SessionToken::new("hush").unwrap();
        assert_eq!(
            format!("{bearer:?} {session:?}"),
            "BearerToken(…) SessionToken(…)"
        );
    }
}
