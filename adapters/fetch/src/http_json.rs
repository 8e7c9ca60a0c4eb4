//! Headers and responses as JSON.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::json::{Fields, Json, wrong};

/// A response that `fetch` gave, with its body.
pub(crate) fn response(mut given: Fields, body: Bytes) -> Result<Response<Bytes>, String> {
    let status = given.needed_number("status");
    let list = given.list("headers");
    given.end()?;
    let mut response = Response::new(body);
    *response.status_mut() = match u16::try_from(status).map(StatusCode::from_u16) {
        // A browser hides the status of a redirect that is not followed.
        Ok(_) if status == 0 => StatusCode::FOUND,
        Ok(Ok(status)) => status,
        _ => return Err(wrong("status")),
    };
    for (name, value) in headers(list)? {
        if let Some((name, value)) = header(&name, &value) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

/// A response as it is shown, but for its body, which is the one of this number.
pub(crate) fn shown(response: &Response<Bytes>, body: usize) -> Json {
    Json::Shown(vec![
        ("status", response.status().as_u16().into()),
        ("headers", all(response.headers())),
        ("body", body.into()),
    ])
}

/// Headers as text, for a `Headers` object: each byte is a character.
pub(crate) fn all(headers: &HeaderMap) -> Json {
    let text = |value: &HeaderValue| -> String {
        value.as_bytes().iter().copied().map(char::from).collect()
    };
    let list = headers
        .iter()
        .map(|(name, value)| Json::List(vec![name.as_str().into(), text(value).into()]));
    Json::List(list.collect())
}

/// Pairs of texts.
pub(crate) fn headers(list: Vec<Json>) -> Result<Vec<(String, String)>, String> {
    let pair = |value| match value {
        Json::List(mut pair) => match (pair.pop(), pair.pop(), pair.is_empty()) {
            (Some(Json::Text(value)), Some(Json::Text(name)), true) => Ok((name, value)),
            _ => Err(wrong("headers")),
        },
        _ => Err(wrong("headers")),
    };
    list.into_iter().map(pair).collect()
}

/// A header, from the text that a `Headers` object has: each character is a byte.
pub(crate) fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
    let value = HeaderValue::from_bytes(&bytes.ok()?).ok()?;
    Some((name, value))
}
