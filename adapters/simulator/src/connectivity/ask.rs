//! A checked request for a call, with methods that read its parts.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;
use thingspace_core::Timestamp;

use super::date;
use super::device::{Identifier, read_pairs};
use super::schema::{Body, check};
use crate::input::Input;
use crate::refusal::{Refusal, json_response};

pub(crate) type Served = Result<Response<Bytes>, Refusal>;

/// A request whose fields are documented and have the documented types.
pub(crate) struct Ask {
    pub(super) now: Timestamp,
    parameters: Vec<String>,
    query: Vec<(String, String)>,
    body: Value,
}

impl Ask {
    /// Reads a request with these parameters in its path, and refuses it if its body is not
    /// the documented one.
    pub(crate) fn read(
        now: Timestamp,
        documented: Body,
        parameters: Vec<String>,
        input: Input<'_>,
    ) -> Result<Self, Refusal> {
        let body = match documented {
            Body::None => Value::Null,
            Body::Optional(_) if input.0.body().is_empty() => Value::Null,
            Body::Required(fields) | Body::Optional(fields) => {
                let body = input.json()?;
                check(fields, &body)?;
                body
            }
        };
        let query = input.0.uri().query().unwrap_or_default();
        Ok(Self {
            now,
            parameters,
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            body,
        })
    }

    /// Returns a decoded parameter of the path.
    pub(super) fn parameter(&self, place: usize) -> &str {
        self.parameters.get(place).map_or("", String::as_str)
    }

    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }

    pub(super) fn queried(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        let found = pairs.find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.body.get(field).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field)?.as_str()
    }

    /// Returns an owned text, which is empty if the field is not there.
    pub(super) fn owned(&self, field: &str) -> String {
        self.text(field).unwrap_or_default().to_owned()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.body.get(field).and_then(Value::as_bool) == Some(true)
    }

    pub(super) fn list(&self, field: &str) -> &[Value] {
        list(&self.body, field)
    }

    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer)
    }

    pub(super) fn custom_fields(&self, field: &str) -> Vec<(String, String)> {
        read_pairs("key", self.list(field))
    }

    /// Reads the field `deviceId`.
    pub(super) fn device_id(&self) -> Option<[Identifier; 1]> {
        Identifier::read(self.body.get("deviceId")?).map(|id| [id])
    }

    /// Reads a whole number that is not negative.
    pub(super) fn number(&self, field: &str) -> Result<Option<u64>, Refusal> {
        match self.body.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or(Refusal::UNEXPECTED),
        }
    }

    /// Reads a date. Another text in its place is refused.
    pub(super) fn date(&self, field: &str) -> Result<Option<Timestamp>, Refusal> {
        match self.text(field) {
            None => Ok(None),
            Some(text) => date::read(text).map(Some).ok_or(Refusal::UNEXPECTED),
        }
    }

    /// Reads the first and the last moment of a window, which has no end on a side without
    /// a field.
    pub(super) fn window(&self) -> Result<(Timestamp, Timestamp), Refusal> {
        let earliest = self.date("earliest")?.unwrap_or_default();
        let latest = self.date("latest")?.unwrap_or(Timestamp::MAX);
        Ok((earliest, latest))
    }
}

pub(super) fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    let values = object.get(field).and_then(Value::as_array);
    values.map_or(&[], Vec::as_slice)
}

/// Returns a response with status 200.
#[expect(clippy::unnecessary_wraps, reason = "every call ends with it")]
pub(super) fn done(body: &Value) -> Served {
    Ok(json_response(StatusCode::OK, body))
}
