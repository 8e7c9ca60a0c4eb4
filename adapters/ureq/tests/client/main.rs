//! The blocking client over real sockets, against the simulator: one file for
//! each subject, all told on the same [`stage`].

#![cfg(test)]
// A test crate has no outside: `pub` marks what the stories are told with.
#![allow(unreachable_pub)]

mod agents;
mod faults;
mod guard;
mod limits;
mod observers;
mod redirects;
mod session;
mod sharing;
mod stage;
mod transport;
