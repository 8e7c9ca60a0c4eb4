//! The machine in virtual time: one file for each subject, all told on the
//! same [`scenario`].

#![cfg(test)]
// A test crate has no outside: `pub` marks what the stories are told with, and
// all of it is told with one vocabulary.
#![allow(unreachable_pub, clippy::unnecessary_wraps, clippy::wildcard_imports)]

mod brake;
mod deadline;
mod events;
mod expiry;
mod flight;
mod guard;
mod limits;
mod log_in_out;
mod observers;
mod origin;
mod replay;
mod reset;
mod retry;
mod scenario;
mod secrets;
mod snapshot;
mod store;
