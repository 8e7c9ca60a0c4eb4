//! JSON with slips that hide nothing: mended, and then read.
//!
//! Services and gateways put together their error messages by hand, and what a
//! message holds must not hide the code beside it. What can't be read as it stands is
//! replaced by U+FFFD. So a mended text shows that it was: no token has this character,
//! and no new password is taken with it.

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The character in the place of what can't be read.
pub(crate) const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

/// Reads an object that strict JSON is not: with bytes that are not UTF-8, escapes that
/// are none, or control characters in its texts, or with a field that stands twice.
///
/// A field that stands twice with one value is that; with two, it has no value that
/// anything can be made of.
pub(super) fn read_mended<'a, T: Deserialize<'a>>(body: &[u8]) -> Option<T> {
    // Anything else, such as a page, needs no second look.
    if !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let mended = mend(&String::from_utf8_lossy(body));
    let mut reader = serde_json::Deserializer::from_str(&mended);
    let object = Flat { floors: FLOORS }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    T::deserialize(object).ok()
}

/// Replaces what no JSON text may hold, within the texts, and puts numbers that are
/// beyond all that can be read into a text.
pub(super) fn mend(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut is_text = false;
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' if is_text => {
                let (escape, after) = escape(after);
                match escape {
                    Some(escape) => mended.extend(['\\'].into_iter().chain(escape.chars())),
                    None => mended.push(UNREADABLE),
                }
                rest = after;
                continue;
            }
            '"' => {
                is_text = !is_text;
                mended.push(c);
            }
            c if is_text && c.is_control() => mended.push(UNREADABLE),
            '-' | '0'..='9' if !is_text => {
                let (number, after) = number(rest);
                if is_beyond_all(number) {
                    mended.extend(["\"", number, "\""]);
                } else {
                    mended.push_str(number);
                }
                rest = after;
                continue;
            }
            c => mended.push(c),
        }
        rest = after;
    }
    mended
}

/// Returns true if a number is beyond all that can be read. The reader itself says so:
/// the standard library's would bring tables of 10 KiB to a small program.
fn is_beyond_all(number: &str) -> bool {
    serde_json::from_str::<f64>(number)
        .is_err_and(|error| error.to_string().starts_with("number out of range"))
}

/// Splits the number off that a text begins with.
fn number(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Splits the escape off that a text begins with, behind its backslash. `None` in its
/// place if it is none, or half of a pair of surrogates.
fn escape(text: &str) -> (Option<&str>, &str) {
    let split = |length| text.split_at_checked(length).unwrap_or((text, ""));
    let unit = |text: &str| {
        let digits = text.strip_prefix('u')?.get(..4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    };
    match (text.bytes().next(), unit(text)) {
        (Some(b'u'), Some(0xd800..=0xdbff)) => {
            let second = text.get(5..).and_then(|rest| rest.strip_prefix('\\'));
            match second.and_then(unit) {
                Some(0xdc00..=0xdfff) => {
                    let (pair, rest) = split(11);
                    (Some(pair), rest)
                }
                _ => (None, split(5).1),
            }
        }
        (Some(b'u'), Some(0xdc00..=0xdfff)) => (None, split(5).1),
        (Some(b'u'), Some(_)) => {
            let (escape, rest) = split(5);
            (Some(escape), rest)
        }
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), _) => {
            let (escape, rest) = split(1);
            (Some(escape), rest)
        }
        _ => (None, text),
    }
}

/// The number of objects within each other that are read: a fault and what is around it.
const FLOORS: u8 = 2;

/// A reader of values that goes no deeper than it must.
#[derive(Clone, Copy)]
struct Flat {
    floors: u8,
}

/// A value that nothing is made of.
const OTHER: Value = Value::Bool(true);

impl<'de> DeserializeSeed<'de> for Flat {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flat {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(OTHER, Value::Number))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Value, E> {
        Ok(OTHER)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(OTHER)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(floors) = self.floors.checked_sub(1) else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(OTHER);
        };
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Flat { floors })?;
            match object.get_mut(&name) {
                None => drop(object.insert(name, value)),
                Some(first) if first.is_null() => *first = value,
                Some(first) if *first == value || value.is_null() => {}
                Some(first) => *first = OTHER,
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_does_not_allow_in_a_text_is_replaced_and_nothing_else() {
        for (json, mended) in [
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#"["\\","\"",\]"#, r#"["\\","\"",\]"#),
            (r#""\u00e4\ud83d\ude00""#, r#""\u00e4\ud83d\ude00""#),
            (r#""\ud83d""#, "\"\u{fffd}\""),
            (r#""\ud83d\n""#, "\"\u{fffd}\\n\""),
            (r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}\\ud83d\\ude00\""),
            (r#""\ude00x""#, "\"\u{fffd}x\""),
            (r#""it\'s""#, "\"it\u{fffd}'s\""),
            (r#""\u12""#, "\"\u{fffd}u12\""),
            (r#""\u+123""#, "\"\u{fffd}u+123\""),
            ("\"a\nb\"\n", "\"a\u{fffd}b\"\n"),
            (r#""\"#, "\"\u{fffd}"),
            (r#"[1e9,-1e999,"1e999"]"#, r#"[1e9,"-1e999","1e999"]"#),
        ] {
            assert_eq!(mend(json), mended, "{json}");
        }
    }

    #[test]
    fn a_field_that_stands_twice_is_read_if_its_value_is_one() {
        let read = |body: &[u8]| read_mended::<Value>(body).map(|read| read["a"].clone());
        for (body, value) in [
            (&br#"{"a":"1","a":"1"}"#[..], Value::from("1")),
            (br#"{"a":null,"a":"1"}"#, Value::from("1")),
            (br#"{"a":"1","a":null}"#, Value::from("1")),
            (br#"{"a":"1","a":"2"}"#, OTHER),
            (br#"{"a":"1","a":1}"#, OTHER),
            (br#"{"a":[1]}"#, OTHER),
            (
                br#"{"a":"1","b":{"c":{"d":[{}]}},"\xff":"\xff"}"#,
                Value::from("1"),
            ),
        ] {
            assert_eq!(read(body), Some(value), "{}", body.escape_ascii());
        }
        for body in [&b"[1]"[..], b"<a>", b"", b"{", b"{}}", b"null"] {
            assert_eq!(read(body), None, "{}", body.escape_ascii());
        }
    }
}
