//! The credentials of the application (key and secret) and of the user (name
//! and password).
//!
//! Secrets are never shown, and are wiped when dropped. A copy that was passed to
//! an HTTP stack can't be wiped: the body of a login or reset request belongs to
//! the stack, and lives as long as the stack's buffers.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::HeaderValue;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{BearerToken, variables};

/// The credentials of a session: of an application, and of the user that logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The application that asks for bearer tokens.
    pub app: AppCredentials,
    /// The user that logs in. `None` if there is none: then only calls are made that
    /// carry the bearer token alone ([`CallTokens::Bearer`](crate::api::CallTokens)).
    pub user: Option<UserCredentials>,
}

impl Credentials {
    /// Combines both halves.
    pub const fn new(app: AppCredentials, user: UserCredentials) -> Self {
        Self {
            app,
            user: Some(user),
        }
    }

    /// The credentials of an application alone, for calls that take no session token.
    pub const fn of_app(app: AppCredentials) -> Self {
        Self { app, user: None }
    }

    /// Finds all four by the names of their [variables].
    ///
    /// Fails if one is not found, or can't be right.
    ///
    /// ```
    /// use thingspace_core::{Credentials, CredentialsError, variables};
    ///
    /// let find = |name| match name {
    ///     variables::USERNAME => Ok("zbeeblebrox"),
    ///     _ => Ok("from a vault"),
    /// };
    /// let credentials = Credentials::from_variables::<_, CredentialsError>(find)?;
    /// assert_eq!(credentials.username(), Some("zbeeblebrox"));
    /// # Ok::<(), CredentialsError>(())
    /// ```
    pub fn from_variables<S, E>(
        mut find: impl FnMut(&'static str) -> Result<S, E>,
    ) -> Result<Self, E>
    where
        S: Into<String>,
        E: From<CredentialsError>,
    {
        let app = AppCredentials::new(find(variables::KEY)?, find(variables::SECRET)?)?;
        let user = UserCredentials::new(find(variables::USERNAME)?, find(variables::PASSWORD)?)?;
        Ok(Self::new(app, user))
    }

    /// Copies them, with another password of the user's, if there is one.
    #[must_use]
    pub fn with_password(&self, password: Password) -> Self {
        let user = self.user.as_ref().map(|user| user.with_password(password));
        Self {
            app: self.app.clone(),
            user,
        }
    }

    /// The user's name, if there is a user.
    pub fn username(&self) -> Option<&str> {
        self.user.as_ref().map(UserCredentials::username)
    }

    /// The user's password, if there is a user.
    pub fn password(&self) -> Option<&Password> {
        self.user.as_ref().map(UserCredentials::password)
    }
}

/// The key and secret of an application, from its page in the ThingSpace
/// portal.
#[doc(alias = "ThingspaceOauthCredentials")]
#[derive(Clone)]
pub struct AppCredentials {
    key: String,
    /// The value of the `Authorization` header, the only form in which the secret
    /// is used. Its buffer is wiped when the last copy is dropped.
    basic: HeaderValue,
    /// The bearer token that takes the place of both.
    fixed: Option<BearerToken>,
}

impl AppCredentials {
    /// Takes the key and secret of an application.
    ///
    /// Fails if one of them is empty or holds a control character, or if the
    /// key holds a colon, which ends it in `Authorization: Basic` (RFC 7617).
    pub fn new(
        key: impl Into<String>,
        secret: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        let key = key.into();
        let secret = Zeroizing::new(secret.into());
        if key.is_empty() {
            return Err(CredentialsError::Empty("key"));
        }
        if secret.is_empty() {
            return Err(CredentialsError::Empty("secret"));
        }
        if key.contains(|c: char| c == ':' || c.is_control()) {
            return Err(CredentialsError::Character("key"));
        }
        if secret.contains(char::is_control) {
            return Err(CredentialsError::Character("secret"));
        }

        let plain = Zeroizing::new([key.as_bytes(), b":", secret.as_bytes()].concat());
        let prefix = b"Basic ";
        let length = base64::encoded_len(plain.len(), true).unwrap_or_default();
        let mut value = Zeroizing::new(vec![0; prefix.len() + length]);
        let (head, tail) = value.split_at_mut(prefix.len());
        head.copy_from_slice(prefix);
        BASE64_STANDARD
            .encode_slice(plain, tail)
            .map_err(|_| CredentialsError::Character("secret"))?;
        let mut basic = HeaderValue::from_maybe_shared(Bytes::from_owner(value))
            .map_err(|_| CredentialsError::Character("secret"))?;
        basic.set_sensitive(true);
        Ok(Self {
            key,
            basic,
            fixed: None,
        })
    }

    /// Takes a bearer token in the place of a key and secret, such as the one that never
    /// expires, which the portal hands out for Verizon's own simulator. None is ever
    /// fetched.
    pub fn fixed(token: BearerToken) -> Self {
        Self {
            // No key of an application has a colon.
            key: ":fixed".to_owned(),
            basic: token.authorization(),
            fixed: Some(token),
        }
    }

    /// The bearer token that is used, if it was given and is not fetched.
    pub(crate) const fn fixed_token(&self) -> Option<&BearerToken> {
        self.fixed.as_ref()
    }

    /// The application's key, which is no secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The ready-made, sensitive value of the `Authorization` header.
    pub fn authorization(&self) -> HeaderValue {
        self.basic.clone()
    }

