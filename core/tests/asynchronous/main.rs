//! Asynchronous requests, followed to their outcome without I/O.

#![cfg(test)]
#![cfg(feature = "connectivity")]

mod random;
mod stage;
mod stories;
