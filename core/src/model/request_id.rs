//! The id of an asynchronous request.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::json::FromJson;

/// The id of an asynchronous request: what its status is asked by, and what its
/// callbacks carry. Never empty.
///
/// Verizon's examples are UUIDs; no form is promised.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Takes an id, if it is not blank. Blanks around it are no part of it.
    pub fn new(id: &str) -> Option<Self> {
        let id = id.trim();
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromJson for RequestId {
    fn from_json(json: Value) -> Result<Self, Value> {
        let text = String::from_json(json)?;
        Self::new(&text).ok_or(Value::String(text))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
