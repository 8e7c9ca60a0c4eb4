//! The fields of an object, read one by one.

use std::fmt;

use serde_json::{Map, Value};

use super::json::{FromJson, List};

/// A model of a response: an object, all of whose fields may be absent.
pub trait Model: Sized {
    /// Reads an object. A field that is absent or does not fit is none.
    fn read(fields: &mut Fields) -> Self;
}

impl<M: Model> FromJson for M {
    fn from_json(json: Value) -> Result<Self, Value> {
        match json {
            Value::Object(fields) => Ok(Self::read(&mut Fields::new(fields))),
            other => Err(other),
        }
    }
}

/// The fields of an object that is being read. What is taken out is gone; what is left
/// goes into the model's [`Other`].
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    unfit: Vec<&'static str>,
}

impl Fields {
    fn new(fields: Map<String, Value>) -> Self {
        Self {
            left: fields,
            unfit: Vec::new(),
        }
    }

    /// Takes the value of a field out. `null` counts as absent: every field is optional
    /// in the published schema. A value that does not fit stays, and is
    /// [reported](Other::unfit).
    pub fn take<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        match T::from_json(self.remove(name)?) {
            Ok(value) => Some(value),
            Err(value) => {
                self.keep(name, value);
                None
            }
        }
    }

    /// Takes the value of a required field out. In place of one that is absent or does
    /// not fit is an empty value, and that is [reported](Other::unfit).
    pub fn required<T: FromJson + Default>(&mut self, name: &'static str) -> T {
        let value = self.take(name);
        if value.is_none() && !self.unfit.contains(&name) {
            self.unfit.push(name);
        }
        value.unwrap_or_default()
    }

    /// Takes the items of a field out that holds an array; none if it is absent. An item
    /// that does not fit stays. One object is taken for a list of one.
    pub fn list<T: FromJson>(&mut self, name: &'static str) -> Vec<T> {
        let Some(value) = self.remove(name) else {
            return Vec::new();
        };
        match List::from_json(value) {
            Ok(List { items, other }) => {
                if !other.is_empty() {
                    self.keep(name, Value::Array(other));
                }
                items
            }
            Err(value) => {
                self.keep(name, value);
                Vec::new()
            }
        }
    }

    /// Returns true if there is such a field and it is not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !value.is_null())
    }

    /// All that was not taken out.
    pub fn other(&mut self) -> Other {
        Other {
            fields: std::mem::take(&mut self.left),
            unfit: std::mem::take(&mut self.unfit),
        }
    }

    fn remove(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn keep(&mut self, name: &'static str, value: Value) {
        self.left.insert(name.to_owned(), value);
        self.unfit.push(name);
    }
}

/// The fields of an object that its model does not have, and those whose value is of
/// another kind than documented. Both are as they came.
///
/// `Debug` shows the names only: nobody knows what the values are.
#[derive(Clone, Default, PartialEq)]
pub struct Other {
    fields: Map<String, Value>,
    unfit: Vec<&'static str>,
}

impl Other {
    /// The value of a field, if it is there.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The names of documented fields that did not fit: their value is of another kind,
    /// or they are required and absent.
    pub fn unfit(&self) -> &[&'static str] {
        &self.unfit
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.keys()).finish()
    }
}
