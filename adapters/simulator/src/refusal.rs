//! Refusals of a request in each of their forms: the API's, the gateway's, the
//! OAuth endpoint's, and a bare status.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// The documented shape of an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// `ConnectivityManagementResult`: a code with names.
    Named,
    /// `RestErrorResponse`: a code of three digits.
    Numbered,
}

/// The reason why a request was not executed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The API's 400, with one of its documented codes.
    Api {
        code: &'static str,
        message: &'static str,
    },
    /// The API's 400, with a whole code from the simulator's settings.
    LogIn { code: String, message: &'static str },
    /// The API's 400 with a code of three digits, as ten calls document it.
    Numbered { message: &'static str },
    /// The gateway's fault.
    Gateway {
        status: StatusCode,
        code: &'static str,
        message: &'static str,
        description: &'static str,
    },
    /// The OAuth endpoint's error (RFC 6749 §5.2).
    OAuth {
        status: StatusCode,
        error: &'static str,
        description: &'static str,
    },
    /// A status and nothing else, as HTTP servers and proxies send it.
    Bare(StatusCode),
}

impl Refusal {
    // Documented by Verizon: these codes and their use.
    pub(crate) const TOKEN_EXPIRED: Self = Self::Api {
        code: "REQUEST_FAILED.SessionToken.Expired",
        message: "The session has expired.",
    };
    pub(crate) const TOKEN_MISSING: Self = Self::Api {
        code: "REQUEST_FAILED.SessionToken.Format",
        message: "The session token is not in the header.",
    };
    pub(crate) const TOKEN_INVALID: Self = Self::Api {
        code: "INPUT_INVALID.SessionToken.Invalid",
        message: "The session token is not valid.",
    };
    pub(crate) const ILLEGAL_CHARACTER: Self = Self::Api {
        code: "INPUT_INVALID.Request.InvalidCharacter",
        message: "The request holds an apostrophe, a less-than sign or a backslash.",
    };
    pub(crate) const BLANK_REQUEST: Self = Self::Api {
        code: "INPUT_INVALID.RequestUndefined",
        message: "The request is blank.",
    };
    pub(crate) const UNEXPECTED: Self = Self::Api {
        code: "REQUEST_FAILED.UnexpectedError",
        message: "The request could not be completed.",
    };
    pub(crate) const NO_ACCOUNT: Self = Self::Api {
        code: "REQUEST_FAILED.AccountNotFound",
        message: "The account does not exist.",
    };

    // Our choice: Verizon publishes no codes for these.
    pub(crate) const UNDOCUMENTED: Self = Self::Api {
        code: "INPUT_INVALID.Request.UnknownField",
        message: "The request has a field that is not documented.",
    };
    pub(crate) const TOO_MANY: Self = Self::Api {
        code: "INPUT_INVALID.Request.TooManyItems",
        message: "The request has more items than are documented.",
    };
    pub(crate) const NO_DEVICES: Self = Self::Api {
        code: "INPUT_INVALID.Request.NoDevices",
        message: "The request names no device.",
    };
    pub(crate) const NO_DEVICE: Self = Self::Api {
        code: "REQUEST_FAILED.DeviceNotFound",
        message: "The account has no such device.",
    };
    pub(crate) const NO_REQUEST: Self = Self::Api {
        code: "REQUEST_FAILED.RequestNotFound",
        message: "The account has no such request.",
    };
    pub(crate) const NO_CALLBACK: Self = Self::Api {
        code: "REQUEST_FAILED.CallbackNotFound",
        message: "The account has no listener for this service.",
    };
    pub(crate) const NO_GROUP: Self = Self::Api {
        code: "REQUEST_FAILED.DeviceGroupNotFound",
        message: "The account has no such group.",
    };
    pub(crate) const GROUP_EXISTS: Self = Self::Api {
        code: "INPUT_INVALID.DeviceGroup.Exists",
        message: "The account has a group of this name.",
    };
    pub(crate) const DEFAULT_GROUP: Self = Self::Api {
        code: "INPUT_INVALID.DeviceGroup.Default",
        message: "The default group can't be changed.",
    };

    // Documented by Verizon: the gateway's codes, statuses and messages.
    pub(crate) const WRONG_BEARER: Self = Self::Gateway {
        status: StatusCode::UNAUTHORIZED,
        code: "900901",
        message: "Invalid Credentials",
        description: "The access token is wrong or has expired.",
    };
    pub(crate) const NO_BEARER: Self = Self::Gateway {
        status: StatusCode::UNAUTHORIZED,
        code: "900902",
        message: "Missing Credentials",
        description: "The header `Authorization: Bearer` is missing.",
    };
    pub(crate) const NO_BASIC: Self = Self::Gateway {
        status: StatusCode::UNAUTHORIZED,
        code: "900902",
        message: "Missing Credentials",
        description: "The header `Authorization: Basic` is missing.",
    };
    pub(crate) const NO_RESOURCE: Self = Self::Gateway {
        status: StatusCode::BAD_REQUEST,
        code: "900906",
        message: "No matching resource found in the API for the given request",
        description: "The API has no such path, or not with this method.",
    };
    pub(crate) const THROTTLED_OUT: Self = Self::Gateway {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "900800",
        message: "Message throttled out",
        description: "The quota has been exceeded.",
    };

    // RFC 6749 §5.2.
    pub(crate) const WRONG_APP: Self = Self::OAuth {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        description: "The key or the secret is wrong.",
    };
    pub(crate) const NO_GRANT_TYPE: Self = Self::OAuth {
        status: StatusCode::BAD_REQUEST,
        error: "invalid_request",
        description: "Missing grant_type parameter value",
    };
    pub(crate) const OTHER_GRANT_TYPE: Self = Self::OAuth {
        status: StatusCode::BAD_REQUEST,
        error: "unsupported_grant_type",
        description: "The grant type is not client_credentials.",
    };
    pub(crate) const NO_TOKEN: Self = Self::OAuth {
        status: StatusCode::BAD_REQUEST,
        error: "invalid_request",
        description: "Missing token parameter value",
    };

    /// Returns the refusal of a request's content in the shape that the call documents.
    pub(crate) fn shaped(self, errors: Errors) -> Self {
        match self {
            Self::Api { message, .. } if errors == Errors::Numbered => Self::Numbered { message },
            other => other,
        }
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Api { code, message } => api(&format!("UnifiedWebService.{code}"), message),
            Self::LogIn { code, message } => api(&code, message),
            Self::Numbered { message } => api("400", message),
            Self::Gateway {
                status,
                code,
                message,
                description,
            } => json_response(
                status,
                &json!({"fault": {"code": code, "message": message, "description": description}}),
            ),
            Self::OAuth {
                status,
                error,
                description,
            } => {
                let mut response = json_response(
                    status,
                    &json!({"error": error, "error_description": description}),
                );
                if status == StatusCode::UNAUTHORIZED {
                    response
                        .headers_mut()
                        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
                }
                response
            }
            Self::Bare(status) => bare(status),
        }
    }
}

/// Returns a response without a body.
pub(crate) fn bare(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Returns a response with `body` as its JSON.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = bare(status);
    *response.body_mut() = Bytes::from(body.to_string());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn api(code: &str, message: &str) -> Response<Bytes> {
    json_response(
        StatusCode::BAD_REQUEST,
        &json!({"errorCode": code, "errorMessage": message}),
    )
}
