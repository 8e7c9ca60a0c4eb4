//! The machine in virtual time: one file for each subject, all told on the
//! same [`scenario`].

// A test crate has no outside; `pub` marks what the stories are told with. A
// story that fails says so by panicking.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unnecessary_wraps,
    clippy::wildcard_imports
)]

mod flight;
mod guard;
mod scenario;
