//! The simulated service in memory, with the time as a parameter.
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
