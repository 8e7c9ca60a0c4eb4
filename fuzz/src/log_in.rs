//! The answer to a login.

use serde_json::json;
use thingspace_core::{Problem, SessionToken, api::LogIn};

use crate::{
    answer::{assert_looks_like, assert_token, read},
    object::{Object, Said},
};

/// Reads `data` as the body of the answer to a login. It is accepted if, and only
/// if, it is an object with one `sessionToken` that can stand in a header.
pub fn log_in(data: &[u8]) {
    let answer = read::<LogIn<'_>>(data, &["sessionToken"]);
    if let Ok(answer) = &answer {
        let token = &answer.session_token;
        assert_token(token.expose(), &token.header());
        let same = json!({"sessionToken": token.expose()}).to_string();
        assert_eq!(&read::<LogIn<'_>>(same.as_bytes(), &[]).unwrap(), answer);
        let other = read::<LogIn<'_>>(br#"{"sessionToken":"other"}"#, &[]).unwrap();
        assert_looks_like(answer, &other);
        assert!(data.trim_ascii_start().starts_with(b"{"));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.says("sessionToken") {
        Said::Twice => assert!(answer.is_err()),
        said if said.is_blank() => assert_eq!(answer.unwrap_err().problem, Problem::Missing),
        said => match said.text() {
            None => assert_eq!(answer.unwrap_err().problem, Problem::Kind),
            Some(text) => match SessionToken::new(text) {
                Ok(token) => assert_eq!(answer.unwrap().session_token, token),
                Err(error) => assert_eq!(answer.unwrap_err().problem, Problem::Token(error)),
            },
        },
    }
}
