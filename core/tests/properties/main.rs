//! Laws that hold for all that comes in, and all that goes out.
#![cfg(test)]

mod requests;
mod responses;
