//! The response to a logout.

use serde_json::json;
use thingspace_core::{SessionToken, api::LogOut, response::Problem};

use crate::{
    object::{Entry, Object, opens_object, without_mark},
    response::{assert_looks_like, assert_token, read, success},
};

/// Reads `data` as the body of the response to a logout. It must be accepted if, and
/// only if, it is blank or an object. A token in it must fit in a header.
pub fn log_out(data: &[u8]) {
    let Some(response) = read::<LogOut>(data, &["sessionToken"]) else {
        return;
    };
    if let Ok(response) = &response {
        if let Some(token) = &response.session_token {
            assert_token(token.expose(), &token.header());
            let same = json!({"sessionToken": token.expose()}).to_string();
            assert_eq!(&success::<LogOut>(&same), response);
            let other = success::<LogOut>(r#"{"sessionToken":"other"}"#);
            assert_looks_like(response, &other);
        }
        assert!(without_mark(data).trim_ascii().is_empty() || opens_object(data));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.entry("sessionToken") {
        Entry::Twice => assert!(response.is_err()),
        entry if entry.is_blank() => assert_eq!(response.unwrap().session_token, None),
        entry => match entry.text() {
            None => assert_eq!(response.unwrap_err().problem, Problem::Kind),
            Some(text) => match SessionToken::new(text.trim()) {
                Ok(token) => assert_eq!(response.unwrap().session_token, Some(token)),
                Err(error) => assert_eq!(response.unwrap_err().problem, Problem::Token(error)),
            },
        },
    }
}
