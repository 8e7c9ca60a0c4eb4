#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod connecting;
mod names;
mod runtime;
mod send;

pub use self::{builder::Builder, client::Client, connecting::Connecting, send::agent};
pub use thingspace_driver::{Config, core};
pub use ureq;
