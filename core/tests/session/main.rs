//! The machine in virtual time: one file for each subject, all played on the
//! same [`scenario`].

#![cfg(test)]
// A test crate has no outside: `pub` marks the vocabulary of the stories, which is
// one for all files.
#![allow(unreachable_pub, clippy::unnecessary_wraps, clippy::wildcard_imports)]

mod bearer_only;
mod clocks;
mod cooldown;
mod deadline;
mod errors;
mod events;
mod expiry;
mod guard;
mod limits;
mod log_in_out;
mod observer;
mod operation;
mod origin;
mod register;
mod replay;
mod requests;
mod reset;
mod retry;
mod scenario;
mod secrets;
mod shared;
mod snapshot;
mod store;
mod unnamed;
