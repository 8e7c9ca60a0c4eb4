//! The program itself, against the simulator on a loopback port: what it says,
//! what it ends with, and what it leaves behind.

#![cfg(test)]

mod call;
mod credentials;
mod crowd;
mod help;
mod killed;
mod log_in_out;
mod rearm;
mod reset;
mod simulate;
mod stage;
mod state;
mod status;
#[cfg(feature = "tools")]
mod stepped;
#[cfg(feature = "tools")]
mod terminal;
