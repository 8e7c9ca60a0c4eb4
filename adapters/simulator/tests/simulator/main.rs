//! What the simulated service does, in memory and with time fed in.
#![cfg(test)]

mod anything;
mod bearer;
mod devices;
mod faults;
mod gateway;
mod login;
mod reset;
mod service;
mod session;
