//! Stories of a client, and what is recorded of them.

#![cfg(test)]

mod labels;
mod logins;
mod requests;
mod stores;
mod story;
mod waits;
