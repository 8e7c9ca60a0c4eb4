//! The API's error codes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest text that is read as an error code, in bytes (our choice; the
/// documented codes stay below 100).
pub const MAX_CODE_LENGTH: usize = 256;

/// The API's error code: `<Service>.<CLASS>.<Specific>`.
///
/// Several services return the same code, so compare without the service's
/// name (Verizon's advice): that is what [`is`](Self::is) does.
///
/// ```
/// use thingspace_core::response::{Class, ErrorCode};
///
/// let code = ErrorCode::read("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired").unwrap();
/// assert_eq!(code.service(), Some("UnifiedWebService"));
/// assert_eq!(code.class(), Some(Class::RequestFailed));
/// assert_eq!(code.specific(), "SessionToken.Expired");
/// assert!(code.is("REQUEST_FAILED.SessionToken.Expired"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Takes a code as the service sent it. Blanks around it are not of the code.
    ///
    /// Returns `None` if it is empty, longer than [`MAX_CODE_LENGTH`] or not
    /// plain ASCII without spaces.
    pub fn read(code: &str) -> Option<Self> {
        let code = code.trim();
        is_plain(code).then(|| Self(code.to_owned()))
    }

    /// The whole code, with the service's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The service that refused, if the code names one.
    pub fn service(&self) -> Option<&str> {
        let (service, _) = Class::find(&self.0)?;
        let name = self.0.get(..service)?.trim_end_matches('.');
        (!name.is_empty()).then_some(name)
    }

    /// The class of the refusal, if the code names one.
    pub fn class(&self) -> Option<Class> {
        Class::find(&self.0).map(|(_, class)| class)
    }

    /// The part after the class; the whole code if it has no class.
    pub fn specific(&self) -> &str {
        let rest = self.without_service();
        match self.class() {
            Some(_) => rest.split_once('.').map_or("", |(_, specific)| specific),
            None => rest,
        }
    }

    /// The code without the service's name; the whole code if it has no class.
    pub fn without_service(&self) -> &str {
        without_service(&self.0)
    }

    /// Returns true if this is `code`, whichever services the two are from and
    /// whatever case they are in.
    pub fn is(&self, code: &str) -> bool {
        self.without_service()
            .eq_ignore_ascii_case(without_service(code))
    }

    /// The words of the code without the service's name, in lower case: cut at what is no
    /// letter and at changes of case.
    ///
    /// A code without a class has no place for a service; there, what comes first and
    /// ends with `Service` is one.
    pub(super) fn words(&self) -> Vec<String> {
        let mut specific = self.specific();
        if let (None, Some((first, rest))) = (self.class(), specific.split_once('.')) {
            if first.to_ascii_lowercase().ends_with("service") {
                specific = rest;
            }
        }
        let mut words = vec![String::new()];
        let mut before = '.';
        let mut letters = specific.chars().peekable();
        while let Some(c) = letters.next() {
            let next_is_small = letters.peek().is_some_and(char::is_ascii_lowercase);
            let begins = c.is_ascii_uppercase()
                && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && next_is_small);
            if begins || !c.is_ascii_alphabetic() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphabetic()) {
                word.push(c.to_ascii_lowercase());
            }
            before = c;
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// The parts between the dots.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::read(&code).ok_or("not an error code")
    }
}

/// The class of an [`ErrorCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// `INPUT_INVALID`: something in the request is wrong.
    InputInvalid,
    /// `REQUEST_FAILED`: the request was right and could not be done.
    RequestFailed,
    /// `REQUEST_ONHOLD`: the request waits for something.
    RequestOnHold,
    /// `REQUEST_CANCELLED`: the request was cancelled.
    RequestCancelled,
}

impl Class {
    const NAMES: [(&'static str, Self); 4] = [
        ("INPUT_INVALID", Self::InputInvalid),
        ("REQUEST_FAILED", Self::RequestFailed),
        ("REQUEST_ONHOLD", Self::RequestOnHold),
        ("REQUEST_CANCELLED", Self::RequestCancelled),
    ];

    /// Finds the first segment of `code` that is a class, and its position.
    fn find(code: &str) -> Option<(usize, Self)> {
        let mut start = 0;
        for segment in code.split('.') {
            for (name, class) in Self::NAMES {
                if segment.eq_ignore_ascii_case(name) {
                    return Some((start, class));
                }
            }
            start += segment.len() + 1;
        }
        None
    }
}

/// Returns true if a text may be an error code: visible ASCII of no more than
/// [`MAX_CODE_LENGTH`] bytes.
pub(super) fn is_plain(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= MAX_CODE_LENGTH
        && code.bytes().all(|byte| byte.is_ascii_graphic())
}

fn without_service(code: &str) -> &str {
    Class::find(code)
        .and_then(|(start, _)| code.get(start..))
        .unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_cut_into_words() {
        for (code, words) in [
            ("S.INPUT_INVALID.OldPassword.Bad", "old password bad"),
            ("INPUT_INVALID.Log_In-failed2times", "log in failed times"),
            ("REQUEST_FAILED.USER.NOTFOUND", "user notfound"),
            ("REQUEST_FAILED.userNotFOUND", "user not found"),
            ("REQUEST_FAILED.USERNotFound", "user not found"),
            ("REQUEST_FAILED.BadLOGIN", "bad login"),
            ("UserService.REQUEST_FAILED.Timeout", "timeout"),
            ("LoginService.Unavailable", "unavailable"),
            ("LoginService", "login service"),
            ("Some.Thing", "some thing"),
            ("REQUEST_FAILED", ""),
            ("REQUEST_FAILED.42", ""),
        ] {
            let code = ErrorCode::read(code).unwrap();
            assert_eq!(code.words().join(" "), words, "{code}");
        }
    }

    #[test]
    fn a_code_is_compared_without_its_service() {
        let code = ErrorCode::read("A.B.INPUT_INVALID.SessionToken.Invalid").unwrap();
        assert_eq!(code.as_str(), "A.B.INPUT_INVALID.SessionToken.Invalid");
        assert_eq!(code.service(), Some("A.B"));
        assert_eq!(code.class(), Some(Class::InputInvalid));
        assert_eq!(code.specific(), "SessionToken.Invalid");
        assert!(code.is("input_invalid.SessionToken.Invalid"));
        assert!(!code.is("INPUT_INVALID.SessionToken"));

        let bare = ErrorCode::read("REQUEST_ONHOLD").unwrap();
        assert_eq!((bare.service(), bare.specific()), (None, ""));
        let other = ErrorCode::read("Some.Thing").unwrap();
        assert_eq!((other.class(), other.specific()), (None, "Some.Thing"));
    }
}
