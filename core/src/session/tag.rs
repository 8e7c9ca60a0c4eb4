//! Tags of passwords: enough to know a password again, and useless to guess it.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::Password;

/// A tag of a password: 16 bits of a hash that is keyed with a session's salt.
///
/// It may stand in a snapshot. 65,535 of 65,536 other passwords have another one,
/// and whoever sees it learns 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tag(u16);

impl Tag {
    /// The tag of the password of a session; that of a session without one is 0.
    pub(super) fn of_any(password: Option<&Password>, salt: u64) -> Self {
        password.map_or_else(Self::default, |password| Self::of(password, salt))
    }

    pub(super) fn of(password: &Password, salt: u64) -> Self {
        let mut hasher = SipHasher13::new_with_keys(salt, 0);
        hasher.write(password.expose().as_bytes());
        let [low, high, ..] = hasher.finish().to_le_bytes();
        Self(u16::from_le_bytes([low, high]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tag of `IMgr8` by the salt 7. Another one would forget what was refused.
    const TAG: Tag = Tag(5742);

    #[test]
    fn a_tag_is_the_same_in_every_build() {
        let password = Password::new("IMgr8").unwrap();
        assert_eq!(Tag::of(&password, 7), TAG);
        assert_ne!(Tag::of(&password, 7), Tag::of(&password, 8));
        let other = Password::new("IMgr9").unwrap();
        assert_ne!(Tag::of(&password, 7), Tag::of(&other, 7));
    }

    #[test]
    fn law_10_a_tag_tells_no_more_than_16_bits() {
        let saved = serde_json::to_string(&TAG).unwrap();
        assert_eq!(serde_json::from_str::<Tag>(&saved).unwrap(), TAG);
        assert!(serde_json::from_str::<Tag>("65536").is_err());
        // Of many passwords, some have the same one.
        let tags = (0..2000).map(|number| {
            let password = Password::new(format!("password {number}")).unwrap();
            Tag::of(&password, 7)
        });
        let distinct: std::collections::HashSet<_> = tags.collect();
        assert!((1900..2000).contains(&distinct.len()), "{}", distinct.len());
    }
}
