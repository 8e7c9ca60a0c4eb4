//! Callbacks: whose are accepted, what is read of them, what is never shown, and which are
//! told as sent again.

#![cfg(test)]
#![cfg(feature = "connectivity")]

mod duplicates;
mod listener;
mod messages;
mod mutations;
mod properties;
mod secrets;
mod stage;
