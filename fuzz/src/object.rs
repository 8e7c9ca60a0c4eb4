//! A reader of JSON objects that is independent of the core's: it keeps all fields,
//! duplicates too.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
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
    /// Reads `body` as an object, behind its byte order mark if it has one. Returns
    /// `None` if it is anything else or invalid.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(without_mark(body)).ok()
    }

    /// Reads the object in the field `name` of an object.
    pub(crate) fn read_in(body: &[u8], name: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Field {
            Object(Object),
            Other(#[allow(dead_code)] IgnoredAny),
        }
        let fields: Vec<(String, Field)> = {
            let mut reader = serde_json::Deserializer::from_slice(without_mark(body));
            reader.deserialize_map(Pairs(PhantomData)).ok()?
        };
        let mut found = fields.into_iter().filter(|(field, _)| field == name);
        match (found.next()?.1, found.next()) {
            (Field::Object(object), None) => Some(object),
            _ => None,
        }
    }

    /// Returns the value of the field `name`. `null` counts as a missing field, and one
    /// value that stands twice as one.
    pub(crate) fn entry(&self, name: &str) -> Entry<'_> {
        let found = self.0.iter().filter(|(field, _)| field == name);
        let mut values = found
            .map(|(_, value)| value)
            .filter(|value| !value.is_null());
        match values.next() {
            None => Entry::Missing,
            Some(first) if values.all(|value| value == first) => Entry::Once(first),
            Some(_) => Entry::Twice,
        }
    }

    /// Returns true if this field stands more than once.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(field, _)| field == name).count() > 1
    }
}

impl<'a> Entry<'a> {
    /// Returns the text, or `None` if there is no field, two values, or another type.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Once(value) => value.as_str(),
            Self::Missing | Self::Twice => None,
        }
    }

    /// Returns the value, or `None` if there is no field or two values.
    pub(crate) fn value(self) -> Option<&'a Value> {
        match self {
            Self::Once(value) => Some(value),
            Self::Missing | Self::Twice => None,
        }
    }

    /// Returns true if the field is missing or an empty text.
    pub(crate) fn is_empty(self) -> bool {
        matches!(self, Self::Missing) || self.text() == Some("")
    }

    /// Returns true if the field is missing or holds nothing but blanks.
    pub(crate) fn is_blank(self) -> bool {
        self.is_empty() || self.text().is_some_and(|text| text.trim().is_empty())
    }
}

/// The body behind its byte order mark.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Returns true if a body opens an object.
pub(crate) fn opens_object(body: &[u8]) -> bool {
    without_mark(body).trim_ascii_start().starts_with(b"{")
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData)).map(Self)
    }
}

/// Reads the fields of an object in their order.
struct Pairs<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}
