//! Reading back fields that may hold nothing: those that must be there, and those that
//! are left out then.

use serde::{Deserialize, Deserializer};

/// Reads a field that may hold nothing, but must be there: serde takes one that is
/// missing for nothing, and the login guard would open because a store lost the
/// reason why it was blocked.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Reads a field that is left out where it would hold nothing. One that says that it
/// holds nothing was not written by a session.
pub(super) fn whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
