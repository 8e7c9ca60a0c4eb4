#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod blocking;
mod client;
mod clock;
mod config;
mod env;
mod exchange;
#[cfg(feature = "connectivity")]
mod following;
#[cfg(feature = "connectivity")]
mod mailbox;
mod on_thread;
#[cfg(feature = "connectivity")]
mod paging;
mod runtime;
mod shared;

pub use self::{
    client::Client,
    config::Config,
    env::{EnvError, session_from_env},
    on_thread::OnThread,
    runtime::{Operating, Runtime},
};
#[cfg(feature = "connectivity")]
pub use self::{mailbox::Mailbox, paging::Items};
pub use event_listener;
#[cfg(feature = "connectivity")]
pub use futures_lite::Stream;
pub use thingspace_core::{self as core, bytes, http};
