#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "An async ThingSpace client on any stack and runtime: see [`Client`]."
)]

mod builder;
mod client;
#[cfg(feature = "tokio")]
mod pooled;
mod runtime;
mod send;

#[cfg(feature = "tokio")]
pub use self::{
    builder::Ready,
    pooled::{Connector, Pooled},
};
pub use self::{
    builder::{Builder, Own},
    client::Client,
    send::Stack,
};
pub use hyper;
pub use thingspace_driver::{Config, Operating, core};
