//! Laws that hold for whatever comes in, and whatever goes out.
#![cfg(test)]

mod answers;
mod requests;
