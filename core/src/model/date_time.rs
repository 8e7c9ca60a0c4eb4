//! Dates with times, as the service writes them.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::json::FromJson;
use crate::Timestamp;

/// A date with a time: the text as it came, and its [`Timestamp`] if it is one.
///
/// The service takes and writes ISO 8601 with a zone (`Z`, `+hh:mm`, `+hhmm` or `+hh`);
/// some of its examples have both an offset and a `Z`, which is read as that offset.
///
/// ```
/// use thingspace_core::{Timestamp, model::DateTime};
///
/// let seen = DateTime::from("2019-08-07T10:42:15-04:00");
/// assert_eq!(seen.timestamp(), Some(Timestamp::from_millis(1_565_188_935_000)));
/// assert_eq!(seen.to_string(), "2019-08-07T10:42:15-04:00");
///
/// let start = DateTime::from(Timestamp::from_millis(1_577_836_800_000));
/// assert_eq!(start.as_str(), "2020-01-01T00:00:00Z");
/// assert_eq!(DateTime::from("soon").timestamp(), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct DateTime(String);

impl DateTime {
    /// The text as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The moment. `None` if the text is none, or one before 1970.
    pub fn timestamp(&self) -> Option<Timestamp> {
        let text = self.0.trim();
        let moment: jiff::Timestamp = match text.parse() {
            Ok(moment) => moment,
            Err(_) => without_second_zone(text)?.parse().ok()?,
        };
        u64::try_from(moment.as_millisecond())
            .ok()
            .map(Timestamp::from_millis)
    }
}

/// The text without the `Z` behind an offset.
fn without_second_zone(text: &str) -> Option<&str> {
    text.strip_suffix(['Z', 'z'])
        .filter(|text| text.ends_with(|c: char| c.is_ascii_digit()))
}

impl From<String> for DateTime {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for DateTime {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Writes a moment in whole seconds, since the service ignores fractions. The last
/// is 9999-12-30T22:00:00Z, also for all that follow.
impl From<Timestamp> for DateTime {
    fn from(moment: Timestamp) -> Self {
        let seconds = i64::try_from(moment.as_millis() / 1000).unwrap_or(i64::MAX);
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
        Self(format!("{moment:.0}"))
    }
}

impl FromJson for DateTime {
    fn from_json(json: Value) -> Result<Self, Value> {
        match json {
            Value::String(text) => Ok(Self(text)),
            other => Err(other),
        }
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        DateTime::from(text).timestamp().map(Timestamp::as_millis)
    }

    #[test]
    fn all_documented_forms_are_read() {
        let moment = Some(1_588_374_000_000);
        for text in [
            "2020-05-01T23:00:00Z",
            "2020-05-01T23:00:00.000Z",
            "2020-05-01T15:00:00-08:00",
            "2020-05-01T15:00:00-0800",
            "2020-05-01T15:00:00-08",
            "2020-05-01T15:00:00-08:00Z",
            "2020-05-01T15:00:00.0-08:00Z",
            " 2020-05-01T23:00:00Z ",
        ] {
            assert_eq!(millis(text), moment, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_moment_is_kept() {
        for text in [
            "",
            "Z",
            "soon",
            "2020-05-01",
            "2020-05-01T15:00:00",
            "2020-13-01T00:00:00Z",
        ] {
            assert_eq!(millis(text), None, "{text}");
            assert_eq!(DateTime::from(text).as_str(), text);
        }
    }

    #[test]
    fn a_moment_is_written_and_read_again() {
        for seconds in [0, 1, 951_782_400, 1_700_000_000, 253_402_207_200] {
            let moment = Timestamp::from_millis(seconds * 1000);
            assert_eq!(DateTime::from(moment).timestamp(), Some(moment));
        }
        let last = DateTime::from(Timestamp::MAX);
        assert_eq!(last.as_str(), "9999-12-30T22:00:00Z");
    }
}
