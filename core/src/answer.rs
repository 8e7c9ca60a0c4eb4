//! Reading what the service answered, without trusting it.
//!
//! An answer may be anything: JSON of another shape, a proxy's error page, ten
//! megabytes of nothing. What can't be read is [`Malformed`], which names the
//! part and the problem and never repeats the content, since an answer may
//! hold a token or the only copy of a password.

use std::{borrow::Cow, fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use thiserror::Error;

use crate::token::TokenError;

/// Why an answer makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{part} {problem}")]
pub struct Malformed {
    /// The part of the answer that is wrong: a field's name, or `the body`.
    pub part: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is longer than this many bytes, the most that is read.
    #[error("is longer than the {0} bytes that are read")]
    TooLong(usize),
    /// It is not JSON, from this place on.
    #[error("is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line, from 1; 0 if unknown.
        line: usize,
        /// Column in bytes, from 1; 0 if unknown.
        column: usize,
    },
    /// It is JSON, but of another shape than documented, at this place.
    #[error("has another shape than documented (line {line}, column {column})")]
    Shape {
        /// Line, from 1; 0 if unknown.
        line: usize,
        /// Column in bytes, from 1; 0 if unknown.
        column: usize,
    },
    /// It is not there, or `null`, or empty.
    #[error("is missing")]
    Missing,
    /// It has another type, or a value that means nothing.
    #[error("has a value of another kind than documented")]
    Kind,
    /// It should be a token and can't be one.
    #[error("can't be used: {0}")]
    Token(TokenError),
}

impl Malformed {
    /// That `part` has this problem.
    pub const fn new(part: &'static str, problem: Problem) -> Self {
        Self { part, problem }
    }
}

/// Drops the message, which may repeat what the answer held, and keeps the
/// place.
impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let problem = if error.is_data() {
            Problem::Shape { line, column }
        } else {
            Problem::NotJson { line, column }
        };
        Self::new("the body", problem)
    }
}

/// Reads a JSON body, which must be an object, into fields that borrow from it.
pub(crate) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    // A whole text is checked faster than each of its parts. What is none may still be
    // good where somebody looks.
    let read = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    match read {
        Ok(Object(fields)) => Ok(fields),
        Err(_) if body.trim_ascii().is_empty() => Err(Malformed::new("the body", Problem::Missing)),
        Err(error) => Err(error.into()),
    }
}

/// Fields that are read from an object and from nothing else: a derived reader
/// would also take a list of their values.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
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

/// One field of an answer, of whatever type the server gave it. `null` is as
/// good as absent: every field is optional in the published schema.
#[derive(Default)]
pub(crate) enum Field<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Number(f64),
    Other,
}

impl<'a> Field<'a> {
    /// The text of a field that must be there.
    pub(crate) fn required(&self, part: &'static str) -> Result<&str, Malformed> {
        self.optional(part)?
            .ok_or(Malformed::new(part, Problem::Missing))
    }

    /// The text of a field that may be absent or empty.
    pub(crate) fn optional(&self, part: &'static str) -> Result<Option<&str>, Malformed> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) if text.is_empty() => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Number(_) | Self::Other => Err(Malformed::new(part, Problem::Kind)),
        }
    }

    /// The text of a field, if that is what it holds.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Number(_) | Self::Other => None,
        }
    }

    /// The number in a field that may be absent: servers send it bare, with a
    /// fraction, or as text.
    pub(crate) fn number(&self, part: &'static str) -> Result<Option<f64>, Malformed> {
        match self {
            Self::Absent => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            Self::Text(text) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(Malformed::new(part, Problem::Kind)),
            },
            Self::Other => Err(Malformed::new(part, Problem::Kind)),
        }
    }
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

    // Lifetimes and codes are far below the 2^53 where a float gets coarse.
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

/// An answer as it came, for those who ask for it by name: its `Debug` shows
/// neither headers nor body.
#[derive(Clone)]
pub(crate) struct Kept(pub(crate) http::Response<Bytes>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(response) = self;
        write!(
            f,
            "{} with {} bytes",
            response.status(),
            response.body().len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_place_and_never_the_content() {
        for (body, shown) in [
            ("", "the body is missing"),
            (" \r\n", "the body is missing"),
            (
                "<html>hush</html>",
                "the body is not JSON (line 1, column 1)",
            ),
            (
                "\"hush\"",
                "the body has another shape than documented (line 1, column 6)",
            ),
        ] {
            let error = json::<std::collections::BTreeMap<&str, &str>>(body.as_bytes());
            assert_eq!(error.unwrap_err().to_string(), shown);
        }
    }
}
