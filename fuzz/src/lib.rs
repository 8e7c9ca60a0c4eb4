#![doc = include_str!("../README.md")]
// A target reports a broken law by a panic.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

mod bearer_token;
mod callback;
mod connectivity;
mod history;
mod log_in;
mod log_out;
mod machine;
mod merge;
mod object;
mod refusal;
mod request;
mod reset_password;
mod response;
mod simulator;
mod snapshot;
mod text;
mod wire;

pub use self::{
    bearer_token::bearer_token, callback::callback, connectivity::connectivity, history::history,
    log_in::log_in, log_out::log_out, machine::machine, merge::merge, refusal::refusal,
    request::request, reset_password::reset_password, simulator::simulator, snapshot::snapshot,
};

/// A fuzz target: runs one input. Panics if a law is broken.
pub type Target = fn(&[u8]);

/// All targets, each with the name of its program and of its corpus.
pub const TARGETS: [(&str, Target); 13] = [
    ("bearer_token", bearer_token),
    ("callback", callback),
    ("connectivity", connectivity),
    ("history", history),
    ("log_in", log_in),
    ("log_out", log_out),
    ("machine", machine),
    ("merge", merge),
    ("refusal", refusal),
    ("request", request),
    ("reset_password", reset_password),
    ("simulator", simulator),
    ("snapshot", snapshot),
];

/// Defines the program of a target. libFuzzer runs it; in an ordinary build it runs
/// the target once for each file named on the command line.
#[macro_export]
macro_rules! program {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$target(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$target(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
