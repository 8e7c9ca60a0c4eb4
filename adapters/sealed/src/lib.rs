#![doc = include_str!("../README.md")]

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
