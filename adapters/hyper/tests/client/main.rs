//! The async client over real sockets, against the simulator: the scenarios that
//! every client is held to, and one file for each subject of its own.

#![cfg(test)]
#![cfg(feature = "tokio")]

mod asynchronous;
mod cancel;
mod crowd;
mod http2;
mod memory;
mod over;
mod stacks;
mod stalls;
mod timers;

use self::asynchronous::Waiting;

thingspace_scenarios::all!(Waiting);
