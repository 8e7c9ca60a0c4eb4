#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod exchange;
mod shared;

pub use self::{
    config::Config,
    exchange::{Ended, Started, caught},
    shared::Shared,
};
pub use thingspace_core as core;
