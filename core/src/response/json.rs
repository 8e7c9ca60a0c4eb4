//! JSON objects, read into fields that borrow from the body.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

#[cfg(feature = "connectivity")]
use super::mended::mend;
use super::{InvalidResponse, Problem, mended::read_mended};

/// A byte order mark in UTF-8, which some servers send although RFC 8259 §8.1 says
/// that they must not.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a JSON body, which must be an object, into fields that borrow from it.
///
/// A body with a slip that hides nothing, such as a byte order mark, a message that is
/// not UTF-8 or stands twice, is read all the same: see [`read_mended`]. So nothing is
/// read from bytes, and every reader is made once.
///
/// An error names the place and gives no detail: the calls that are read here
/// return tokens and passwords.
pub(crate) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, InvalidResponse> {
    let body = without_mark(body);
    let invalid = match std::str::from_utf8(body) {
        // A whole text is checked faster than each of its parts.
        Ok(text) => match serde_json::from_str(text) {
            Ok(Object(fields)) => return Ok(fields),
            Err(_) if body.trim_ascii().is_empty() => {
                return Err(InvalidResponse::new("the body", Problem::Missing));
            }
            Err(error) => InvalidResponse::without_detail(&error),
        },
        Err(error) => InvalidResponse::not_utf8(body, error),
    };
    read_mended(body).ok_or(invalid)
}

/// Reads a JSON body of any kind, whatever slips its texts and numbers have.
#[cfg(feature = "connectivity")]
pub(crate) fn value(body: &[u8]) -> Result<serde_json::Value, InvalidResponse> {
    let body = without_mark(body);
    serde_json::from_slice(body).or_else(|error| {
        if body.trim_ascii().is_empty() {
            return Err(InvalidResponse::new("the body", Problem::Missing));
        }
        serde_json::from_str(&mend(&String::from_utf8_lossy(body)))
            .map_err(|_| InvalidResponse::without_detail(&error))
    })
}

/// Returns true if a body holds nothing but blanks.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    without_mark(body).trim_ascii().is_empty()
}

/// The body behind its byte order mark, if it has one.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Fields that are read from an object and from nothing else. A derived reader
/// would also take a list of their values.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// An object in a field where anything may stand; anything else counts as absent.
pub(super) struct Inner<T>(pub(super) Option<T>);

impl<T> Default for Inner<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inner<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InnerVisitor(PhantomData))
    }
}

struct InnerVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InnerVisitor<T> {
    type Value = Inner<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|fields| Inner(Some(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Inner(None))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Inner(None))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Inner(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Inner(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Inner(None))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Inner(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Inner(None))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// One field of a response, of whatever type the server sent. `null` counts as
/// absent: every field is optional in the published schema.
#[derive(Default)]
pub(crate) enum Field<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Number(f64),
    Other,
}

impl<'a> Field<'a> {
    /// The text of a field that is required.
    pub(crate) fn required(&self, part: &'static str) -> Result<&str, InvalidResponse> {
        self.optional(part)?
            .ok_or_else(|| InvalidResponse::new(part, Problem::Missing))
    }

    /// The text of a field that may be absent or empty.
    pub(crate) fn optional(&self, part: &'static str) -> Result<Option<&str>, InvalidResponse> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) if text.is_empty() => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Number(_) | Self::Other => Err(InvalidResponse::new(part, Problem::Kind)),
        }
    }

    /// The text of a token that is required. No token has blanks around it.
    pub(crate) fn required_token(&self, part: &'static str) -> Result<&str, InvalidResponse> {
        self.optional_token(part)?
            .ok_or_else(|| InvalidResponse::new(part, Problem::Missing))
    }

    /// The text of a token that may be absent or blank.
    #[inline]
    pub(crate) fn optional_token(
        &self,
        part: &'static str,
    ) -> Result<Option<&str>, InvalidResponse> {
        Ok(match self.optional(part)?.map(trimmed) {
            Some("") | None => None,
            token => token,
        })
    }

    /// The text of a field, if it holds one.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Number(_) | Self::Other => None,
        }
    }

    /// The number in a field that may be absent. Servers send it bare, with a
    /// fraction, or as text.
    #[inline]
    pub(crate) fn number(&self, part: &'static str) -> Result<Option<f64>, InvalidResponse> {
        match self {
            Self::Absent => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            Self::Text(text) => number_in_text(text, part).map(Some),
            Self::Other => Err(InvalidResponse::new(part, Problem::Kind)),
        }
    }
}

/// The number that a text holds. Few servers send one so.
#[cold]
fn number_in_text(text: &str, part: &'static str) -> Result<f64, InvalidResponse> {
    // By the reader of JSON: the standard library's brings tables of 10 KiB.
    serde_json::from_str(text.trim()).map_err(|_| InvalidResponse::new(part, Problem::Kind))
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    // Lifetimes and codes are far below the 2^53 above which a float is no longer exact.
    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Field::Number(number as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Field::Number(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Field::Number(number))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

/// A text without the blanks around it, which few have.
#[inline]
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_place_and_never_the_content() {
        for (body, shown) in [
            (&b""[..], "the body is missing"),
            (b" \r\n", "the body is missing"),
            (
                b"<html>hush</html>",
                "the body is not JSON (line 1, column 1)",
            ),
            (
                b"<html>\nhush\xff\n\xff</html>",
                "the body is not JSON (line 2, column 5)",
            ),
            (
                b"\"hush\"",
                "the body has another shape than documented (line 1, column 6)",
            ),
        ] {
            let error = json::<std::collections::BTreeMap<&str, &str>>(body);
            assert_eq!(error.unwrap_err().to_string(), shown);
        }
    }
}
