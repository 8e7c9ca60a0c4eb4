//! The session: opened with a user's name and password, ended, and its
//! password reset (from the document that describes Verizon's `SessionController`).

use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use super::{
    authorization::{WithBearer, WithSession},
    endpoint::{CallOptions, Endpoint},
};
use crate::{
    Environment, Password, SessionToken, UserCredentials,
    environment::{OwnCall, RequestError},
    response::{Field, InvalidResponse, Problem, Refusal, UNREADABLE, is_blank, json},
};

/// The longest new password that is accepted, in bytes (our choice). A service makes much
/// shorter ones. The smallest of the usual places to save a password is larger: a Windows
/// credential holds 2560 bytes. If a password is longer, the error has the response, and
/// with it the password.
pub const MAX_NEW_PASSWORD_LENGTH: usize = 1024;

/// Opens a session: `POST /m2m/v1/session/login`.
///
/// If you send it without a session, nothing protects the user name: five failed logins in
/// a row lock it until Verizon's support unlocks it (documented by Verizon). A
/// [`Session`](crate::session::Session) has a
/// [login guard](crate::session::LoginGuard) against that.
///
/// ```
/// use thingspace_core::{BearerToken, Endpoint, Environment, UserCredentials, api::LogIn};
///
/// let bearer = BearerToken::new("cf1b")?;
/// let user = UserCredentials::new("zbeeblebrox", "IMgr8")?;
/// let request = LogIn::new(&user).request(&Environment::mock(), &bearer)?;
/// assert_eq!(request.body(), r#"{"username":"zbeeblebrox","password":"IMgr8"}"#);
///
/// let response = r#"{"sessionToken": "bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#;
/// let response = LogIn::parse(http::Response::new(response.into()))?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.body().session_token.expose(), "bcce3ea6-fe4f-4952-bacf-eadd80718e83");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "login_using_post")]
#[doc(alias = "start_connectivity_management_session")]
#[derive(Clone, Debug, Default)]
pub struct LogIn<'a> {
    /// The user's name and password. Optional, as documented; without it the request has
    /// no body.
    pub body: Option<LogInRequest<'a>>,
}

impl<'a> LogIn<'a> {
    /// Logs this user in.
    pub fn new(user: &'a UserCredentials) -> Self {
        Self {
            body: Some(user.into()),
        }
    }
}

impl Endpoint for LogIn<'_> {
    type Auth = WithBearer;
    type Output = LogInResponse;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let body = match &self.body {
            Some(body) => {
                let (username, password) = (body.username, body.password.map(Password::expose));
                let texts = username.map_or(0, str::len) + password.map_or(0, str::len);
                write(body, r#"{"username":"","password":""}"#.len() + texts)?
            }
            None => Bytes::new(),
        };
        environment.request_to(OwnCall::LogIn, body)
    }

    fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse> {
        let fields: TokenResponse<'_> = json(response.body())?;
        let token = fields.token.required_token("sessionToken")?;
        Ok(LogInResponse {
            session_token: session_token(token)?,
        })
    }
}

/// Ends the session: `POST /m2m/v1/session/logout`.
#[doc(alias = "logout_using_post")]
#[doc(alias = "end_connectivity_management_session")]
#[derive(Clone, Copy, Debug, Default)]
pub struct LogOut;

impl Endpoint for LogOut {
    type Auth = WithSession;
    type Output = LogOutResponse;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        environment.request_to(OwnCall::LogOut, Bytes::new())
    }

    fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse> {
        let fields: TokenResponse<'_> = match json(response.body()) {
            Err(_) if is_blank(response.body()) => TokenResponse::default(),
            fields => fields?,
        };
        let token = fields.token.optional_token("sessionToken")?;
        if token.is_none() && Refusal::is_in(response.body()) {
            return Err(InvalidResponse::new("sessionToken", Problem::Missing));
        }
        Ok(LogOutResponse {
            session_token: token.map(session_token).transpose()?,
        })
    }

    fn options(&self) -> CallOptions {
        CallOptions::idempotent()
    }
}

/// Resets the password to a random one: `PUT /m2m/v1/session/password/actions/reset`.
///
/// The new password is effective at once, and the response is its only copy. So this call
/// is never sent again when its outcome is unknown, although it is a PUT.
#[doc(alias = "reset_using_put")]
#[doc(alias = "reset_connectivity_management_password")]
#[derive(Clone, Copy, Debug)]
pub struct ResetPassword<'a> {
    /// The current password.
    pub body: SessionResetPasswordRequest<'a>,
}

