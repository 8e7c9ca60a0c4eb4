//! The async client over real sockets, against the simulator: the scenarios of all
//! clients, and one file for each subject of its own.

#![cfg(test)]
#![cfg(feature = "tokio")]

mod asynchronous;
mod boxed;
mod cancel;
mod crowd;
mod executors;
mod files;
mod frames;
mod http2;
mod keepers;
mod memory;
mod over;
mod stacks;
mod stalls;
mod timers;

use self::asynchronous::Waiting;

thingspace_scenarios::all!(Waiting);
