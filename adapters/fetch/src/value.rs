//! A snapshot out of JSON: what a store has, through the reader that the messages have.
//!
//! `serde_json` makes a reader of its own for each type that it reads, from objects and
//! from lists. For a snapshot that was 25 KiB of the module.

use std::{fmt, mem, vec};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor,
    },
};

use thingspace_core::session::Snapshot;

use crate::{json::Json, words::Words};

/// Reads a snapshot out of JSON. An error repeats nothing of it but what the type says.
pub(crate) fn snapshot(text: &str) -> Result<Snapshot, Words> {
    let json: Json = serde_json::from_str(text).map_err(|_| misfit())?;
    Snapshot::deserialize(json)
}

/// Reads a snapshot out of JSON; `None` if it is none.
#[doc(hidden)]
pub fn read_snapshot(text: &str) -> Option<Snapshot> {
    snapshot(text).ok()
}

fn misfit() -> Words {
    Words::from("it is no JSON of this form")
}

/// Only what a type says for itself is worth its text: the others would name a field.
impl de::Error for Words {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::from(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        misfit()
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        misfit()
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        misfit()
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        misfit()
    }

    fn missing_field(_: &'static str) -> Self {
        misfit()
    }

    fn duplicate_field(_: &'static str) -> Self {
        misfit()
    }
}

/// Reads a number, whatever its width.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
            match self {
                Self::Number(number) => visitor.visit_u64(number),
                _ => Err(misfit()),
            }
        })*
    };
}

/// Reads a text, whoever is to have it.
macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
            match self {
                Self::Text(text) => visitor.visit_string(text),
                _ => Err(misfit()),
            }
        })*
    };
}

/// Gives each type the one kind of value that it is written as, and no other.
impl<'de> Deserializer<'de> for Json {
    type Error = Words;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    texts! {
        deserialize_char deserialize_str deserialize_string deserialize_identifier
    }

    // No snapshot has these.
    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 bytes byte_buf
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Words> {
        Err(misfit())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            _ => Err(misfit()),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
        match self {
            Self::Null => visitor.visit_unit(),
            _ => Err(misfit()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
        match self {
            Self::List(values) => visitor.visit_seq(Values(values.into_iter())),
            _ => Err(misfit()),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Words> {
        match self {
            Self::Map(entries) => visitor.visit_map(Entries {
                rest: entries.into_iter(),
                value: Self::Null,
            }),
            _ => Err(misfit()),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Words> {
        match self {
            Self::Text(name) => visitor.visit_enum(Variant(name, Self::Null)),
            Self::Map(mut entries) => match (entries.pop(), entries.is_empty()) {
                (Some((name, value)), true) => visitor.visit_enum(Variant(name, value)),
                _ => Err(misfit()),
            },
            _ => Err(misfit()),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Words> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Words> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Words> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Words> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Words> {
        self.deserialize_map(visitor)
    }
}

struct Values(vec::IntoIter<Json>);

impl<'de> SeqAccess<'de> for Values {
    type Error = Words;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Words> {
        self.0
            .next()
            .map(|value| seed.deserialize(value))
            .transpose()
    }
}

struct Entries {
    rest: vec::IntoIter<(String, Json)>,
    /// The value of the entry whose name was read last.
    value: Json,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Words;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Words> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = value;
        seed.deserialize(Json::Text(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Words> {
        seed.deserialize(mem::replace(&mut self.value, Json::Null))
    }
}

/// A variant's name, and what it holds.
struct Variant(String, Json);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Words;
    type Variant = Json;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Json), Words> {
        Ok((seed.deserialize(Json::Text(self.0))?, self.1))
    }
}

impl<'de> VariantAccess<'de> for Json {
    type Error = Words;

    fn unit_variant(self) -> Result<(), Words> {
        <()>::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Words> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Words> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Words> {
        self.deserialize_map(visitor)
    }
}
