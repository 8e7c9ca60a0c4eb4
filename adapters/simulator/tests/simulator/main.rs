//! The simulated service in memory, with the time as a parameter.
#![cfg(test)]

mod anything;
mod bearer;
mod callbacks;
mod calls;
mod changes;
mod devices;
mod examples;
mod faults;
mod gateway;
mod groups;
mod histories;
mod login;
mod messages;
mod requests;
mod reset;
mod service;
mod session;
mod states;
