//! Refusals by which products outside Connectivity Management say that a session is
//! over.
//!
//! Under `/m2m`, a code with a `SessionToken` segment says so. Other products take the
//! same session token and say it in forms of their own, which are data beside the call:
//! [`CallOptions::dead_session`](super::CallOptions::dead_session).

use crate::{
    ErrorCode,
    response::{Refusal, Shape},
};

/// A refusal that means that the session is over: by its status, its code, and a part of
/// its message.
///
/// Messages are for people and may change, so a form that needs one is the last resort.
///
/// ```
/// use thingspace_core::{CallOptions, api::DeadSession};
///
/// /// The form of another product, beside the documented ones.
/// const FORMS: &[DeadSession] = &[
///     DeadSession::DOCUMENTED[0],
///     DeadSession::DOCUMENTED[1],
///     DeadSession::new("SESSION_GONE").with_status(403),
/// ];
///
/// let mut options = CallOptions::once();
/// options.dead_session = &FORMS;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadSession {
    status: Option<u16>,
    code: &'static str,
    message: Option<&'static str>,
}

impl DeadSession {
    /// The documented forms: those of Device Location, and of Cloud Connector.
    pub const DOCUMENTED: &[Self] = &[
        Self::new("INVALID_PARAMETER")
            .with_status(400)
            .with_message("UWS verification failure (The Session has expired.)"),
        Self::new("unauthorized").with_message("UWS V1 REST accounts: [400]"),
    ];

    /// A refusal with this code, compared without case: the `errorCode` of the API, or the
    /// `error` of the OAuth shape.
    pub const fn new(code: &'static str) -> Self {
        Self {
            status: None,
            code,
            message: None,
        }
    }

    /// The same refusal, with this status only.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// The same refusal, only if its message contains this.
    #[must_use]
    pub const fn with_message(self, message: &'static str) -> Self {
        Self {
            message: Some(message),
            ..self
        }
    }

    /// Returns true if this refusal is of the form.
    pub fn is_told_by(&self, refusal: &Refusal) -> bool {
        let code = match refusal.shape() {
            Shape::Api(error) => error.error_code.as_ref().map(ErrorCode::as_str),
            Shape::OAuth(error) => Some(&*error.error),
            _ => None,
        };
        let has = |part| {
            refusal
                .message()
                .is_some_and(|message| message.contains(part))
        };
        code.is_some_and(|code| code.eq_ignore_ascii_case(self.code))
            && self
                .status
                .is_none_or(|status| refusal.status().as_u16() == status)
            && self.message.is_none_or(has)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        let response = Response::builder().status(status);
        let body = Bytes::copy_from_slice(body.as_bytes());
        Refusal::read(response.body(body).unwrap())
    }

    #[test]
    fn law_5_the_documented_forms_are_recognised_and_nothing_near_them() {
        let is_dead = |status, body: &str| {
            let refusal = refusal(status, body);
            DeadSession::DOCUMENTED
                .iter()
                .any(|form| form.is_told_by(&refusal))
        };
        let location = |message: &str| {
            format!(r#"{{"errorCode":"INVALID_PARAMETER","errorMessage":"{message}"}}"#)
        };
        let expired = location("UWS verification failure (The Session has expired.)");
        assert!(is_dead(400, &expired));
        assert!(!is_dead(401, &expired));
        assert!(!is_dead(400, &location("Unknown device.")));
        let cloud = r#"{"error":"unauthorized","error_description":"The token is not valid for UWS V1 REST accounts: [400]","cause":"c"}"#;
        for status in [400, 401, 403] {
            assert!(is_dead(status, cloud));
        }
        assert!(!is_dead(401, r#"{"error":"unauthorized"}"#));
    }
}
