//! The session machine of `thingspace-core` against the whole service, in
//! memory and in virtual time: what one says, the other must understand.
#![cfg(test)]

mod faults;
mod life;
mod outages;
mod schedules;
mod sharing;
mod world;
