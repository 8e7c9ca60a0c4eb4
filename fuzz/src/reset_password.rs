//! The answer to a password reset, which is the only copy of the new password.

use serde_json::json;
use thingspace_core::{Problem, api::ResetPassword};

use crate::{
    answer::{assert_looks_like, read},
    object::{Object, Said},
};

/// Reads `data` as the body of the answer to a password reset. It is accepted if,
/// and only if, it is an object with one `newPassword` that is not empty, and the
/// password is that text to the letter.
pub fn reset_password(data: &[u8]) {
    let answer = read::<ResetPassword<'_>>(data, &["newPassword"]);
    if let Ok(answer) = &answer {
        let password = answer.new_password.expose();
        assert!(!password.is_empty());
        let same = json!({"newPassword": password}).to_string();
        let same = read::<ResetPassword<'_>>(same.as_bytes(), &[]);
        assert_eq!(&same.unwrap(), answer);
        let other = read::<ResetPassword<'_>>(br#"{"newPassword":"other"}"#, &[]);
        assert_looks_like(answer, &other.unwrap());
        assert!(data.trim_ascii_start().starts_with(b"{"));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.says("newPassword") {
        Said::Twice => assert!(answer.is_err()),
        said if said.is_blank() => assert_eq!(answer.unwrap_err().problem, Problem::Missing),
        said => match said.text() {
            None => assert_eq!(answer.unwrap_err().problem, Problem::Kind),
            Some(text) => assert_eq!(answer.unwrap().new_password.expose(), text),
        },
    }
}
