//! Values from sets that the service may add to.

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::json::FromJson;

/// A value from a set of which some values are known. Any other is as good, and is kept
/// as it came.
///
/// Two are equal if they differ in the case of ASCII letters only: the service and its
/// documentation spell the same value in several ways.
///
/// ```
/// use thingspace_core::model::DeviceIdKind;
///
/// assert_eq!(DeviceIdKind::from("iccId"), DeviceIdKind::ICCID);
/// assert_eq!(DeviceIdKind::from("iccId").as_str(), "iccId");
/// assert_ne!(DeviceIdKind::from("serial"), DeviceIdKind::ICCID);
/// ```
pub struct Term<S> {
    text: Cow<'static, str>,
    set: PhantomData<fn() -> S>,
}

impl<S> Term<S> {
    /// A value that is known by this name.
    pub(super) const fn known(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            set: PhantomData,
        }
    }

    /// The value as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<S> From<String> for Term<S> {
    fn from(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            set: PhantomData,
        }
    }
}

impl<S> From<&str> for Term<S> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// An empty value, which is none of the known.
impl<S> Default for Term<S> {
    fn default() -> Self {
        Self::known("")
    }
}

impl<S> FromJson for Term<S> {
    fn from_json(json: Value) -> Result<Self, Value> {
        String::from_json(json).map(Self::from)
    }
}

impl<S> Serialize for Term<S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<S> PartialEq for Term<S> {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl<S> Eq for Term<S> {}

impl<S> Hash for Term<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.text.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl<S> Clone for Term<S> {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            set: PhantomData,
        }
    }
}

impl<S> fmt::Debug for Term<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<S> fmt::Display for Term<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::model::DeviceIdKind;

    #[test]
    fn a_term_is_found_again_in_any_case_and_kept_as_it_came() {
        let seen = HashSet::from([DeviceIdKind::from("Imei"), DeviceIdKind::from("iccId")]);
        assert!(seen.contains(&DeviceIdKind::IMEI));
        assert!(seen.contains(&DeviceIdKind::ICCID));
        assert!(!seen.contains(&DeviceIdKind::MDN));
        let shown = format!("{0} {0:?}", DeviceIdKind::from("iccId"));
        assert_eq!(shown, "iccId \"iccId\"");
    }
}
