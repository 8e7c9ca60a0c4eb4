//! The cost of sharing a session: what a store costs a call, how a crowd of processes
//! gets through one login, and what is saved for what.
//!
//! ```text
//! cargo bench -p thingspace-bench --features servers --bench stores
//! cargo bench -p thingspace-bench --features servers --bench stores -- logins
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
mod places;
mod saves;
#[path = "../loopback/service.rs"]
mod service;

use std::env;

use thingspace_core::{AppCredentials, Credentials, UserCredentials};
use thingspace_simulator::Simulator;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["one-of-many", address, base, waking] => logins::make_one(address, base, waking),
        // Run as a test, it has nothing to say.
        _ if !arguments.contains(&"--bench") => {}
        _ => show(&arguments),
    }
}

fn show(arguments: &[&str]) {
    let mut is_met = true;
    let parts: [(&str, &mut dyn FnMut()); 3] = [
        ("calls", &mut || is_met = calls::show()),
        ("logins", &mut logins::show),
        ("saves", &mut saves::show),
    ];
    let names = parts.each_ref().map(|(name, _)| *name);
    let shows_all = !arguments.iter().any(|name| names.contains(name));
    for (name, show) in parts {
        if shows_all || arguments.contains(&name) {
            show();
        }
    }
    assert!(is_met, "a store costs calls with an open session too much");
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
