#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod connection;
mod fault;
mod script;

pub use self::address::{AddressError, Redis};
pub use thingspace_remote::{Limits, Problem, RemoteError, RemoteStore};