impl<'a> ResetPassword<'a> {
    /// Resets the password. `old_password` is the current one.
    pub const fn new(old_password: &'a Password) -> Self {
        Self {
            body: SessionResetPasswordRequest { old_password },
        }
    }
}

impl Endpoint for ResetPassword<'_> {
    type Auth = WithSession;
    type Output = SessionResetPasswordResponse;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let text = self.body.old_password.expose();
        let body = write(&self.body, r#"{"oldPassword":""}"#.len() + text.len())?;
        environment.request_to(OwnCall::ResetPassword, body)
    }

    fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse> {
        let fields: PasswordResponse<'_> = json(response.body())?;
        let password = fields.password.required("newPassword")?;
        if password.len() > MAX_NEW_PASSWORD_LENGTH {
            let problem = Problem::TooLong(MAX_NEW_PASSWORD_LENGTH);
            return Err(InvalidResponse::new("newPassword", problem));
        }
        // The right one has another character there, and nobody knows which. Few passwords
        // need the longer look.
        if !password.is_ascii() && password.contains(UNREADABLE) {
            return Err(InvalidResponse::new("newPassword", Problem::Kind));
        }
        let new_password = Password::new(password)
            .map_err(|_| InvalidResponse::new("newPassword", Problem::Missing))?;
        Ok(SessionResetPasswordResponse { new_password })
    }
}

/// The body of a [`LogIn`]. Both fields are optional in the published schema.
///
/// It is serialised as it is sent, with the password.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogInRequest<'a> {
    /// The user's name.
    pub username: Option<&'a str>,
    /// The user's password.
    pub password: Option<&'a Password>,
}

impl Serialize for LogInRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = usize::from(self.username.is_some()) + usize::from(self.password.is_some());
        let mut object = serializer.serialize_struct("LogInRequest", fields)?;
        if let Some(username) = self.username {
            object.serialize_field("username", username)?;
        }
        if let Some(password) = self.password {
            object.serialize_field("password", password.expose())?;
        }
        object.end()
    }
}

impl<'a> From<&'a UserCredentials> for LogInRequest<'a> {
    fn from(user: &'a UserCredentials) -> Self {
        Self {
            username: Some(user.username()),
            password: Some(user.password()),
        }
    }
}

/// The response to a [`LogIn`].
#[doc(alias = "LogInResult")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogInResponse {
    /// The token of the session that is now open.
    pub session_token: SessionToken,
}

/// The response to a [`LogOut`].
#[doc(alias = "LogOutRequest")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOutResponse {
    /// The token of the session that was ended, as confirmation.
    pub session_token: Option<SessionToken>,
}

/// The body of a [`ResetPassword`].
///
/// It is serialised as it is sent, with the password.
#[derive(Clone, Copy, Debug)]
pub struct SessionResetPasswordRequest<'a> {
    /// The current password.
    pub old_password: &'a Password,
}

impl Serialize for SessionResetPasswordRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SessionResetPasswordRequest", 1)?;
        object.serialize_field("oldPassword", self.old_password.expose())?;
        object.end()
    }
}

/// The response to a [`ResetPassword`].
#[doc(alias = "SessionResetPasswordResult")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionResetPasswordResponse {
    /// The password from now on.
    pub new_password: Password,
}

#[derive(Default, Deserialize)]
struct TokenResponse<'a> {
    #[serde(default, borrow, rename = "sessionToken")]
    token: Field<'a>,
}

#[derive(Deserialize)]
struct PasswordResponse<'a> {
    #[serde(default, borrow, rename = "newPassword")]
    password: Field<'a>,
}

fn session_token(token: &str) -> Result<SessionToken, InvalidResponse> {
    SessionToken::new(token)
        .map_err(|error| InvalidResponse::new("sessionToken", Problem::Token(error)))
}

