#![doc = include_str!("../README.md")]
#![cfg(target_os = "linux")]
// What can't be started fails the test that needs it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

mod certificate;
mod link;
mod port;
mod postgres;
mod process;
mod redis;
mod watchdog;

pub use self::{link::Link, postgres::Postgres, redis::Redis};

/// The password of every server. No message may ever show it.
pub const PASSWORD: &str = "swordfish-0815";
