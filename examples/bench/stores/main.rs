//! The cost of sharing a session: what a store costs a call, how a crowd of processes
//! gets through one login, and what is saved for what.
//!
//! ```text
//! cargo bench -p thingspace-bench --features servers --bench stores
//! cargo bench -p thingspace-bench --features servers --bench stores -- logins --rounds 3
//! cargo bench -p thingspace-bench --features servers --bench stores -- record    # and writes the tables in README.md
//! ```
//!
//! It starts the servers itself: Debian's postgresql and redis-server. It fails if a store
//! costs calls with an open session more than a twentieth of their throughput (`calls`), or
//! if a crowd makes more than one login (`logins`).
//!
//! All is on one machine. Where it says "3 ms away", a link delays every byte to the store
//! and back by 1.5 ms.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod calls;
mod counted;
mod logins;
#[path = "../options.rs"]
mod options;
#[path = "../page.rs"]
mod page;
mod places;
mod saves;
#[path = "../loopback/service.rs"]
mod service;

use std::env;

use thingspace_core::{AppCredentials, Credentials, UserCredentials};
use thingspace_simulator::Simulator;

use crate::options::Options;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["one-of-many", address, base, waking] => logins::make_one(address, base, waking),
        _ => {
            // Run as a test, it has nothing to say.
            if let Some(options) = Options::of_bench(9) {
                show(&options);
            }
        }
    }
}

/// A table that is made of so many rounds, and its name.
type Part = (&'static str, fn(usize) -> String);

const PARTS: [Part; 3] = [
    ("stores", calls::table),
    ("logins", logins::table),
    ("saves", saves::table),
];

fn show(options: &Options) {
    for (name, table) in PARTS {
        if options.wants(name, &PARTS.map(|(name, _)| name)) {
            page::show(name, &table(options.rounds), options.records);
        }
    }
}

fn credentials() -> Credentials {
    Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap(),
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD).unwrap(),
    )
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

fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}
