//! The cost of the proxy: what it adds to a call of a program in Rust and to one of
//! Verizon's Python SDK, the memory of its process, and how a crowd gets through one
//! login.
//!
//! ```text
//! .ci/sdk
//! cargo bench -p thingspace-bench --features proxy --bench proxy
//! cargo bench -p thingspace-bench --features proxy --bench proxy -- calls --rounds 5
//! cargo bench -p thingspace-bench --features proxy --bench proxy -- record    # and writes the tables in README.md
//! cargo bench -p thingspace-bench --features proxy --bench proxy -- --test
//! ```
//!
//! The first command puts the SDK into the target directory; without it, its rows are not
//! measured. The bench builds `thingspace` for release, and starts `thingspace proxy` as
//! an operator does, before a simulated ThingSpace in this process. With `--test` it runs
//! one short round of each part with a debug build, to see that it still runs.
//!
//! It fails if a crowd makes more than one login (`expired`).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod calls;
mod clients;
#[path = "../command_line.rs"]
mod command_line;
mod expired;
mod memory;
#[path = "../options.rs"]
mod options;
#[path = "../page.rs"]
mod page;
mod process;
mod sdk;

use std::env;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use thingspace_core::{AppCredentials, Credentials, SessionBuilder, UserCredentials};
use thingspace_simulator::{Server, Simulator};

use crate::{options::Options, process::Program};

/// The call that all make, below the base address.
const CALL: &str = "/m2m/v1/accounts/0000123456-00001";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    allow_files();
    match arguments[..] {
        ["crowd", address, calls] => expired::run_crowd(address, calls.parse().unwrap()),
        _ => {
            // Run as a test, it has nothing to say.
            if let Some(options) = Options::of_bench(15) {
                let is_short = arguments.contains(&"--test");
                show(&options, if is_short { Size::Short } else { Size::Full });
            }
        }
    }
}

fn show(options: &Options, size: Size) {
    let program = Program::build(size);
    let rounds = size.pick(options.rounds, 1);
    let parts: [(&str, &dyn Fn() -> String); 3] = [
        ("calls", &|| calls::table(&program, size, rounds)),
        ("memory", &|| memory::table(&program, size)),
        ("expired", &|| expired::table(&program, size)),
    ];
    for (name, table) in parts {
        if options.wants(name, &parts.map(|(name, _)| name)) {
            page::show(&format!("proxy {name}"), &table(), options.records);
        }
    }
}

/// The size of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    /// One that gives figures.
    Full,
    /// One that shows that all of it runs.
    Short,
}

impl Size {
    const fn pick<T: Copy>(self, full: T, short: T) -> T {
        match self {
            Self::Full => full,
            Self::Short => short,
        }
    }
}

/// Allows this process, and all that it starts, as many open files as it may have.
fn allow_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

/// A service that all contenders call, each with a session of its own.
fn service() -> Server {
    Server::start(Simulator::new(42).sessions_replace_each_other(false)).unwrap()
}

/// A session that contenders in this process use.
fn session(server: &Server) -> SessionBuilder {
    let credentials = Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap(),
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD).unwrap(),
    );
    SessionBuilder::new(credentials).environment(server.base().parse().unwrap())
}

/// The one at this part of all, from 0 (the least) to 1 (the greatest).
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a short list"
    )]
    let place = (last as f64 * part).round() as usize;
    values.get(place).copied().unwrap_or_default()
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(&mut values.into_iter().collect::<Vec<_>>(), 0.5)
}