/// Writes a body into one allocation; `length` is what it takes without escapes.
fn write(body: &impl Serialize, length: usize) -> Result<Bytes, RequestError> {
    let mut buffer = Vec::with_capacity(length);
    serde_json::to_writer(&mut buffer, body).map_err(|_| RequestError::Part("body"))?;
    Ok(Bytes::from(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BearerToken, api::Error};

    const GUID: &str = "bcce3ea6-fe4f-4952-bacf-eadd80718e83";

    fn tokens() -> (BearerToken, SessionToken) {
        (
            BearerToken::new("cf1b").unwrap(),
            SessionToken::new(GUID).unwrap(),
        )
    }

    fn response(body: &str) -> Response<Bytes> {
        Response::new(Bytes::copy_from_slice(body.as_bytes()))
    }

    fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> InvalidResponse {
        match result {
            Err(Error::Invalid { invalid, .. }) => invalid,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn log_in_as_documented() {
        let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
        let request = LogIn::new(&user)
            .request(&Environment::production(), &tokens().0)
            .unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(
            request.uri(),
            "https://thingspace.verizon.com/api/m2m/v1/session/login"
        );
        assert_eq!(request.headers()["authorization"], "Bearer cf1b");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.headers()["accept"], "application/json");
        assert!(!request.headers().contains_key("vz-m2m-token"));
        assert_eq!(
            request.body(),
            r#"{"username":"zbeeblebrox","password":"IMgr8"}"#
        );

        let response = LogIn::parse(response(
            r#"{"sessionToken": "bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#,
        ));
        assert_eq!(response.unwrap().body().session_token.expose(), GUID);
    }

    #[test]
    fn log_in_without_a_body_says_that_there_is_none() {
        let request = LogIn::default()
            .request(&Environment::production(), &tokens().0)
            .unwrap();
        assert_eq!(request.body(), "");
        assert_eq!(request.headers()["content-length"], "0");
        assert!(!request.headers().contains_key("content-type"));
    }

    #[test]
    fn log_in_with_one_field_sends_that_one() {
        let body = LogInRequest {
            username: Some("zbeeblebrox"),
            password: None,
        };
        let request = LogIn { body: Some(body) }
            .request(&Environment::production(), &tokens().0)
            .unwrap();
        assert_eq!(request.body(), r#"{"username":"zbeeblebrox"}"#);
    }

    #[test]
    fn the_lifetime_that_some_describe_is_taken_and_not_needed() {
        let response = response(r#"{"sessionToken":"t","expiresIn":1200}"#);
        assert_eq!(
            LogIn::parse(response)
                .unwrap()
                .body()
                .session_token
                .expose(),
            "t"
        );
    }

    #[test]
    fn a_login_response_without_a_usable_token_is_not_accepted() {
        for (body, part, problem) in [
            ("", "the body", Problem::Missing),
            ("{}", "sessionToken", Problem::Missing),
            (r#"{"sessionToken":null}"#, "sessionToken", Problem::Missing),
            (r#"{"sessionToken":""}"#, "sessionToken", Problem::Missing),
            (
                r#"{"sessionToken":{"a":[1]}}"#,
                "sessionToken",
                Problem::Kind,
            ),
        ] {
            let error = invalid(LogIn::parse(response(body)));
            assert_eq!(error, InvalidResponse::new(part, problem), "{body}");
        }
        let error = invalid(LogIn::parse(response(r#"{"sessionToken":"a\r\nb"}"#)));
        assert_eq!(
            error.to_string(),
            "sessionToken can't be used: the token has a character at byte 1 that can't stand in a header"
        );
    }

    #[test]
    fn log_out_as_documented() {
        let (bearer, session) = tokens();
        let request = LogOut
            .request(&Environment::production(), (&bearer, &session))
            .unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(
            request.uri(),
            "https://thingspace.verizon.com/api/m2m/v1/session/logout"
        );
        assert_eq!(request.headers()["authorization"], "Bearer cf1b");
        assert_eq!(request.headers()["vz-m2m-token"], GUID);
        assert_eq!(request.headers()["content-length"], "0");
        assert_eq!(request.body(), "");

        let ended = LogOut::parse(response(
            r#"{"sessionToken": "bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#,
        ));
        let token = ended.unwrap().into_body().session_token;
        assert_eq!(token.unwrap().expose(), GUID);
        for silent in ["", "{}"] {
            let ended = LogOut::parse(response(silent)).unwrap();
            assert_eq!(ended.body().session_token, None);
        }
        assert_eq!(invalid(LogOut::parse(response("<html>"))).part, "the body");
    }

    #[test]
    fn reset_password_as_documented() {
        let (bearer, session) = tokens();
        let old = Password::new("grflbk").unwrap();
        let reset = ResetPassword::new(&old);
        let request = reset
            .request(&Environment::production(), (&bearer, &session))
            .unwrap();
        assert_eq!(request.method(), "PUT");
        assert_eq!(
            request.uri(),
            "https://thingspace.verizon.com/api/m2m/v1/session/password/actions/reset"
        );
        assert_eq!(request.headers()["vz-m2m-token"], GUID);
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.body(), r#"{"oldPassword":"grflbk"}"#);
        assert!(!reset.options().idempotent);
        assert!(LogOut.options().idempotent);

        let new = ResetPassword::parse(response(r#"{"newPassword": "Wh0a1545a84d"}"#)).unwrap();
        assert_eq!(new.body().new_password.expose(), "Wh0a1545a84d");
        for body in ["{}", r#"{"newPassword":""}"#, r#"{"newPassword":null}"#] {
            let error = invalid(ResetPassword::parse(response(body)));
            assert_eq!(error, InvalidResponse::new("newPassword", Problem::Missing));
        }
    }

    #[test]
    fn a_new_password_that_no_place_could_keep_stays_in_the_response() {
        let reset = |password: &str| {
            ResetPassword::parse(response(&format!(r#"{{"newPassword":"{password}"}}"#)))
        };
        let longest = "x".repeat(MAX_NEW_PASSWORD_LENGTH);
        let new = reset(&longest).unwrap().into_body().new_password;
        assert_eq!(new.expose(), longest);
        let error = reset(&format!("{longest}x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the response is invalid: newPassword is longer than the 1024 bytes that are read"
        );
        let kept = error.response().body();
        assert!(
            kept.windows(longest.len())
                .any(|part| part == longest.as_bytes())
        );
        // One that did not come as it was sent is not the right one.
        let error = invalid(reset("Wh0a\u{fffd}"));
        assert_eq!(error, InvalidResponse::new("newPassword", Problem::Kind));
    }

    #[test]
    fn a_blank_response_to_a_logout_is_as_good_as_none() {
        for blank in ["", "\r\n", "\u{feff} "] {
            let ended = LogOut::parse(response(blank)).unwrap();
            assert_eq!(ended.body().session_token, None);
        }
    }

    #[test]
    fn an_error_code_in_a_success_is_a_refusal_unless_it_has_what_was_asked_for() {
        for body in [
            r#"{"errorCode":"S.REQUEST_FAILED.X","errorMessage":"m"}"#,
            r#"{"status":"FAILED","errorCode":"DeserializationFailed"}"#,
            r#"{"code":"900901","message":"Invalid Credentials"}"#,
        ] {
            let errors = [
                LogIn::parse(response(body)).err(),
                LogOut::parse(response(body)).err(),
                ResetPassword::parse(response(body)).err(),
                crate::api::RequestBearerToken::parse(response(body)).err(),
                crate::api::RevokeBearerToken::parse(response(body)).err(),
            ];
            for error in errors {
                assert!(
                    matches!(error, Some(Error::Refused(_))),
                    "{body}: {error:?}"
                );
            }
        }
        let both = r#"{"sessionToken":"t","newPassword":"p","errorCode":"S.REQUEST_FAILED.X"}"#;
        assert!(LogIn::parse(response(both)).is_ok());
        assert!(LogOut::parse(response(both)).is_ok());
        assert!(ResetPassword::parse(response(both)).is_ok());
    }

    #[test]
    fn a_refusal_is_read_on_every_call() {
        let refusal = |status| {
            let body = r#"{"errorCode":"S.REQUEST_FAILED.Specific","errorMessage":"m"}"#;
            Response::builder()
                .status(status)
                .body(Bytes::from(body))
                .unwrap()
        };
        for error in [
            LogIn::parse(refusal(400)).unwrap_err(),
            LogOut::parse(refusal(400)).unwrap_err(),
            ResetPassword::parse(refusal(400)).unwrap_err(),
        ] {
            assert!(
                error
                    .refusal()
                    .unwrap()
                    .code()
                    .unwrap()
                    .is("REQUEST_FAILED.Specific")
            );
            assert_eq!(error.response().status(), 400);
        }
    }

    #[test]
    fn law_10_a_lost_password_is_kept_but_not_shown() {
        let body = r#"{"newpassword":"hush"}"#;
        let error = ResetPassword::parse(response(body)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"));
        assert_eq!(error.response().body(), body);
    }
}
