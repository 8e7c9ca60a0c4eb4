//! The forms in which tokens are refused, beside those that the simulator gives by itself.

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};

use crate::refusal::bare;

/// A form in which tokens are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// The gateway refuses the bearer token in XML, whatever `Accept` says. (From the
    /// field: the issue tracker of WSO2, whose gateway ThingSpace has.)
    GatewayXml,
    /// The gateway refuses the bearer token in JSON without `fault` around it. (From the
    /// same place.)
    GatewayJson,
    /// The gateway refuses the bearer token by a header alone: `WWW-Authenticate` with
    /// `error="invalid_token"` (RFC 6750 §3.1; seen in the same place).
    GatewayChallenge,
    /// Somebody refuses the request with a 401 that names nothing. (From the same place.)
    Unnamed,
    /// Device Location says that the session is over. (Documented by Verizon.)
    DeviceLocation,
    /// Cloud Connector says that the session is over. (Documented by Verizon, but for the
    /// status, which is our choice.)
    CloudConnector,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 6] = [
        Self::GatewayXml,
        Self::GatewayJson,
        Self::GatewayChallenge,
        Self::Unnamed,
        Self::DeviceLocation,
        Self::CloudConnector,
    ];

    pub(crate) fn response(self) -> Response<Bytes> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");

        let mut response = bare(StatusCode::UNAUTHORIZED);
        let (content_type, body) = match self {
            Self::GatewayXml => (
                HeaderValue::from_static("application/xml"),
                r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code><ams:message>Invalid Credentials</ams:message></ams:fault>"#,
            ),
            Self::GatewayJson => (
                JSON,
                r#"{"code":"900901","message":"Invalid Credentials","description":"d"}"#,
            ),
            Self::GatewayChallenge => {
                let challenge = r#"Bearer realm="ThingSpace", error="invalid_token""#;
                let challenge = HeaderValue::from_static(challenge);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                return response;
            }
            Self::Unnamed => return response,
            Self::DeviceLocation => {
                *response.status_mut() = StatusCode::BAD_REQUEST;
                (
                    JSON,
                    r#"{"errorCode":"INVALID_PARAMETER","errorMessage":"UWS verification failure (The Session has expired.)"}"#,
                )
            }
            Self::CloudConnector => (
                JSON,
                r#"{"error":"unauthorized","error_description":"The request failed for UWS V1 REST accounts: [400]","cause":"c"}"#,
            ),
        };
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        *response.body_mut() = Bytes::from_static(body.as_bytes());
        response
    }
}
