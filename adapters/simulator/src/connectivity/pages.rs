//! Lists that are continued by a token in `Location`.

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde_json::Value;

use super::ask::{Ask, Served};
use crate::refusal::{Refusal, json_response};

/// The token of the place 0. It is an int64 that no double holds, so a client that reads it
/// as a floating-point number is found out.
const FIRST: u64 = 9_007_199_254_740_993;

/// Reads the place in a list from which on a request asks, 0 without a token.
pub(super) fn place(ask: &Ask) -> Result<u64, Refusal> {
    let Some(token) = ask.queried("next") else {
        return Ok(0);
    };
    let place = token
        .parse::<u64>()
        .ok()
        .and_then(|next| next.checked_sub(FIRST));
    place.ok_or(Refusal::UNEXPECTED)
}

/// Responds with a page: 200 if it is the last. Otherwise 202, and a `Location` with the
/// token of `next`. It is relative, and without the path of the API, as documented.
pub(super) fn respond(body: &Value, path: &str, next: Option<u64>) -> Served {
    let Some(next) = next else {
        return Ok(json_response(StatusCode::OK, body));
    };
    let location = format!("{path}?next={}", FIRST.saturating_add(next));
    let mut response = json_response(StatusCode::ACCEPTED, body);
    let location = HeaderValue::try_from(location).map_err(|_| Refusal::UNEXPECTED)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// Cuts a list to one page from `place` on. Returns the place of the page after it.
pub(super) fn cut<T>(list: &[T], place: u64, size: usize) -> (&[T], Option<u64>) {
    let start = usize::try_from(place).unwrap_or(usize::MAX).min(list.len());
    let end = start.saturating_add(size).min(list.len());
    let page = list.get(start..end).unwrap_or_default();
    (page, (end < list.len()).then_some(end as u64))
}

/// Encodes a name for a path: only letters, digits, and `-._~` stay.
pub(super) fn encoded(name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const NAME: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(name, NAME).to_string()
}
