#![doc = include_str!("../README.md")]

mod address;
mod connection;

pub use self::address::{AddressError, Postgres};
pub use thingspace_remote::{Limits, Problem, RemoteError, RemoteStore};
