//! The blocking client over real sockets, against the simulator: the scenarios of
//! all clients, and one file for each subject of its own.

#![cfg(test)]
// Some scenarios need TLS.
#![cfg(feature = "rustls")]

mod agents;
mod blocking;
mod connections;
mod established;
mod redirected;

use self::blocking::Blocking;

thingspace_scenarios::all!(Blocking);
