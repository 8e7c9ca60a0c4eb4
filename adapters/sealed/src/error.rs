//! The reasons why a session is not sealed or opened.

use std::error::Error as StdError;

use thingspace_core::StoreError;
use thiserror::Error;

use crate::key_id::{KeyId, list};

/// The error of a [`Sealed`](crate::Sealed) store: what it holds is refused, or nothing was
/// sealed. What is saved is as it was.
///
/// It shows no key and nothing of a session. A store reports it as the source of a
/// [`StoreError`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The saved session is not sealed.
    #[error(
        "the saved session is not sealed, and is left as it is; if it is from before sealing began, open the store once with accept_unsealed; otherwise find out who has saved it, since whoever may read the store has its tokens"
    )]
    NotSealed,
    /// The saved session is sealed with a key that is not here.
    #[error(
        "the saved session is sealed with the key {needed}, and is left as it is; the keys here are {}; add the one that is needed; if it is lost, move the saved session away, which forgets its session and its count of failed logins",
        list(known)
    )]
    UnknownKey {
        /// The key that is needed.
        needed: KeyId,
        /// The keys that are here, the current one first.
        known: Vec<KeyId>,
    },
    /// The seal does not hold: the content, its revision or its time was changed.
    #[error(
        "the saved session is damaged or was tampered with, and is left as it is: its seal of the key {key} does not hold; find out who changed it, restore it or move it away, which forgets its session and its count of failed logins"
    )]
    Broken {
        /// The key that it names.
        key: KeyId,
    },
    /// The sealed content is not in the format of this version.
    #[error(
        "the saved session is sealed in a format that is unknown here, or damaged, and is left as it is; use the version that wrote it, or move it away, which forgets its session and its count of failed logins"
    )]
    Format,
    /// What was sealed is no session that can be read.
    #[error(
        "what was sealed is no session that can be read, and is left as it is; use the version that wrote it, or move it away, which forgets its session and its count of failed logins"
    )]
    NoSession(#[source] serde_json::Error),
    /// The keys can't be had.
    #[error("the keys of the sealed store can't be had, so nothing is loaded or saved")]
    Keys(#[source] Box<dyn StdError + Send + Sync>),
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers, so nothing is sealed")]
    Random(#[source] Box<dyn StdError + Send + Sync>),
    /// The session could not be written or encrypted.
    #[error("the session could not be sealed, so it is not saved")]
    Sealing(#[source] Box<dyn StdError + Send + Sync>),
}

impl SealError {
    pub(crate) fn random(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Random(error.into())
    }

    pub(crate) fn sealing(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Sealing(error.into())
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self::new(error)
    }
}
