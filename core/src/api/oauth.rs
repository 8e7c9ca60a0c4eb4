//! The bearer token: requested with the application's key and secret, and
//! revoked when it is no longer wanted (OAuth 2 client credentials, RFC 6749
//! §4.4, as documented by Verizon).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use serde::Deserialize;

use super::{
    authorization::WithApp,
    endpoint::{CallOptions, Endpoint},
};
use crate::{
    BearerToken, Environment,
    environment::{OwnCall, RequestError},
    response::{Field, InvalidResponse, Problem, Refusal, json},
};

const GRANT: &str = "grant_type=client_credentials";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Asks for a bearer token: `POST /ts/v1/oauth2/token`.
///
/// If it is asked again within an hour of the first issue, the service responds with the
/// *same* token, which then has less than an hour left (documented by Verizon).
#[doc(alias = "client_credentials")]
#[doc(alias = "refresh")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestBearerToken {
    /// The scopes to ask for, separated by spaces. `None` asks for all that the application
    /// has.
    pub scope: Option<String>,
}

impl Endpoint for RequestBearerToken {
    type Auth = WithApp;
    type Output = BearerTokenResponse;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let form = match &self.scope {
            None => Bytes::from_static(GRANT.as_bytes()),
            Some(scope) => with("scope", scope),
        };
        post(environment, OwnCall::RequestBearerToken, form)
    }

    fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse> {
        let fields: TokenResponse<'_> = json(response.body())?;
        if let Some(kind) = fields.token_type.optional_token("token_type")? {
            if !kind.eq_ignore_ascii_case("bearer") {
                return Err(InvalidResponse::new("token_type", Problem::Kind));
            }
        }
        let token = fields.access_token.required_token("access_token")?;
        let lifetime = fields.expires_in.number("expires_in")?;
        let scope = fields.scope.text();
        Ok(BearerTokenResponse {
            access_token: BearerToken::new(token)
                .map_err(|error| InvalidResponse::new("access_token", Problem::Token(error)))?,
            expires_in: lifetime.map(seconds),
            // It is shown, and must not show the token.
            scope: match scope {
                Some(scope) if !scope.contains(token) => Some(scope.into()),
                _ => None,
            },
        })
    }

    fn options(&self) -> CallOptions {
        CallOptions::idempotent()
    }
}

/// Ends a bearer token: `POST /ts/v1/oauth2/revoke`. The response has no body.
#[derive(Clone, Debug)]
pub struct RevokeBearerToken<'a> {
    /// The token to end.
    pub token: &'a BearerToken,
}

impl Endpoint for RevokeBearerToken<'_> {
    type Auth = WithApp;
    type Output = ();

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let form = with("token", self.token.expose());
        post(environment, OwnCall::RevokeBearerToken, form)
    }

    fn read(response: &Response<Bytes>) -> Result<(), InvalidResponse> {
        // It has no body (documented by Verizon).
        if !response.body().is_empty() && Refusal::is_in(response.body()) {
            return Err(InvalidResponse::new("the body", Problem::Kind));
        }
        Ok(())
    }

    fn options(&self) -> CallOptions {
        CallOptions::idempotent()
    }
}

/// The response to [`RequestBearerToken`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BearerTokenResponse {
    /// The token.
    pub access_token: BearerToken,
    /// The time that it lives from now on. It is often less than an hour. `None` if the
    /// service does not say it (RFC 6749 only recommends it).
    pub expires_in: Option<Duration>,
    /// The scopes that it is valid for, if the service names them.
    pub scope: Option<String>,
}

#[derive(Deserialize)]
struct TokenResponse<'a> {
    #[serde(default, borrow)]
    access_token: Field<'a>,
    #[serde(default, borrow)]
    token_type: Field<'a>,
    #[serde(default, borrow)]
    expires_in: Field<'a>,
    #[serde(default, borrow)]
    scope: Field<'a>,
}

/// The form with one more field.
fn with(name: &str, value: &str) -> Bytes {
    let mut form = form_urlencoded::Serializer::new(GRANT.to_owned());
    form.append_pair(name, value);
    Bytes::from(form.finish())
}

fn post(
    environment: &Environment,
    call: OwnCall,
    form: Bytes,
) -> Result<Request<Bytes>, RequestError> {
    // In the place where it is wanted: a request is large to move.
    let mut built = environment.request_to(call, form);
    if let Ok(request) = &mut built {
        request.headers_mut().insert(CONTENT_TYPE, FORM);
    }
    built
}

