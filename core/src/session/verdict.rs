//! The verdict on a login, or on a password reset, that failed: what its result
//! proves about the credentials.
//!
//! Five failed logins in a row lock the user name, so what a failed one *means*
//! decides whether it counts, and whether another one may follow.

use serde::{Deserialize, Serialize};

use crate::response::{Refusal, Shape};

/// The verdict on a login or reset that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// There is proof that nobody judged the credentials.
    NotJudged,
    /// Nobody knows whether somebody did.
    Uncertain,
    /// Somebody did, and did not say what is wrong.
    Judged,
    /// The credentials can't be sent as they are.
    CantBeSent,
    /// The credentials are wrong.
    WrongCredentials,
}

impl Verdict {
    /// Judges a refusal of a login or reset.
    pub(super) fn on(refusal: &Refusal) -> Self {
        let status = refusal.status().as_u16();
        let is_the_apis = matches!(refusal.shape(), Shape::Api(_));
        // A code under the status of a success is as good as under a 400.
        if refusal.is_bearer_fault() || refusal.is_gateway_refusal() {
            Self::NotJudged
        } else if refusal.names_credentials() {
            Self::WrongCredentials
        } else if !refusal.blames_request() || matches!(status, 408 | 425 | 429) {
            Self::Uncertain
        } else if refusal.names_characters() {
            Self::CantBeSent
        } else if is_the_apis || status == 401 {
            Self::Judged
        } else {
            Self::Uncertain
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// The verdict on a response with this status and body.
    fn on(status: u16, body: &str) -> Verdict {
        let response = http::Response::builder().status(status);
        let body = Bytes::copy_from_slice(body.as_bytes());
        Verdict::on(&Refusal::read(response.body(body).unwrap()))
    }

    fn code(code: &str) -> String {
        format!(r#"{{"errorCode":"S.{code}"}}"#)
    }

    #[test]
    fn law_4_what_the_gateway_refused_was_not_judged() {
        for (status, body) in [
            (401, r#"{"fault":{"code":900901}}"#),
            (401, r#"{"fault":{}}"#),
            (401, r#"{"error":"invalid_token"}"#),
            (403, r#"{"fault":{"code":900908}}"#),
            (429, r#"{"fault":{"code":900800}}"#),
            (503, r#"{"fault":{"code":"900802"}}"#),
            (
                503,
                "<am:fault xmlns:am='x'><am:code>900802</am:code></am:fault>",
            ),
            (200, r#"{"code":900901,"message":"m","description":"d"}"#),
            (401, r#"{"errorMessage":"m","fault":{"code":900901}}"#),
        ] {
            assert_eq!(on(status, body), Verdict::NotJudged, "{status} {body}");
        }
    }

    #[test]
    fn law_3_a_code_that_names_the_credentials_says_that_they_are_wrong_whatever_its_status() {
        for status in [200, 400, 401, 403, 429, 500, 503] {
            let verdict = on(status, &code("INPUT_INVALID.Password.Incorrect"));
            assert_eq!(verdict, Verdict::WrongCredentials, "{status}");
        }
    }

    #[test]
    fn law_2_nobody_knows_what_an_outage_or_a_proxy_says() {
        for status in [302, 408, 425, 429, 500, 503, 599] {
            for body in ["", "<html>", &code("REQUEST_FAILED.Unclear")] {
                assert_eq!(on(status, body), Verdict::Uncertain, "{status} {body}");
            }
        }
        for body in ["", "<html>", r#"{"error":"no"}"#, r#"{"fault":{"code":1}}"#] {
            assert_eq!(on(403, body), Verdict::Uncertain, "{body}");
        }
    }

    #[test]
    fn law_2_a_login_service_that_is_down_says_nothing_of_the_credentials() {
        for code in [
            "LoginService.REQUEST_FAILED.Unavailable",
            "LoginService.REQUEST_FAILED.Internal",
            "LoginService.Down",
            "REQUEST_FAILED.LoginService.Down",
            "Login.Timeout",
            "ClockSkew",
            "Unblocked",
        ] {
            let body = format!(r#"{{"errorCode":"{code}"}}"#);
            assert_eq!(on(503, &body), Verdict::Uncertain, "{code}");
            assert_eq!(on(400, &body), Verdict::Judged, "{code}");
            assert_eq!(on(200, &body), Verdict::Judged, "{code}");
        }
        for code in ["AuthenticationFailed", "INVALIDPASSWORD", "user_locked"] {
            let body = format!(r#"{{"errorCode":"{code}"}}"#);
            for status in [200, 400, 401, 403] {
                assert_eq!(on(status, &body), Verdict::WrongCredentials, "{code}");
            }
        }
    }

    #[test]
    fn law_2_the_api_and_whoever_says_401_have_judged() {
        for status in [200, 400, 401, 403, 404, 409, 422] {
            let verdict = on(status, &code("REQUEST_FAILED.Unclear"));
            assert_eq!(verdict, Verdict::Judged, "{status}");
        }
        for body in ["", "<html>", r#"{"error":"invalid_client"}"#] {
            assert_eq!(on(401, body), Verdict::Judged, "{body}");
        }
    }

    #[test]
    fn characters_that_are_not_taken_are_no_wrong_password() {
        let character = code("INPUT_INVALID.Request.InvalidCharacter");
        assert_eq!(on(400, &character), Verdict::CantBeSent);
        assert_eq!(on(200, &character), Verdict::CantBeSent);
        assert_eq!(on(503, &character), Verdict::Uncertain);
    }

    #[test]
    fn a_verdict_that_is_more_certain_is_greater() {
        use Verdict::{CantBeSent, Judged, NotJudged, Uncertain, WrongCredentials};
        let verdicts = [NotJudged, Uncertain, Judged, CantBeSent, WrongCredentials];
        assert!(verdicts.is_sorted());
    }
}
