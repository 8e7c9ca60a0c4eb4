#![doc = include_str!("../README.md")]
// A panic is how a target says that a law is broken.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

mod answer;
mod bearer_token;
mod log_in;
mod log_out;
mod machine;
mod object;
mod refusal;
mod request;
mod reset_password;
mod simulator;
mod snapshot;
mod text;
mod wire;

pub use self::{
    bearer_token::bearer_token, log_in::log_in, log_out::log_out, machine::machine,
    refusal::refusal, request::request, reset_password::reset_password, simulator::simulator,
    snapshot::snapshot,
};

/// What is done with one input. Panics if a law is broken.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its corpus.
pub const TARGETS: [(&str, Target); 9] = [
    ("bearer_token", bearer_token),
    ("log_in", log_in),
    ("log_out", log_out),
    ("machine", machine),
    ("refusal", refusal),
    ("request", request),
    ("reset_password", reset_password),
    ("simulator", simulator),
    ("snapshot", snapshot),
];

/// The program of a target: run by libFuzzer, or, in an ordinary build, one that
/// does it with each file that it is given.
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
