//! The proxy over real sockets, before a simulated ThingSpace.

#![cfg(test)]

mod clients;
mod crowd;
mod faults;
mod local;
mod operation;
mod passing;
mod rules;
mod scenarios;
mod stage;
mod streaming;
