//! Answers, and what holds for whatever is read from one.

use std::fmt::Debug;

use bytes::Bytes;
use http::{HeaderValue, Response};
use thingspace_core::{Endpoint, Error, MAX_TOKEN_LENGTH, Malformed, Problem};

/// Reads a success with this body.
///
/// Whatever is wrong with it, the error names the part, one of `parts`, keeps
/// the answer and shows nothing of it. A refusal with the same body is never
/// taken for a success.
pub(crate) fn read<E: Endpoint>(body: &[u8], parts: &[&str]) -> Result<E::Output, Malformed> {
    assert!(matches!(
        E::parse(answer(400, body)),
        Err(Error::Refused(_))
    ));
    let error = match E::parse(answer(200, body)) {
        Ok(answer) => return Ok(answer.into_body()),
        Err(error) => error,
    };
    let Error::Malformed { malformed, .. } = error else {
        panic!("{error:?}");
    };
    assert!(malformed.part == "the body" || parts.contains(&malformed.part));
    if let Problem::NotJson { line, column } | Problem::Shape { line, column } = malformed.problem {
        assert!(line <= body.split(|byte| *byte == b'\n').count());
        assert!(column <= body.len());
    }
    assert_eq!(error.response().unwrap().body(), body);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(char::is_control));
    assert_hides(&shown, body, "");
    Err(malformed)
}

pub(crate) fn answer(status: u16, body: &[u8]) -> Response<Bytes> {
    let body = Bytes::copy_from_slice(body);
    Response::builder().status(status).body(body).unwrap()
}

/// What was accepted as a token can stand in a header, and asks not to be shown.
pub(crate) fn assert_token(token: &str, header: &HeaderValue) {
    assert!(!token.is_empty() && token.len() <= MAX_TOKEN_LENGTH);
    assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(header.is_sensitive());
}

/// What came of two answers that differ only in a secret looks alike.
pub(crate) fn assert_looks_like(one: &impl Debug, other: &impl Debug) {
    assert_eq!(format!("{one:?} {one:#?}"), format!("{other:?} {other:#?}"));
}

/// No long word of `data` is in `shown`, but for numbers and for what is `told`
/// on purpose.
///
/// Long is what is longer than any word of the messages themselves.
pub(crate) fn assert_hides(shown: &str, data: &[u8], told: &str) {
    const LONG: usize = 13;
    for word in data.split(|byte| !byte.is_ascii_alphanumeric()) {
        let word = std::str::from_utf8(word).unwrap();
        if word.len() >= LONG && word.contains(|c: char| !c.is_ascii_digit()) {
            assert!(told.contains(word) || !shown.contains(word), "{word} shows");
        }
    }
}
