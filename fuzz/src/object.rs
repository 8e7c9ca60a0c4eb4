//! A reader of JSON objects that is independent of the core's: it keeps all fields,
//! duplicates too.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// The fields of an object, in their order.
pub(crate) struct Object(Vec<(String, Value)>);

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry<'a> {
    Missing,
    Once(&'a Value),
    Twice,
}

impl Object {
    /// Reads `body` as an object. Returns `None` if it is anything else or invalid.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Returns the value of the field `name`. `null` counts as a missing field.
    pub(crate) fn entry(&self, name: &str) -> Entry<'_> {
        let mut found = self.0.iter().filter(|(field, _)| field == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Entry::Twice,
            (None | Some((_, Value::Null)), None) => Entry::Missing,
            (Some((_, value)), None) => Entry::Once(value),
        }
    }

    /// Returns true if none of these fields occurs twice. A reader may refuse
    /// duplicates.
    pub(crate) fn has_no_duplicates(&self, names: &[&str]) -> bool {
        !names
            .iter()
            .any(|name| matches!(self.entry(name), Entry::Twice))
    }
}

impl<'a> Entry<'a> {
    /// Returns the text, or `None` if there is no field, two, or another type.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Once(value) => value.as_str(),
            Self::Missing | Self::Twice => None,
        }
    }

    /// Returns true if the field is missing or an empty text.
    pub(crate) fn is_blank(self) -> bool {
        matches!(self, Self::Missing) || self.text() == Some("")
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Object(fields))
    }
}
