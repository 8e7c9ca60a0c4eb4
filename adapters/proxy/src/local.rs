//! The calls that SDKs make by themselves, which the proxy serves without ThingSpace: the
//! session is the proxy's.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{path::ApiPath, problem::Problem};

/// The token that stands for all secrets at the proxy. It opens nothing.
const DUMMY: &str = "thingspace-proxy";

/// The lifetime of a bearer token that Verizon documents, in seconds.
const EXPIRES_IN: u32 = 3600;

/// A call that the proxy serves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocalCall {
    FetchToken,
    RevokeToken,
    LogIn,
    LogOut,
    ResetPassword,
}

impl LocalCall {
    /// The local call at a path, if that is one. Fails if its method is another one.
    pub(crate) fn at(path: &ApiPath, method: &Method) -> Result<Option<Self>, Problem> {
        let calls = [
            (Self::FetchToken, "/api/ts/v1/oauth2/token"),
            // Where Verizon's SDK fetches the tokens of its second scheme.
            (Self::FetchToken, "/api/ts/v1"),
            (Self::RevokeToken, "/api/ts/v1/oauth2/revoke"),
            (Self::LogIn, "/api/m2m/v1/session/login"),
            (Self::LogOut, "/api/m2m/v1/session/logout"),
            (
                Self::ResetPassword,
                "/api/m2m/v1/session/password/actions/reset",
            ),
        ];
        let Some((call, _)) = calls.into_iter().find(|(_, place)| path.is(place)) else {
            return Ok(None);
        };
        if *method == call.method() {
            Ok(Some(call))
        } else {
            Err(Problem::wrong_method())
        }
    }

    fn method(self) -> Method {
        match self {
            Self::ResetPassword => Method::PUT,
            _ => Method::POST,
        }
    }

    /// The response of success, in the shape of the service's.
    pub(crate) fn response(self) -> Response<Full<Bytes>> {
        match self {
            Self::FetchToken => json_response(&json!({
                "access_token": DUMMY,
                "token_type": "Bearer",
                "expires_in": EXPIRES_IN,
            })),
            Self::RevokeToken => json_response(&json!({})),
            Self::LogIn | Self::LogOut => json_response(&json!({ "sessionToken": DUMMY })),
            // The keeper has the new one. What the client saves works here all the same.
            Self::ResetPassword => json_response(&json!({ "newPassword": DUMMY })),
        }
    }
}

pub(crate) fn json_response(value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
