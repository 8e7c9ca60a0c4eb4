//! Laws that hold for all that comes in, and all that goes out.
#![cfg(test)]

mod paths;
mod requests;
mod responses;
mod slips;
