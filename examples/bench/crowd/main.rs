//! The costs of many together: sessions in one process, threads and tasks on one
//! session, and calls that wait for one login.
//!
//! ```text
//! cargo bench -p thingspace-bench --bench crowd
//! ```
//!
//! The service is in memory and responds at once: what is seen is the library and
//! its lock, and nothing that would hide them. Where it says so, there is a real
//! one, and the HTTP stack that calls it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod memory;
#[path = "../loopback/service.rs"]
mod service;
mod sessions;
mod sharing;
mod waiting;

fn main() {
    // Run as a test, it has nothing to say.
    if std::env::args().any(|argument| argument == "--bench") {
        sessions::show();
        sharing::show();
        waiting::show();
    }
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
