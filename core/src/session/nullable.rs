//! Reading back fields that may hold nothing but must be there.

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
