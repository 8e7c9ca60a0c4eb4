#![doc = include_str!("../README.md")]

pub mod blocking;
mod client;
mod clock;
mod config;
mod exchange;
mod on_thread;
mod runtime;
mod shared;

pub use self::{
    client::Client,
    config::Config,
    on_thread::OnThread,
    runtime::{Operating, Runtime},
};
pub use event_listener;
pub use thingspace_core as core;
