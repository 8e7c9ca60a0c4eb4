//! The machine beside a naive model of its laws: under random schedules, and
//! under every schedule of a small world.

#![cfg(test)]
// A test crate has no outside: `pub` marks what the files share. What the model
// knows of a call are plain facts, which hold or do not.
#![allow(unreachable_pub, clippy::struct_excessive_bools)]

mod explored;
mod model;
mod random;
mod regressions;
mod snapshots;
mod world;
