#![doc = include_str!("../README.md")]

mod builder;
mod connecting;
mod names;
mod runtime;
mod send;

pub use self::{builder::Builder, connecting::Connecting, runtime::Threads, send::agent};
pub use thingspace_driver::{Config, core};
pub use ureq;

/// A blocking ThingSpace client over ureq. A [`Builder`] builds it.
pub type Client = thingspace_driver::blocking::Client<Threads>;
