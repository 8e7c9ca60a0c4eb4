//! JSON objects, read in another way than the core reads them: whole, and with
//! every field that stands there, twice if it stands there twice.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// The fields of an object, in their order.
pub(crate) struct Object(Vec<(String, Value)>);

/// What an object says under one name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    Nothing,
    Once(&'a Value),
    Twice,
}

impl Object {
    /// The object that `body` is; `None` if it is none, or if anything at all is
    /// wrong with it.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// What it says under this name, where `null` says nothing.
    pub(crate) fn says(&self, name: &str) -> Said<'_> {
        let mut found = self.0.iter().filter(|(field, _)| field == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Said::Twice,
            (None | Some((_, Value::Null)), None) => Said::Nothing,
            (Some((_, value)), None) => Said::Once(value),
        }
    }

    /// Whether it says none of these twice, which no reader has to take.
    pub(crate) fn is_clear(&self, names: &[&str]) -> bool {
        !names
            .iter()
            .any(|name| matches!(self.says(name), Said::Twice))
    }
}

impl<'a> Said<'a> {
    /// The text that it is; `None` for nothing, and for what is no text.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Once(value) => value.as_str(),
            Self::Nothing | Self::Twice => None,
        }
    }

    /// Whether it is nothing, or a text that says nothing.
    pub(crate) fn is_blank(self) -> bool {
        matches!(self, Self::Nothing) || self.text() == Some("")
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
