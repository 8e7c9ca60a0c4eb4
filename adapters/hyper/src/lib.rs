#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "An async ThingSpace client on any stack and runtime: see [`Builder`]."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
#[cfg(feature = "tokio")]
mod connector;
mod error;
#[cfg(feature = "tokio")]
mod pooled;
mod runtime;
mod send;
mod streamed;

#[cfg(feature = "tokio")]
pub use self::{builder::Ready, pooled::Pooled};
pub use self::{
    builder::{Builder, Own},
    send::Stack,
    streamed::Streamed,
};
pub use http_body_util;
pub use hyper;
#[cfg(feature = "tokio")]
pub use rustls;
pub use thingspace_driver::{
    Config, EnvError, OnThread, Operating, bytes, core, http, session_from_env,
};
#[cfg(feature = "connectivity")]
pub use thingspace_driver::{Mailbox, Stream};
pub use tower_service;

/// An async ThingSpace client on a stack of hyper's, or on any other. A [`Builder`]
/// builds it.
pub type Client<S> = thingspace_driver::Client<Own<S>>;

/// The items of a list that comes in pages: a [`Stream`] of them. A client's `items` begins
/// it.
#[cfg(feature = "connectivity")]
pub type Items<S, E> = thingspace_driver::Items<Own<S>, E>;
