//! JSON as it goes in and comes out: one type for all of it. A type for each message, with
//! a reader and a writer of its own, would make a third of the module.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use zeroize::Zeroizing;

/// A value.
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    /// A map that was read.
    Map(Vec<(String, Json)>),
    /// A map that is to be written.
    Shown(Vec<(&'static str, Json)>),
    /// A number that no message has.
    Other,
}

impl Json {
    /// A map with one entry, which names what the value is.
    pub(crate) fn named(name: &'static str, value: Self) -> Self {
        Self::Shown(vec![(name, value)])
    }

    const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of what can be shown.
    pub(crate) fn shown(value: &dyn fmt::Display) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Number(value)
    }
}

impl From<usize> for Json {
    fn from(value: usize) -> Self {
        u64::try_from(value).map_or(Self::Other, Self::from)
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Self {
        Self::Number(value.into())
    }
}

impl From<u16> for Json {
    fn from(value: u16) -> Self {
        Self::Number(value.into())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Json {
    /// Appends the value as text. Fields that are null are left out.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null | Self::Other => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            Self::Text(value) => write_text(value, out),
            Self::List(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Self::Shown(entries) => {
                let mut before = '{';
                for (name, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    out.push(before);
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                    before = ',';
                }
                if before == '{' {
                    out.push(before);
                }
                out.push('}');
            }
            // What was read is not written.
            Self::Map(_) => out.push_str("{}"),
        }
    }
}

/// Appends a text with what JSON escapes (RFC 8259 §7).
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                out.push_str("\\u00");
                for digit in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.extend(char::from_digit(digit, 16));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            entries.push((name, value));
        }
        Ok(Json::Map(entries))
    }
}

/// The entries of a map, which are taken out one by one. What is wrong is named, and not
/// shown: the first of it, [at the end](Self::end).
pub(crate) struct Fields {
    entries: Vec<(String, Json)>,
    error: Option<String>,
}

impl Fields {
    pub(crate) fn of(value: Json) -> Self {
        let (entries, error) = match value {
            Json::Map(entries) => (entries, None),
            Json::Null => (Vec::new(), None),
            _ => (Vec::new(), Some("a value has no fields".to_owned())),
        };
        Self { entries, error }
    }

    /// Takes the only entry out.
    pub(crate) fn one(&mut self) -> (String, Json) {
        let entry = self.entries.pop();
        if entry.is_none() {
            self.fail("an input is nothing that happened".to_owned());
        }
        entry.unwrap_or((String::new(), Json::Null))
    }

    /// Takes a field out; null if it is missing.
    pub(crate) fn take(&mut self, name: &str) -> Json {
        let found = self.entries.iter().position(|(found, _)| found == name);
        found.map_or(Json::Null, |at| self.entries.swap_remove(at).1)
    }

    pub(crate) fn fields(&mut self, name: &str) -> Self {
        Self::of(self.take(name))
    }

    /// Takes the fields of a value out that may be missing.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Self> {
        match self.take(name) {
            Json::Null => None,
            value => Some(Self::of(value)),
        }
    }

    pub(crate) fn list(&mut self, name: &str) -> Vec<Json> {
        match self.take(name) {
            Json::List(values) => values,
            other => self.unless_null(name, &other),
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Json::Text(text) => Some(text),
            other => self.unless_null(name, &other),
        }
    }

    /// A text that is wiped when it is dropped.
    pub(crate) fn secret(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.text(name).map(Zeroizing::new)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name) {
            Json::Bool(value) => Some(value),
            other => self.unless_null(name, &other),
        }
    }

    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        match self.take(name) {
            Json::Number(value) => Some(value),
            other => self.unless_null(name, &other),
        }
    }

    pub(crate) fn needed_text(&mut self, name: &str) -> String {
        let text = self.text(name);
        self.needed(name, text.is_some());
        text.unwrap_or_default()
    }

    pub(crate) fn needed_number(&mut self, name: &str) -> u64 {
        let number = self.number(name);
        self.needed(name, number.is_some());
        number.unwrap_or_default()
    }

    /// Checks that all was as it has to be, and that nothing is left.
    pub(crate) fn end(mut self) -> Result<(), String> {
        if let Some((name, _)) = self.entries.first() {
            let unknown = format!("there is no field {name}");
            self.fail(unknown);
        }
        self.error.map_or(Ok(()), Err)
    }

    fn unless_null<T: Default>(&mut self, name: &str, value: &Json) -> T {
        if !value.is_null() {
            self.fail(wrong(name));
        }
        T::default()
    }

    fn needed(&mut self, name: &str, is_there: bool) {
        if !is_there {
            self.fail(format!("{name} is missing"));
        }
    }

    pub(crate) fn fail(&mut self, error: String) {
        self.error.get_or_insert(error);
    }
}

pub(crate) fn wrong(name: &str) -> String {
    format!("{name} is of a wrong type or out of its range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_by_others() {
        let text = "a\"b\\c\u{0}\n\u{1f}\u{7f}é€😀";
        let value = Json::Shown(vec![
            ("text", text.into()),
            ("none", Json::Null),
            (
                "list",
                Json::List(vec![Json::Null, true.into(), Json::Number(u64::MAX)]),
            ),
            ("empty", Json::Shown(vec![("none", Json::Null)])),
        ]);
        let mut written = String::new();
        value.write(&mut written);
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        let expected =
            serde_json::json!({ "text": text, "list": [null, true, u64::MAX], "empty": {} });
        assert_eq!(read, expected);
    }
}
