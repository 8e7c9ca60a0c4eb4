#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod connection;

pub use self::address::{AddressError, Postgres};
pub use thingspace_remote::{Limits, Problem, RemoteError, RemoteStore};
