//! The response to a password reset, which is the only copy of the new password.

use serde_json::json;
use thingspace_core::{api::ResetPassword, response::Problem};

use crate::{
    object::{Entry, Object},
    response::{assert_looks_like, read},
};

/// Reads `data` as the body of the response to a password reset. It must be accepted
/// if, and only if, it is an object with one `newPassword` that is not empty. The
/// password must be exactly that text.
pub fn reset_password(data: &[u8]) {
    let response = read::<ResetPassword<'_>>(data, &["newPassword"]);
    if let Ok(response) = &response {
        let password = response.new_password.expose();
        assert!(!password.is_empty());
        let same = json!({"newPassword": password}).to_string();
        let same = read::<ResetPassword<'_>>(same.as_bytes(), &[]);
        assert_eq!(&same.unwrap(), response);
        let other = read::<ResetPassword<'_>>(br#"{"newPassword":"other"}"#, &[]);
        assert_looks_like(response, &other.unwrap());
        assert!(data.trim_ascii_start().starts_with(b"{"));
    }

    let Some(object) = Object::read(data) else {
        return;
    };
    match object.entry("newPassword") {
        Entry::Twice => assert!(response.is_err()),
        entry if entry.is_blank() => assert_eq!(response.unwrap_err().problem, Problem::Missing),
        entry => match entry.text() {
            None => assert_eq!(response.unwrap_err().problem, Problem::Kind),
            Some(text) => assert_eq!(response.unwrap().new_password.expose(), text),
        },
    }
}
