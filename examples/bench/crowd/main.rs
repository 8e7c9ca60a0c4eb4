//! The costs of many together: sessions in one process, threads and tasks on one
//! session, and calls that wait for one login.
//!
//! ```text
//! cargo bench -p thingspace-bench --bench crowd
//! cargo bench -p thingspace-bench --bench crowd -- stored --rounds 3
//! cargo bench -p thingspace-bench --bench crowd -- record    # and writes the tables in README.md
//! ```
//!
//! It fails if a slow store holds up calls with an open session (`stored`).
//!
//! The service is in memory and responds at once: what is seen is the library and
//! its lock, and nothing that would hide them. Where it says so, there is a real
//! one, and the HTTP stack that calls it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod memory;
#[path = "../options.rs"]
mod options;
#[path = "../page.rs"]
mod page;
#[path = "../loopback/service.rs"]
mod service;
mod sessions;
mod sharing;
mod stored;
mod waiting;

use crate::options::Options;

/// A table that is made of so many rounds, and its name.
type Part = (&'static str, fn(usize) -> String);

const PARTS: [Part; 4] = [
    ("sessions", |_| sessions::table()),
    ("sharing", sharing::table),
    ("stored", stored::table),
    ("waiting", waiting::table),
];

fn main() {
    // Run as a test, it has nothing to say.
    let Some(options) = Options::of_bench(9) else {
        return;
    };
    for (name, table) in PARTS {
        if options.wants(name, &PARTS.map(|(name, _)| name)) {
            page::show(name, &table(options.rounds), options.records);
        }
    }
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
