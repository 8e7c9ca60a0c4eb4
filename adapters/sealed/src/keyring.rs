//! The keys of a sealed store.

use std::{iter, str::FromStr};

use thiserror::Error;

use crate::{KeyId, SealingKey};

/// The keys of a sealed store: the current one, which every save seals with, and others
/// that are still, or already, accepted on load.
///
/// As text it is one key a line, the current one first. Empty lines, and lines that begin
/// with `#`, are skipped.
#[derive(Clone, Debug)]
#[doc(alias = "rotation")]
pub struct Keyring {
    current: SealingKey,
    others: Vec<SealingKey>,
}

impl Keyring {
    /// The keyring of this key alone.
    pub const fn new(current: SealingKey) -> Self {
        Self {
            current,
            others: Vec::new(),
        }
    }

    /// Accepts what was sealed with this key, too.
    #[must_use]
    pub fn accept(mut self, other: SealingKey) -> Self {
        self.others.push(other);
        self
    }

    /// The key that every save seals with.
    pub const fn current(&self) -> &SealingKey {
        &self.current
    }

    /// The names of all keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(SealingKey::id)
    }

    /// The key of this name.
    pub(crate) fn find(&self, id: KeyId) -> Option<&SealingKey> {
        self.keys().find(|key| key.id() == id)
    }

    fn keys(&self) -> impl Iterator<Item = &SealingKey> {
        iter::once(&self.current).chain(&self.others)
    }
}

impl From<SealingKey> for Keyring {
    fn from(current: SealingKey) -> Self {
        Self::new(current)
    }
}

impl FromStr for Keyring {
    type Err = InvalidKeyring;

    fn from_str(text: &str) -> Result<Self, InvalidKeyring> {
        let is_key = |line: &str| !line.is_empty() && !line.starts_with('#');
        let mut keyring: Option<Self> = None;
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if !is_key(line) {
                continue;
            }
            let key = line.parse();
            let key = key.map_err(|_| InvalidKeyring::Line(number))?;
            keyring = Some(match keyring {
                None => Self::new(key),
                Some(keyring) => keyring.accept(key),
            });
        }
        keyring.ok_or(InvalidKeyring::Empty)
    }
}

/// The error of a text that is no keyring. It repeats nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidKeyring {
    /// There is no key in it.
    #[error("there is no key in it; make one with: openssl rand -hex 32")]
    Empty,
    /// The line of this number is no key. The first one is 1.
    #[error(
        "line {0} is no key: a key is 64 hex digits, or the base64 of 32 bytes; make one with: openssl rand -hex 32"
    )]
    Line(usize),
}
