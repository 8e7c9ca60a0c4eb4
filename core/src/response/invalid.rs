//! The error for a success response that can't be read.

use std::{fmt, str::Utf8Error};

use thiserror::Error;

use crate::token::TokenError;

/// A success response that can't be read: the part that is wrong, and the
/// problem.
///
/// Neither `Debug` nor `Display` repeats what the response holds, since that may
/// be a token or the only copy of a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub struct InvalidResponse {
    /// The part of the response that is wrong: a field's name, or `the body`.
    pub part: &'static str,
    /// The problem with this part.
    pub problem: Problem,
    /// The reason why JSON did not fit, without any value from the response.
    detail: Option<Box<str>>,
}

/// The problem with a part of a response.
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
    /// It is absent, `null` or empty.
    #[error("is missing")]
    Missing,
    /// It has another type, or a value that means nothing.
    #[error("has a value of another kind than documented")]
    Kind,
    /// It is a token that ends at once, in the place of one that was refused.
    #[error("ends at once, and is perhaps the one that was refused")]
    Ending,
    /// It should be a token and can't be one.
    #[error("can't be used: {0}")]
    Token(TokenError),
}

impl InvalidResponse {
    /// Names the part that is wrong, and the problem.
    pub const fn new(part: &'static str, problem: Problem) -> Self {
        Self {
            part,
            problem,
            detail: None,
        }
    }

    /// Takes the place from an error of the JSON reader, and nothing of its
    /// message.
    pub(crate) fn without_detail(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let problem = if error.is_data() {
            Problem::Shape { line, column }
        } else {
            Problem::NotJson { line, column }
        };
        Self::new("the body", problem)
    }

    /// Takes the place from an error of the reader of UTF-8.
    pub(crate) fn not_utf8(body: &[u8], error: Utf8Error) -> Self {
        let before = body.get(..error.valid_up_to()).unwrap_or(body);
        let lines = before.split(|byte| *byte == b'\n');
        let (line, last) = lines.enumerate().last().unwrap_or_default();
        let (line, column) = (line.saturating_add(1), last.len().saturating_add(1));
        Self::new("the body", Problem::NotJson { line, column })
    }
}

impl fmt::Display for InvalidResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, problem, .. } = self;
        write!(f, "{part} {problem}")?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

/// Takes the place from an error of the JSON reader, and the reason without any
/// value from the response.
///
/// Only reasons in serde's own forms are taken. The message of a custom error is
/// dropped, since nobody knows what it repeats. A reader written by hand that
/// gives its reasons in these forms must not put a value after `, expected `.
impl From<serde_json::Error> for InvalidResponse {
    fn from(error: serde_json::Error) -> Self {
        let mut invalid = Self::without_detail(&error);
        if error.is_data() {
            let message = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let reason = message.strip_suffix(&place).unwrap_or(&message);
            invalid.detail = without_values(reason).map(Into::into);
        }
        invalid
    }
}

/// Cuts every value from the response out of a reason that serde gave.
///
/// Returns `None` if the reason is not in one of serde's own forms. Names of
/// fields and what was expected come from the type that was read into. A value
/// ends where they begin, at the *last* `, expected `: it may hold these words
/// itself, and quotes and backticks as well.
fn without_values(reason: &str) -> Option<String> {
    // Left in the middle by a custom error that wraps one of serde's and says more. A
    // value that holds these words costs the reason.
    if reason.contains(" at line ") {
        return None;
    }
    for form in ["missing field `", "duplicate field `"] {
        if let Some(rest) = reason.strip_prefix(form) {
            let name = rest.strip_suffix('`')?;
            return (!name.contains('`')).then(|| reason.to_owned());
        }
    }
    for (form, nothing) in [
        ("unknown variant", "there are no variants"),
        ("unknown field", "there are no fields"),
    ] {
        if let Some(rest) = reason.strip_prefix(form) {
            let value = rest.strip_prefix(" `")?;
            if value.ends_with(&format!("`, {nothing}")) {
                return Some(format!("{form}, {nothing}"));
            }
            let (_, expected) = value.rsplit_once("`, expected ")?;
            let is_list = expected.ends_with('`');
            return is_list.then(|| format!("{form}, expected {expected}"));
        }
    }
    let (found, expected) = reason.rsplit_once(", expected ")?;
    for form in ["invalid type", "invalid value"] {
        if let Some(rest) = found.strip_prefix(form) {
            let kind = kind_of(rest.strip_prefix(": ")?)?;
            return Some(format!("{form}: {kind}, expected {expected}"));
        }
    }
    let length = found.strip_prefix("invalid length ")?;
    let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("invalid length, expected {expected}"))
}

