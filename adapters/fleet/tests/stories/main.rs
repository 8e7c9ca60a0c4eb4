//! Stories of fleets: many processes, of two HTTP stacks, that share one session through a
//! real server, which fails.
//!
//! Each process is this program itself. The service is simulated by the test's own process,
//! which is the witness of what reaches it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by failing"
)]

mod chain;
mod clocks;
mod crowd;
mod failover;
mod fleet;
mod killed;
mod messages;
mod place;
mod stopped;
mod time;
mod unreachable;
mod worker;

use std::{env, panic, process::ExitCode, time::Instant};

use self::fleet::StoreKind::{self, File, Postgres, Redis};

/// The argument of a worker.
const WORKER: &str = "--worker";

/// A story: its name, the kinds of store that it is told of, and what it returns to say in
/// a line.
type Story = (&'static str, &'static [StoreKind], fn(StoreKind) -> String);

const STORIES: &[Story] = &[
    ("crowd", &[File, Postgres, Redis], crowd::opens_one_session),
    ("killed", &[Postgres, Redis], killed::loses_nothing),
    ("failover", &[Redis], failover::forgets_nothing_that_counts),
    (
        "unreachable",
        &[Postgres, Redis],
        unreachable::fails_no_call,
    ),
    ("clocks", &[File, Postgres, Redis], clocks::differ),
    (
        "stopped",
        &[File, Postgres, Redis],
        stopped::disturbs_nobody,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == WORKER) {
        worker::main();
        return ExitCode::SUCCESS;
    }
    // A story is chosen by a part of its name, as any test is.
    let chosen: Vec<_> = arguments
        .iter()
        .filter(|one| !one.starts_with('-'))
        .collect();
    let mut failed = 0;
    for (name, kinds, story) in STORIES {
        for kind in *kinds {
            let name = format!("{name}::{kind}");
            if !chosen.is_empty() && !chosen.iter().any(|part| name.contains(*part)) {
                continue;
            }
            let start = Instant::now();
            let told = panic::catch_unwind(|| story(*kind));
            let seconds = start.elapsed().as_secs_f32();
            if let Ok(told) = told {
                println!("story {name} ... ok in {seconds:.1} s: {told}");
            } else {
                failed += 1;
                println!("story {name} ... FAILED after {seconds:.1} s");
            }
        }
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
