//! The response to a login.

use serde_json::json;
use thingspace_core::{SessionToken, api::LogIn, response::Problem};

use crate::{
    object::{Entry, Object},
    response::{assert_looks_like, assert_token, read},
};

/// Reads `data` as the body of the response to a login. It must be accepted if, and
/// only if, it is an object with one `sessionToken` that fits in a header.
pub fn log_in(data: &[u8]) {
    let response = read::<LogIn<'_>>(data, &["sessionToken"]);
    if let Ok(response) = &response {
        let token = &response.session_token;
        assert_token(token.expose(), &token.header());
        let same = json!({"sessionToken": token.expose()}).to_string();
        assert_eq!(&read::<LogIn<'_>>(same.as_bytes(), &[]).unwrap(), response);
        let other = read::<LogIn<'_>>(br#"{"sessionToken":"other"}"#, &[]).unwrap();
        assert_looks_like(response, &other);
        assert!(data.trim_ascii_start().starts_with(b"{"));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.entry("sessionToken") {
        Entry::Twice => assert!(response.is_err()),
        entry if entry.is_blank() => assert_eq!(response.unwrap_err().problem, Problem::Missing),
        entry => match entry.text() {
            None => assert_eq!(response.unwrap_err().problem, Problem::Kind),
            Some(text) => match SessionToken::new(text) {
                Ok(token) => assert_eq!(response.unwrap().session_token, token),
                Err(error) => assert_eq!(response.unwrap_err().problem, Problem::Token(error)),
            },
        },
    }
}
