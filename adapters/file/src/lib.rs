#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg(unix)]

mod draft;
mod error;
mod folder;
mod lock;
mod private;
mod store;

pub use self::{
    draft::Draft,
    error::{FileError, Problem},
    lock::Lock,
    private::read_private,
    store::{FileStore, MAX_STATE},
};
