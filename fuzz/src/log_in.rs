//! The response to a login.

use serde_json::json;
use thingspace_core::{SessionToken, api::LogIn, response::Problem};

use crate::{
    object::{Entry, Object, opens_object},
    response::{assert_looks_like, assert_token, read, success},
};

/// Reads `data` as the body of the response to a login. It must be accepted if, and
/// only if, it is an object with one `sessionToken` that fits in a header, but for the
/// blanks around it.
pub fn log_in(data: &[u8]) {
    let Some(response) = read::<LogIn<'_>>(data, &["sessionToken"]) else {
        return;
    };
    if let Ok(response) = &response {
        let token = &response.session_token;
        assert_token(token.expose(), &token.header());
        let same = json!({"sessionToken": token.expose()}).to_string();
        assert_eq!(&success::<LogIn<'_>>(&same), response);
        let other = success::<LogIn<'_>>(r#"{"sessionToken":"other"}"#);
        assert_looks_like(response, &other);
        assert!(opens_object(data));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.entry("sessionToken") {
        Entry::Twice => assert!(response.is_err()),
        entry if entry.is_blank() => assert_eq!(response.unwrap_err().problem, Problem::Missing),
        entry => match entry.text() {
            None => assert_eq!(response.unwrap_err().problem, Problem::Kind),
            Some(text) => match SessionToken::new(text.trim()) {
                Ok(token) => assert_eq!(response.unwrap().session_token, token),
                Err(error) => assert_eq!(response.unwrap_err().problem, Problem::Token(error)),
            },
        },
    }
}
