//! The response to a password reset, which is the only copy of the new password.

use serde_json::json;
use thingspace_core::{
    api::{ResetPassword, session::MAX_NEW_PASSWORD_LENGTH},
    response::Problem,
};

use crate::{
    object::{Entry, Object, opens_object},
    response::{assert_looks_like, read, success},
};

/// Reads `data` as the body of the response to a password reset. It must be accepted
/// if, and only if, it is an object with one `newPassword` that is not empty, not too
/// long and came whole. The password must be exactly that text.
pub fn reset_password(data: &[u8]) {
    let Some(response) = read::<ResetPassword<'_>>(data, &["newPassword"]) else {
        return;
    };
    if let Ok(response) = &response {
        let password = response.new_password.expose();
        assert!(!password.is_empty());
        let same = json!({"newPassword": password}).to_string();
        assert_eq!(&success::<ResetPassword<'_>>(&same), response);
        let other = success::<ResetPassword<'_>>(r#"{"newPassword":"other"}"#);
        assert_looks_like(response, &other);
        assert!(opens_object(data));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.entry("newPassword") {
        Entry::Twice => assert!(response.is_err()),
        entry if entry.is_empty() => assert_eq!(response.unwrap_err().problem, Problem::Missing),
        entry => match entry.text() {
            None => assert_eq!(response.unwrap_err().problem, Problem::Kind),
            Some(text) if text.len() > MAX_NEW_PASSWORD_LENGTH => {
                let problem = Problem::TooLong(MAX_NEW_PASSWORD_LENGTH);
                assert_eq!(response.unwrap_err().problem, problem);
            }
            Some(text) if text.contains(char::REPLACEMENT_CHARACTER) => {
                assert_eq!(response.unwrap_err().problem, Problem::Kind);
            }
            Some(text) => assert_eq!(response.unwrap().new_password.expose(), text),
        },
    }
}