/// The kind of a value, as serde (`Unexpected`) and `serde_json` describe one.
fn kind_of(value: &str) -> Option<&'static str> {
    /// Described with the value.
    const SHOWN: [(&str, &str); 5] = [
        ("string", "string \""),
        ("integer", "integer `"),
        ("floating point", "floating point `"),
        ("boolean", "boolean `"),
        ("character", "character `"),
    ];
    /// Described without the value.
    const NAMED: [&str; 13] = [
        "null",
        "number",
        "unit value",
        "byte array",
        "Option value",
        "newtype struct",
        "sequence",
        "map",
        "enum",
        "unit variant",
        "newtype variant",
        "tuple variant",
        "struct variant",
    ];
    let shown = SHOWN.iter().find(|(_, start)| value.starts_with(start));
    shown
        .map(|(kind, _)| *kind)
        .or_else(|| NAMED.into_iter().find(|kind| *kind == value))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Debug, net::IpAddr};

    use proptest::{collection::vec, prelude::*, sample::select};
    use serde::{
        Deserialize,
        de::{DeserializeOwned, Error as _, Unexpected},
    };
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Device {
        #[serde(default)]
        _lines: u8,
        #[serde(rename = "kind")]
        _kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Meter,
        Tracker,
        Lamp { _watts: f64 },
    }

    #[derive(Debug, Deserialize)]
    enum Never {}

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number { _number: u8 },
        Truth { _truth: bool },
    }

    /// A type whose reader repeats what it read.
    #[derive(Debug)]
    struct Talkative;

    impl<'de> Deserialize<'de> for Talkative {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value = Value::deserialize(deserializer)?;
            Err(D::Error::custom(format!("no use for {value}, expected it")))
        }
    }

    /// A type whose reader repeats what it read after an error of serde's own.
    #[derive(Debug)]
    struct Wrapping<T>(std::marker::PhantomData<T>);

    impl<'de, T: DeserializeOwned> Deserialize<'de> for Wrapping<T> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = Value::deserialize(deserializer)?.to_string();
            let wrapped = |error| D::Error::custom(format!("{error}, in {text}"));
            serde_json::from_str::<T>(&text).map_err(wrapped)?;
            Ok(Self(std::marker::PhantomData))
        }
    }

    /// A type that is read from JSON within a text.
    #[derive(Debug)]
    struct Nested;

    impl<'de> Deserialize<'de> for Nested {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            serde_json::from_str::<u8>(&text).map_err(D::Error::custom)?;
            Ok(Self)
        }
    }

    fn invalid<T: DeserializeOwned + Debug>(body: &str) -> InvalidResponse {
        serde_json::from_str::<T>(body).unwrap_err().into()
    }

    fn detail<T: DeserializeOwned + Debug>(body: &str) -> Option<String> {
        let invalid = invalid::<T>(body);
        assert!(matches!(invalid.problem, Problem::Shape { .. }), "{body}");
        invalid.detail.map(Into::into)
    }

    #[test]
    fn the_reason_comes_after_the_place() {
        let place = "the body has another shape than documented (line 1, column 6)";
        assert_eq!(
            invalid::<u64>(r#""hush""#).to_string(),
            format!("{place}: invalid type: string, expected u64")
        );
        assert_eq!(
            InvalidResponse::new("sessionToken", Problem::Missing).to_string(),
            "sessionToken is missing"
        );
    }

    #[test]
    fn a_text_that_is_not_json_has_a_place_alone() {
        let error = invalid::<u64>("<html>");
        assert_eq!(error.to_string(), "the body is not JSON (line 1, column 1)");
        assert_eq!(error.detail, None);
    }

    #[test]
    fn a_reason_without_detail_is_the_place_alone() {
        let error = serde_json::from_str::<u64>(r#""hush""#).unwrap_err();
        let place = Problem::Shape { line: 1, column: 6 };
        assert_eq!(
            InvalidResponse::without_detail(&error),
            InvalidResponse::new("the body", place)
        );
    }

    #[test]
    fn names_of_fields_are_said_as_they_are() {
        for (body, reason) in [
            (r"{}", "missing field `kind`"),
            (
                r#"{"kind":"meter","kind":"meter"}"#,
                "duplicate field `kind`",
            ),
        ] {
            assert_eq!(detail::<Device>(body).as_deref(), Some(reason));
        }
    }

    #[test]
    fn a_value_is_described_by_its_kind_alone() {
        type Read = fn(&str) -> Option<String>;
        let cases: [(Read, &str, &str); 17] = [
            (
                detail::<u64>,
                r#""7""#,
                "invalid type: string, expected u64",
            ),
            (detail::<u8>, "777", "invalid value: integer, expected u8"),
            (detail::<u8>, "-7", "invalid value: integer, expected u8"),
            (
                detail::<u8>,
                "7.25",
                "invalid type: floating point, expected u8",
            ),
            (detail::<u8>, "true", "invalid type: boolean, expected u8"),
            (detail::<u8>, "null", "invalid type: null, expected u8"),
            (detail::<u8>, "[7]", "invalid type: sequence, expected u8"),
            (detail::<u8>, "{}", "invalid type: map, expected u8"),
            (
                detail::<String>,
                "7",
                "invalid type: integer, expected a string",
            ),
            (
                detail::<char>,
                r#""77""#,
                "invalid value: string, expected a character",
            ),
            (
                detail::<(u8, u8)>,
                "[7]",
                "invalid length, expected a tuple of size 2",
            ),
            (
                detail::<Device>,
                "7",
                "invalid type: integer, expected struct Device",
            ),
            (
                detail::<Kind>,
                r#""hush""#,
                "unknown variant, expected one of `meter`, `tracker`, `lamp`",
            ),
            (
                detail::<Kind>,
                r#""lamp""#,
                "invalid type: unit variant, expected struct variant",
            ),
            (
                detail::<Never>,
                r#""hush""#,
                "unknown variant, there are no variants",
            ),
            (
                detail::<Device>,
                r#"{"hush":7}"#,
                "unknown field, expected `_lines` or `kind`",
            ),
            (
                detail::<Nothing>,
                r#"{"hush":7}"#,
                "unknown field, there are no fields",
            ),
        ];
        for (read, body, reason) in cases {
            let found = read(body);
            assert_eq!(found.as_deref(), Some(reason), "{body}");
        }
    }

    #[test]
    fn a_character_is_cut_out_as_well() {
        let error = serde_json::Error::invalid_type(Unexpected::Char('h'), &"a number");
        let error = InvalidResponse::from(error);
        assert_eq!(
            error.to_string(),
            "the body has another shape than documented (line 0, column 0): \
             invalid type: character, expected a number"
        );
    }

    #[test]
    fn law_10_a_value_that_holds_serdes_own_words_is_cut_out() {
        for value in [
            r#"", expected hush"#,
            r"`, expected hush",
            r"`, expected `hush`",
            r"`, there are no variants, hush",
            r"hush`, there are no variants",
            "missing field `hush`",
            "\n\r\u{0}hush\\\"",
        ] {
            let body = serde_json::to_string(value).unwrap();
            assert_eq!(
                detail::<u64>(&body).as_deref(),
                Some("invalid type: string, expected u64")
            );
            assert_eq!(
                detail::<Kind>(&body).as_deref(),
                Some("unknown variant, expected one of `meter`, `tracker`, `lamp`")
            );
            assert_eq!(
                detail::<Never>(&body).as_deref(),
                Some("unknown variant, there are no variants")
            );
        }
    }

    #[test]
    fn law_10_a_reason_in_other_words_than_serdes_is_dropped() {
        assert_eq!(detail::<Talkative>(r#""hush""#), None);
        assert_eq!(detail::<Either>(r#""hush""#), None);
        assert_eq!(detail::<u64>(r#""hush at line 1 column 2""#), None);
        assert_eq!(detail::<Wrapping<u8>>(r#""hush""#), None);
        assert_eq!(detail::<Wrapping<u8>>(r#"", expected hush""#), None);
        assert_eq!(detail::<Wrapping<Kind>>(r#""hush""#), None);
        for reason in [
            "hush",
            "hush, expected hush",
            "invalid hush: string \"hush\", expected u64",
            "invalid type: hush, expected u64",
            "invalid type: integer 7, expected u64",
            "invalid length hush, expected u64",
            "missing field `hu`sh`",
            "missing field `hush",
            "unknown variant hush, expected u64",
            "unknown variant `hush`",
            "unknown variant `hush`, expected hush",
        ] {
            assert_eq!(without_values(reason), None, "{reason}");
        }
    }

    /// The words of a response, each long enough to be found wherever it shows.
    fn words() -> impl Strategy<Value = Vec<String>> {
        vec("[A-Z]{16}", 1..5)
    }

    /// A text of these words, parted by what serde writes around a value.
    fn text(words: &[String], parts: &[&str]) -> String {
        let parted = words.iter().zip(parts.iter().cycle());
        parted
            .map(|(word, part)| [part, &**word, part].concat())
            .collect()
    }

    fn parts() -> impl Strategy<Value = Vec<&'static str>> {
        let part = select(vec![
            "",
            " ",
            "\"",
            "`",
            "\\",
            ", expected ",
            "`, expected ",
            "\", expected ",
            "`, expected `",
            "`, there are no variants",
            "`, there are no fields",
            " at line 1 column 1",
            "missing field `",
            "invalid type: ",
            "string \"",
            "\r\n\u{0}\u{e9}\u{1f680}",
        ]);
        vec(part, 4)
    }

    proptest! {
        #[test]
        fn law_10_no_value_from_a_response_is_shown(words in words(), parts in parts()) {
            let text = text(&words, &parts);
            let value = Value::from(&*text);
            let as_value = value.to_string();
            let as_field = serde_json::json!({ &*text: 1, "kind": "meter" }).to_string();
            let as_kind = serde_json::json!({ "kind": value }).to_string();
            let as_lines = serde_json::json!({ "_lines": value, "kind": "meter" }).to_string();
            let as_tag = serde_json::json!({ &*text: {} }).to_string();
            let as_json = Value::from(&*as_value).to_string();
            for error in [
                invalid::<u64>(&as_value),
                invalid::<f64>(&as_value),
                invalid::<bool>(&as_value),
                invalid::<char>(&as_value),
                invalid::<()>(&as_value),
                invalid::<Vec<u8>>(&as_value),
                invalid::<BTreeMap<String, u8>>(&as_value),
                invalid::<IpAddr>(&as_value),
                invalid::<Kind>(&as_value),
                invalid::<Kind>(&as_tag),
                invalid::<Never>(&as_value),
                invalid::<Either>(&as_value),
                invalid::<Device>(&as_value),
                invalid::<Device>(&as_field),
                invalid::<Device>(&as_kind),
                invalid::<Device>(&as_lines),
                invalid::<Nothing>(&as_field),
                invalid::<Talkative>(&as_value),
                invalid::<Wrapping<u8>>(&as_value),
                invalid::<Wrapping<Kind>>(&as_value),
                invalid::<Nested>(&as_json),
                serde_json::from_value::<u64>(value.clone()).unwrap_err().into(),
            ] {
                let shown = format!("{error} {error:?} {error:#?}");
                for word in &words {
                    prop_assert!(!shown.contains(word.as_str()), "{}", shown);
                }
            }
        }

        #[test]
        fn law_10_no_number_from_a_response_is_shown(
            whole in 1_000_000_000_000_000_000..=u64::MAX,
            fraction in 1e200..1e300f64,
        ) {
            let (whole, fraction) = (whole.to_string(), format!("{fraction:?}"));
            for error in [
                invalid::<u8>(&whole),
                invalid::<String>(&whole),
                invalid::<Kind>(&whole),
                invalid::<u8>(&fraction),
                invalid::<Device>(&fraction),
            ] {
                let shown = format!("{error} {error:?}");
                let mantissa = fraction.split('e').next().unwrap_or_default();
                prop_assert!(!shown.contains(&whole) && !shown.contains(mantissa), "{}", shown);
            }
        }
    }
}
