//! Many processes that share one session through a store, with Load and Save as
//! steps: judged by the laws, from the service's side and from what each process
//! can know.
//!
//! - [`world`]: processes with clocks of their own, a network, a store and a service
//!   that may each fail in every way, and the laws as assertions;
//! - [`stories`]: what must hold in situations that were seen;
//! - [`random`]: random schedules;
//! - [`explored`]: every schedule of a small world.

#![cfg(test)]
// A test crate has no outside: `pub` marks what the files share. What the service does
// are plain facts, which hold or do not.
#![allow(unreachable_pub, clippy::struct_excessive_bools)]

mod explored;
mod known;
mod random;
mod service;
mod store;
mod stories;
mod world;

use std::time::Duration;

/// A second, in milliseconds.
pub const SECOND: u64 = 1000;
/// A minute.
pub const MINUTE: u64 = 60 * SECOND;
/// An hour.
pub const HOUR: u64 = 60 * MINUTE;

/// So many milliseconds.
pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