    /// The secret, decoded from the header, and the header's value.
    pub(crate) fn with_secret<R>(&self, look: impl FnOnce(&str, &str) -> R) -> R {
        let value = self.basic.to_str().unwrap_or_default();
        let value = value.strip_prefix("Basic ").unwrap_or_default();
        let mut plain = Zeroizing::new(vec![0; value.len()]);
        let length = BASE64_STANDARD.decode_slice(value, &mut plain);
        let plain = plain.get(..length.unwrap_or_default()).unwrap_or_default();
        let secret = plain.get(self.key.len() + 1..).unwrap_or_default();
        look(std::str::from_utf8(secret).unwrap_or_default(), value)
    }
}

impl PartialEq for AppCredentials {
    fn eq(&self, other: &Self) -> bool {
        self.basic == other.basic
    }
}

impl Eq for AppCredentials {}

impl fmt::Debug for AppCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppCredentials(…)")
    }
}

/// The name and password of a user of Connectivity Management.
#[doc(alias = "VZM2mTokenCredentials")]
#[derive(Clone, PartialEq, Eq)]
pub struct UserCredentials {
    username: String,
    password: Password,
}

impl UserCredentials {
    /// Takes a user's name and password.
    ///
    /// Fails if one of them is empty or holds a control character, such as the line
    /// end of the file that it was read from: such a login can only fail, and failed
    /// logins lock the user name.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        let password = Password::new(password)?;
        let username = username.into();
        if username.is_empty() {
            return Err(CredentialsError::Empty("user name"));
        }
        if username.contains(char::is_control) {
            return Err(CredentialsError::Character("user name"));
        }
        if password.expose().contains(char::is_control) {
            return Err(CredentialsError::Character("password"));
        }
        Ok(Self { username, password })
    }

    /// Copies the user, with another password.
    #[must_use]
    pub fn with_password(&self, password: Password) -> Self {
        Self {
            username: self.username.clone(),
            password,
        }
    }

    /// The user's name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The user's password.
    pub const fn password(&self) -> &Password {
        &self.password
    }
}

impl fmt::Debug for UserCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCredentials(…)")
    }
}

/// A user's password: never empty, never shown, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password. Fails if it is empty.
    pub fn new(password: impl Into<String>) -> Result<Self, CredentialsError> {
        let password = Zeroizing::new(password.into());
        if password.is_empty() {
            return Err(CredentialsError::Empty("password"));
        }
        Ok(Self(password))
    }

    /// The password itself, in the clear.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The reason why credentials can't be right. Names the part, never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The named part is empty.
    #[error("the {0} is empty; give the one that Verizon issued")]
    Empty(&'static str),
    /// The named part holds a character that can't be right.
    #[error("the {part} holds a character that can't be right; look for {}", stray(.0), part = .0)]
    Character(&'static str),
}

/// The character that can't be right in this part, as far as it can be told.
fn stray(part: &str) -> &'static str {
    // It ends the key in `Authorization: Basic` (RFC 7617).
    if part == "key" {
        "a colon or a stray line end"
    } else {
        "a stray line end"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_authorized_with_basic_authorization() {
        let app = AppCredentials::new("Aladdin", "open sesame").unwrap();
        assert_eq!(app.authorization(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(app.authorization().is_sensitive());
    }

    #[test]
    fn credentials_that_can_only_fail_are_refused() {
        use CredentialsError::{Character, Empty};
        assert_eq!(AppCredentials::new("", "s"), Err(Empty("key")));
        assert_eq!(AppCredentials::new("k", ""), Err(Empty("secret")));
        assert_eq!(AppCredentials::new("k:k", "s"), Err(Character("key")));
        assert_eq!(AppCredentials::new("k", "s\n"), Err(Character("secret")));
        assert_eq!(UserCredentials::new("", "p"), Err(Empty("user name")));
        assert_eq!(UserCredentials::new("u", ""), Err(Empty("password")));
        assert_eq!(
            UserCredentials::new("u\r", "p"),
            Err(Character("user name"))
        );
        assert_eq!(UserCredentials::new("u", "p\n"), Err(Character("password")));
    }

    #[test]
    fn an_error_names_the_characters_that_can_be_the_cause() {
        let said = |error: CredentialsError| error.to_string();
        assert_eq!(
            said(AppCredentials::new("k:k", "s").unwrap_err()),
            "the key holds a character that can't be right; look for a colon or a stray line end"
        );
        // A colon may well stand in a password.
        assert!(UserCredentials::new("u:u", "p:p").is_ok());
        assert_eq!(
            said(UserCredentials::new("u", "p\n").unwrap_err()),
            "the password holds a character that can't be right; look for a stray line end"
        );
    }

    #[test]
    fn a_secret_is_found_again_in_its_header() {
        for (key, secret) in [("key", "secret"), ("k", "ü:\u{1f600} s"), ("ß", "s")] {
            let app = AppCredentials::new(key, secret).unwrap();
            app.with_secret(|found, header| {
                assert_eq!(found, secret);
                assert_eq!(app.authorization(), format!("Basic {header}"));
            });
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = Credentials::new(
            AppCredentials::new("key", "hush").unwrap(),
            UserCredentials::new("user", "hush").unwrap(),
        );
        assert_eq!(
            format!("{credentials:?} {:?}", credentials.password()),
            "Credentials { app: AppCredentials(…), user: Some(UserCredentials(…)) } Some(Password(…))"
        );
    }

    #[test]
    fn an_application_is_its_key_and_its_secret() {
        let app = |key, secret| AppCredentials::new(key, secret).unwrap();
        assert_eq!(app("key", "secret"), app("key", "secret"));
        assert_ne!(app("key", "secret"), app("key", "another"));
        assert_ne!(app("key", "secret"), app("another", "secret"));
    }

    #[test]
    fn a_password_is_wiped_when_it_is_dropped() {
        const fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        is_wiped(&Password::new("hush").unwrap().0);
    }
}
