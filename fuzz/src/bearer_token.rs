//! The answers of the OAuth endpoints: a bearer token, and the end of one.

use std::time::Duration;

use serde_json::{Value, json};
use thingspace_core::{
    BearerToken,
    api::{RequestBearerToken, RevokeBearerToken},
};

use crate::{
    answer::{assert_looks_like, assert_token, read},
    object::{Object, Said},
};

const FIELDS: [&str; 4] = ["access_token", "token_type", "expires_in", "scope"];

/// Reads `data` as the body of the answer to a request for a bearer token. It is
/// accepted if, and only if, it is an object with one `access_token` that can
/// stand in a header, a `token_type` that is `bearer` or missing, and an
/// `expires_in` that is a number in any form, or missing.
///
/// The answer to a revocation is accepted whatever it holds.
pub fn bearer_token(data: &[u8]) {
    read::<RevokeBearerToken<'_>>(data, &[]).unwrap();

    let answer = read::<RequestBearerToken>(data, &FIELDS);
    if let Ok(answer) = &answer {
        let token = &answer.access_token;
        assert_token(token.expose(), &token.authorization());
        let with = |token: &str| {
            let lifetime = answer.expires_in.map(|lifetime| lifetime.as_secs_f64());
            json!({"access_token": token, "expires_in": lifetime, "scope": answer.scope})
        };
        let same = with(token.expose()).to_string();
        let same = read::<RequestBearerToken>(same.as_bytes(), &[]).unwrap();
        assert_eq!(&same.access_token, token);
        assert_eq!(same.scope, answer.scope);
        let other = with("other").to_string();
        let other = read::<RequestBearerToken>(other.as_bytes(), &[]).unwrap();
        assert_looks_like(&same, &other);
        assert!(data.trim_ascii_start().starts_with(b"{"));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    let token = object.says("access_token").text().map(BearerToken::new);
    let kind = object.says("token_type");
    let is_bearer = kind.is_blank()
        || kind
            .text()
            .is_some_and(|k| k.eq_ignore_ascii_case("bearer"));
    let lifetime = lifetime(object.says("expires_in"));
    match (token, lifetime) {
        (Some(Ok(token)), Ok(seconds)) if is_bearer && object.is_clear(&FIELDS) => {
            let answer = answer.unwrap();
            assert_eq!(answer.access_token, token);
            assert_eq!(answer.scope.as_deref(), object.says("scope").text());
            assert_eq!(answer.expires_in.is_some(), seconds.is_some());
            assert_lasts(
                answer.expires_in.unwrap_or_default(),
                seconds.unwrap_or_default(),
            );
        }
        _ => assert!(answer.is_err()),
    }
}

/// The number of seconds that `said` is, in whatever form.
fn lifetime(said: Said<'_>) -> Result<Option<f64>, ()> {
    match said {
        Said::Nothing => Ok(None),
        Said::Once(Value::Number(number)) => Ok(number.as_f64()),
        Said::Once(Value::String(text)) => match text.trim().parse() {
            Ok(number) if f64::is_finite(number) => Ok(Some(number)),
            _ => Err(()),
        },
        Said::Once(_) | Said::Twice => Err(()),
    }
}

/// Less than nothing is nothing, and too much is the longest time there is.
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
