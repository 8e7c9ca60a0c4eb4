//! Responses to the session's own calls by somebody who stands in for the service.

use bytes::Bytes;
use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::json;

use crate::environment::OwnCall;

/// The lifetime of a bearer token in seconds, as Verizon documents it.
const LIFETIME: u32 = 3600;

impl OwnCall {
    /// Returns the service's response of success, with this text in the place of every
    /// secret: for a program that serves the call itself, and gives nothing away.
    ///
    /// ```
    /// use thingspace_core::{Endpoint, api::{LogIn, OwnCall}};
    ///
    /// let call = OwnCall::at("/m2m/v1/session/login").ok_or("no call of a session's own")?;
    /// let response = LogIn::parse(call.stand_in("nothing"))?;
    /// assert_eq!(response.body().session_token.expose(), "nothing");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stand_in(self, text: &str) -> Response<Bytes> {
        let body = match self {
            Self::RequestBearerToken => json!({
                "access_token": text,
                "token_type": "Bearer",
                "expires_in": LIFETIME,
            }),
            // It has no body (documented by Verizon).
            Self::RevokeBearerToken => return Response::new(Bytes::new()),
            Self::LogIn | Self::LogOut => json!({ "sessionToken": text }),
            Self::ResetPassword => json!({ "newPassword": text }),
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Endpoint,
        api::{LogIn, LogOut, RequestBearerToken, ResetPassword, RevokeBearerToken},
    };

    fn read<E: Endpoint>(call: OwnCall) -> E::Output {
        E::parse(call.stand_in("dummy")).unwrap().into_body()
    }

    #[test]
    fn each_response_is_one_of_its_endpoint() {
        let login = read::<LogIn<'_>>(OwnCall::LogIn);
        assert_eq!(login.session_token.expose(), "dummy");
        let logout = read::<LogOut>(OwnCall::LogOut);
        assert_eq!(logout.session_token, Some(login.session_token));
        let reset = read::<ResetPassword<'_>>(OwnCall::ResetPassword);
        assert_eq!(reset.new_password.expose(), "dummy");
        let bearer = read::<RequestBearerToken>(OwnCall::RequestBearerToken);
        assert_eq!(bearer.access_token.expose(), "dummy");
        assert_eq!(bearer.expires_in.unwrap().as_secs(), 3600);
        read::<RevokeBearerToken<'_>>(OwnCall::RevokeBearerToken);
    }
}
