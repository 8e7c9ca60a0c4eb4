//! Responses, and the assertions that hold for anything that is read from one.

use std::fmt::Debug;

use bytes::Bytes;
use http::{HeaderValue, Response};
use thingspace_core::{Endpoint, InvalidResponse, MAX_TOKEN_LENGTH, api::Error, response::Problem};

/// Reads a success with this body.
///
/// If the body is invalid, the error must name one of `parts` or the body, hold the
/// response and show nothing of it. A refusal with the same body must never be read as
/// a success. Returns `None` if the success is a refusal after all, by its code.
pub(crate) fn read<E: Endpoint>(
    body: &[u8],
    parts: &[&str],
) -> Option<Result<E::Output, InvalidResponse>> {
    assert!(matches!(
        E::parse(response(400, body)),
        Err(Error::Refused(_))
    ));
    let error = match E::parse(response(200, body)) {
        Ok(response) => return Some(Ok(response.into_body())),
        Err(error) => error,
    };
    if let Some(refusal) = error.refusal() {
        assert!(refusal.code().is_some() || refusal.fault().is_some());
        return None;
    }
    let Error::Invalid { ref invalid, .. } = error else {
        panic!("{error:?}");
    };
    assert!(invalid.part == "the body" || parts.contains(&invalid.part));
    if let Problem::NotJson { line, column } | Problem::Shape { line, column } = invalid.problem {
        assert!(line <= body.split(|byte| *byte == b'\n').count());
        assert!(column <= body.len());
    }
    assert_eq!(error.response().body(), body);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(char::is_control));
    assert_hides(&shown, body, "");
    Some(Err(invalid.clone()))
}

/// Reads a success that must be accepted.
pub(crate) fn success<E: Endpoint>(body: &str) -> E::Output {
    read::<E>(body.as_bytes(), &[]).unwrap().unwrap()
}

pub(crate) fn response(status: u16, body: &[u8]) -> Response<Bytes> {
    let body = Bytes::copy_from_slice(body);
    Response::builder().status(status).body(body).unwrap()
}

/// Asserts that an accepted token fits in a header, which is marked as sensitive.
pub(crate) fn assert_token(token: &str, header: &HeaderValue) {
    assert!(!token.is_empty() && token.len() <= MAX_TOKEN_LENGTH);
    assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(header.is_sensitive());
}

/// Asserts that two results that differ only in a secret have the same `Debug` output.
pub(crate) fn assert_looks_like(one: &impl Debug, other: &impl Debug) {
    assert_eq!(format!("{one:?} {one:#?}"), format!("{other:?} {other:#?}"));
}

/// Asserts that `shown` contains no long word of `data`. Numbers may be shown, and so
/// may words in `allowed`.
///
/// A word is long if it is longer than all words of the messages themselves.
pub(crate) fn assert_hides(shown: &str, data: &[u8], allowed: &str) {
    const LONG: usize = 13;
    for word in data.split(|byte| !byte.is_ascii_alphanumeric()) {
        let word = std::str::from_utf8(word).unwrap();
        if word.len() >= LONG && word.contains(|c: char| !c.is_ascii_digit()) {
            assert!(
                allowed.contains(word) || !shown.contains(word),
                "{word} shows"
            );
        }
    }
}
