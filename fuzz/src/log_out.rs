//! The answer to a logout.

use serde_json::json;
use thingspace_core::{Problem, SessionToken, api::LogOut};

use crate::{
    answer::{assert_looks_like, assert_token, read},
    object::{Object, Said},
};

/// Reads `data` as the body of the answer to a logout. It is accepted if, and only
/// if, there is none, or it is an object; the token that it confirms can stand in
/// a header.
pub fn log_out(data: &[u8]) {
    let answer = read::<LogOut>(data, &["sessionToken"]);
    if let Ok(answer) = &answer {
        if let Some(token) = &answer.session_token {
            assert_token(token.expose(), &token.header());
            let same = json!({"sessionToken": token.expose()}).to_string();
            assert_eq!(&read::<LogOut>(same.as_bytes(), &[]).unwrap(), answer);
            let other = read::<LogOut>(br#"{"sessionToken":"other"}"#, &[]).unwrap();
            assert_looks_like(answer, &other);
        }
        assert!(data.is_empty() || data.trim_ascii_start().starts_with(b"{"));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.says("sessionToken") {
        Said::Twice => assert!(answer.is_err()),
        said if said.is_blank() => assert_eq!(answer.unwrap().session_token, None),
        said => match said.text() {
            None => assert_eq!(answer.unwrap_err().problem, Problem::Kind),
            Some(text) => match SessionToken::new(text) {
                Ok(token) => assert_eq!(answer.unwrap().session_token, Some(token)),
                Err(error) => assert_eq!(answer.unwrap_err().problem, Problem::Token(error)),
            },
        },
    }
}