/// A lifetime as servers tell it: what is below zero is over, and what no
/// duration can hold is the longest one.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AppCredentials, api::Error};

    fn app() -> AppCredentials {
        AppCredentials::new("key", "secret").unwrap()
    }

    fn parse(body: &str) -> Result<BearerTokenResponse, Error> {
        let response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
        RequestBearerToken::parse(response).map(Response::into_body)
    }

    fn problem(body: &str) -> InvalidResponse {
        match parse(body) {
            Err(Error::Invalid { invalid, .. }) => invalid,
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn a_bearer_token_is_requested_with_a_form() {
        let endpoint = RequestBearerToken::default();
        let request = endpoint
            .request(&Environment::production(), &app())
            .unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(
            request.uri(),
            "https://thingspace.verizon.com/api/ts/v1/oauth2/token"
        );
        assert_eq!(request.headers()["authorization"], "Basic a2V5OnNlY3JldA==");
        assert_eq!(
            request.headers()["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(request.headers()["accept"], "application/json");
        assert!(!request.headers().contains_key("vz-m2m-token"));
        assert_eq!(request.body(), "grant_type=client_credentials");
    }

    #[test]
    fn tokens_may_be_asked_for_and_given_back_twice() {
        assert!(RequestBearerToken::default().options().idempotent);
        let token = BearerToken::new("cf1b").unwrap();
        assert!(RevokeBearerToken { token: &token }.options().idempotent);
    }

    #[test]
    fn a_scope_is_sent_whatever_it_holds() {
        let endpoint = RequestBearerToken {
            scope: Some("ts.mec.fullaccess a&b=c".to_owned()),
        };
        let request = endpoint
            .request(&Environment::production(), &app())
            .unwrap();
        assert_eq!(
            request.body(),
            "grant_type=client_credentials&scope=ts.mec.fullaccess+a%26b%3Dc"
        );
    }

    #[test]
    fn the_response_holds_a_token_and_its_lifetime() {
        let response = parse(
            r#"{"access_token":"cf1b","token_type":"Bearer","scope":"default","expires_in":3600}"#,
        )
        .unwrap();
        assert_eq!(response.access_token.expose(), "cf1b");
        assert_eq!(response.expires_in, Some(Duration::from_secs(3600)));
        assert_eq!(response.scope.as_deref(), Some("default"));
    }

    #[test]
    fn a_lifetime_is_read_in_every_form_that_servers_send() {
        for (expires_in, lifetime) in [
            ("60", Some(Duration::from_secs(60))),
            ("\"60\"", Some(Duration::from_secs(60))),
            ("59.5", Some(Duration::from_millis(59_500))),
            ("0", Some(Duration::ZERO)),
            ("-5", Some(Duration::ZERO)),
            ("1e300", Some(Duration::MAX)),
            ("null", None),
        ] {
            let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
            assert_eq!(parse(&body).unwrap().expires_in, lifetime, "{body}");
        }
        assert_eq!(parse(r#"{"access_token":"t"}"#).unwrap().expires_in, None);
    }

    #[test]
    fn a_token_type_compares_without_case() {
        assert!(parse(r#"{"access_token":"t","token_type":"BEARER"}"#).is_ok());
        assert_eq!(
            problem(r#"{"access_token":"t","token_type":"mac"}"#),
            InvalidResponse::new("token_type", Problem::Kind)
        );
    }

    #[test]
    fn an_invalid_response_names_the_part() {
        for (body, part, problem_is) in [
            ("{}", "access_token", Problem::Missing),
            (r#"{"access_token":null}"#, "access_token", Problem::Missing),
            (r#"{"access_token":""}"#, "access_token", Problem::Missing),
            (r#"{"access_token":7}"#, "access_token", Problem::Kind),
            (
                r#"{"access_token":"t","expires_in":"soon"}"#,
                "expires_in",
                Problem::Kind,
            ),
            (
                r#"{"access_token":"t","expires_in":[]}"#,
                "expires_in",
                Problem::Kind,
            ),
            (
                r#"{"access_token":"t","expires_in":true}"#,
                "expires_in",
                Problem::Kind,
            ),
            (
                r#"{"access_token":"t","expires_in":"NaN"}"#,
                "expires_in",
                Problem::Kind,
            ),
            (
                r#"{"access_token":"t","expires_in":"inf"}"#,
                "expires_in",
                Problem::Kind,
            ),
            ("", "the body", Problem::Missing),
        ] {
            assert_eq!(
                problem(body),
                InvalidResponse::new(part, problem_is),
                "{body}"
            );
        }
        assert_eq!(problem(r#"{"access_token":"a b"}"#).part, "access_token");
        assert_eq!(problem("<html>").part, "the body");
    }

    #[test]
    fn a_bearer_token_is_revoked_with_a_form() {
        let token = BearerToken::new("a+b/c==").unwrap();
        let endpoint = RevokeBearerToken { token: &token };
        let request = endpoint
            .request(&Environment::production(), &app())
            .unwrap();
        assert_eq!(
            request.uri(),
            "https://thingspace.verizon.com/api/ts/v1/oauth2/revoke"
        );
        assert_eq!(
            request.body(),
            "grant_type=client_credentials&token=a%2Bb%2Fc%3D%3D"
        );
        assert!(RevokeBearerToken::parse(Response::new(Bytes::new())).is_ok());
    }
}
