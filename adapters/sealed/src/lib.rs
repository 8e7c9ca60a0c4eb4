#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod content;
mod error;
mod key;
mod key_id;
mod keyring;
mod keys;
mod store;

pub use self::{
    error::SealError,
    key::{InvalidKey, SealingKey},
    key_id::KeyId,
    keyring::{InvalidKeyring, Keyring},
    keys::{KeyFileError, KeyFileProblem, Keys},
    store::Sealed,
};
