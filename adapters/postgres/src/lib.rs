#![doc = include_str!("../README.md")]

mod address;
mod connection;
mod tls;

pub use self::address::{AddressError, Postgres};
pub use thingspace_remote::{Limits, Problem, RemoteError, RemoteStore};
