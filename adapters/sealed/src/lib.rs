#![doc = include_str!("../README.md")]

mod content;
mod error;
mod key;
mod keyring;
mod keys;
mod store;

pub use self::{
    error::SealError,
    key::{InvalidKey, KeyId, SealingKey},
    keyring::{InvalidKeyring, Keyring},
    keys::{KeyFileError, KeyFileProblem, Keys},
    store::Sealed,
};
