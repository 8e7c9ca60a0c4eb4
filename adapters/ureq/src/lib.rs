#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod connecting;
mod names;
mod runtime;
mod send;

pub use self::{
    builder::{Builder, Ready},
    runtime::Threads,
    send::{agent, agent_with_parts},
};
#[cfg(feature = "rustls")]
pub use rustls;
#[cfg(feature = "connectivity")]
pub use thingspace_driver::Mailbox;
pub use thingspace_driver::{Config, EnvError, bytes, core, http, session_from_env};
pub use ureq;

/// A blocking ThingSpace client over ureq. A [`Builder`] builds it.
pub type Client = thingspace_driver::blocking::Client<Threads>;

/// The items of a list that comes in pages: an iterator over them. A client's `items` begins
/// it.
#[cfg(feature = "connectivity")]
pub type Items<E> = thingspace_driver::blocking::Items<Threads, E>;
