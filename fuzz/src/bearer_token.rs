//! The responses of the OAuth endpoints: a bearer token, and its revocation.

use std::time::Duration;

use serde_json::{Value, json};
use thingspace_core::{
    BearerToken,
    api::{RequestBearerToken, RevokeBearerToken},
};

use crate::{
    object::{Entry, Object, opens_object},
    response::{assert_looks_like, assert_token, read, success},
};

const FIELDS: [&str; 4] = ["access_token", "token_type", "expires_in", "scope"];

/// Reads `data` as the body of the response to a token request. It must be accepted if,
/// and only if, it is an object with one `access_token` that fits in a header, a
/// `token_type` that is `bearer` or missing, and an `expires_in` that is a number in any
/// form or missing.
///
/// The response to a revocation must be accepted with any body but a refusal's.
pub fn bearer_token(data: &[u8]) {
    if let Some(response) = read::<RevokeBearerToken<'_>>(data, &[]) {
        response.unwrap();
    }

    let Some(response) = read::<RequestBearerToken>(data, &FIELDS) else {
        return;
    };
    if let Ok(response) = &response {
        let token = &response.access_token;
        assert_token(token.expose(), &token.authorization());
        let with = |token: &str| {
            let lifetime = response.expires_in.map(|lifetime| lifetime.as_secs_f64());
            json!({"access_token": token, "expires_in": lifetime, "scope": response.scope})
        };
        let same = with(token.expose()).to_string();
        let same = success::<RequestBearerToken>(&same);
        assert_eq!(&same.access_token, token);
        assert_eq!(same.scope, response.scope);
        // A scope that holds the token is not taken.
        if response
            .scope
            .as_ref()
            .is_none_or(|scope| !scope.contains("other"))
        {
            let other = success::<RequestBearerToken>(&with("other").to_string());
            assert_looks_like(&same, &other);
        }
        assert!(opens_object(data));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    let token = object.entry("access_token").text().map(str::trim);
    let token = token.map(BearerToken::new);
    let kind = object.entry("token_type");
    let is_bearer = kind.is_blank()
        || kind
            .text()
            .is_some_and(|k| k.trim().eq_ignore_ascii_case("bearer"));
    let lifetime = lifetime(object.entry("expires_in"));
    match (token, lifetime) {
        (Some(Ok(token)), Ok(seconds)) if is_bearer => {
            let response = response.unwrap();
            let scope = object.entry("scope").text();
            let scope = scope.filter(|scope| !scope.contains(token.expose()));
            assert_eq!(response.scope.as_deref(), scope);
            assert_eq!(response.access_token, token);
            assert_eq!(response.expires_in.is_some(), seconds.is_some());
            assert_lasts(
                response.expires_in.unwrap_or_default(),
                seconds.unwrap_or_default(),
            );
        }
        _ => assert!(response.is_err()),
    }
}

/// Reads `entry` as a number of seconds, in any form.
fn lifetime(entry: Entry<'_>) -> Result<Option<f64>, ()> {
    match entry {
        Entry::Missing => Ok(None),
        Entry::Once(Value::Number(number)) => Ok(number.as_f64()),
        // As JSON writes numbers.
        Entry::Once(Value::String(text)) => match serde_json::from_str(text.trim()) {
            Ok(Value::Number(number)) => Ok(number.as_f64()),
            _ => Err(()),
        },
        Entry::Once(_) | Entry::Twice => Err(()),
    }
}

/// Asserts that `lifetime` is `seconds`, where a negative number counts as zero and a
/// too large one as the longest duration.
fn assert_lasts(lifetime: Duration, seconds: f64) {
    const MOST: f64 = 18_446_744_073_709_551_615.0;
    if seconds >= MOST {
        assert_eq!(lifetime, Duration::MAX);
        return;
    }
    let expected = seconds.max(0.0);
    let off = (lifetime.as_secs_f64() - expected).abs();
    assert!(off <= expected * 1e-9 + 1e-9, "{lifetime:?} for {seconds}");
}
