//! Stories of a client, and what is recorded of them.

#![cfg(test)]
// What is compared are whole numbers.
#![allow(clippy::float_cmp)]

mod labels;
mod logins;
mod requests;
mod stores;
mod story;
mod waits;
