//! JSON values, read without losing what does not fit.

use std::fmt;

use serde_json::{Number, Value};

use crate::{
    InvalidResponse,
    response::{Problem, value},
};

/// A value that can be read from JSON.
///
/// Implemented for every [`Model`](super::Model), and for what their fields hold.
pub trait FromJson: Sized {
    /// Reads a value. One that does not fit is given back as it came.
    fn from_json(json: Value) -> Result<Self, Value>;
}

/// Reads the body of a response.
///
/// Fails if it is no JSON, or another kind of it than documented.
pub(crate) fn read<T: FromJson>(body: &[u8]) -> Result<T, InvalidResponse> {
    T::from_json(value(body)?).map_err(|_| InvalidResponse::new("the body", Problem::Kind))
}

impl FromJson for Value {
    fn from_json(json: Value) -> Result<Self, Value> {
        Ok(json)
    }
}

/// Takes numbers, too: services write some numbers as text, and some text as numbers.
impl FromJson for String {
    fn from_json(json: Value) -> Result<Self, Value> {
        match json {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(other),
        }
    }
}

/// Takes `"true"` and `"false"`, too.
impl FromJson for bool {
    fn from_json(json: Value) -> Result<Self, Value> {
        match &json {
            Value::Bool(value) => Ok(*value),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(json),
        }
    }
}

/// Takes a whole number that is written as text, too.
impl FromJson for i64 {
    fn from_json(json: Value) -> Result<Self, Value> {
        let number = match &json {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or(json)
    }
}

impl FromJson for Number {
    fn from_json(json: Value) -> Result<Self, Value> {
        match json {
            Value::Number(number) => Ok(number),
            other => Err(other),
        }
    }
}

/// The items of a response whose body is an array.
///
/// An item that does not fit makes none of the others unreadable: it is in `other`.
///
/// `Debug` shows the number of these only: nobody knows what they are.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct List<T> {
    /// The items, in their order.
    pub items: Vec<T>,
    /// What stood among them and is no such item.
    pub other: Vec<Value>,
}

impl<T: FromJson> FromJson for List<T> {
    /// Takes an object for a list of one, as the service does in other places.
    fn from_json(json: Value) -> Result<Self, Value> {
        let values = match json {
            Value::Array(values) => values,
            Value::Object(_) => vec![json],
            other => return Err(other),
        };
        let mut items = Vec::with_capacity(values.len());
        let mut other = Vec::new();
        for value in values {
            match T::from_json(value) {
                Ok(item) => items.push(item),
                Err(value) => other.push(value),
            }
        }
        Ok(Self { items, other })
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("items", &self.items)
            .field("other", &self.other.len())
            .finish()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<T> std::ops::Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}
