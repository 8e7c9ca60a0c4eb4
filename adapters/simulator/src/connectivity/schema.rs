//! The fields of a request, and the check of a request against them.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// A field of an object.
pub(crate) struct Field {
    name: &'static str,
    shape: Shape,
    is_required: bool,
}

/// The values that a field takes.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Text,
    Flag,
    Whole,
    /// The documentation gives no type.
    Any,
    Texts,
    Anys,
    One(&'static [Field]),
    Many(&'static [Field]),
    /// An array with a documented limit.
    UpTo(usize, &'static [Field]),
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// None is documented. One that is sent is ignored.
    None,
    Required(&'static [Field]),
    /// The documentation marks it as optional.
    Optional(&'static [Field]),
}

pub(super) const fn required(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        is_required: true,
    }
}

pub(super) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        is_required: false,
    }
}

/// Refuses an object that lacks a required field, has an undocumented one, or has a value
/// of another type. `null` is the same as no field.
pub(crate) fn check(fields: &[Field], value: &Value) -> Result<(), Refusal> {
    let object = value.as_object().ok_or(Refusal::UNEXPECTED)?;
    let is_documented = |name: &String| fields.iter().any(|field| field.name == name);
    if !object.keys().all(is_documented) {
        return Err(Refusal::UNDOCUMENTED);
    }
    fields.iter().try_for_each(|field| field.check(object))
}

impl Field {
    fn check(&self, object: &Map<String, Value>) -> Result<(), Refusal> {
        match object.get(self.name) {
            None | Some(Value::Null) if self.is_required => Err(Refusal::UNEXPECTED),
            None | Some(Value::Null) => Ok(()),
            Some(value) => self.shape.check(value),
        }
    }
}

impl Shape {
    fn check(self, value: &Value) -> Result<(), Refusal> {
        let fits = match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Whole => value.is_i64() || value.is_u64(),
            Self::Anys => value.is_array(),
            Self::Texts => value
                .as_array()
                .is_some_and(|values| values.iter().all(Value::is_string)),
            Self::One(fields) => return check(fields, value),
            Self::Many(fields) => return check_all(fields, usize::MAX, value),
            Self::UpTo(most, fields) => return check_all(fields, most, value),
        };
        if fits {
            Ok(())
        } else {
            Err(Refusal::UNEXPECTED)
        }
    }
}

fn check_all(fields: &[Field], most: usize, value: &Value) -> Result<(), Refusal> {
    let values = value.as_array().ok_or(Refusal::UNEXPECTED)?;
    if values.len() > most {
        return Err(Refusal::TOO_MANY);
    }
    values.iter().try_for_each(|value| check(fields, value))
}
