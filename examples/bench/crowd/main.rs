//! The costs of many together: sessions in one process, threads and tasks on one
//! session, and calls that wait for one login.
//!
//! ```text
//! cargo bench -p thingspace-bench --bench crowd
//! cargo bench -p thingspace-bench --bench crowd -- stored
//! ```
//!
//! It fails if a slow store holds up calls with an open session (`stored`).
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
mod stored;
mod waiting;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Run as a test, it has nothing to say.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let mut is_met = true;
    let parts: [(&str, &mut dyn FnMut()); 4] = [
        ("sessions", &mut sessions::show),
        ("sharing", &mut sharing::show),
        ("stored", &mut || is_met = stored::show()),
        ("waiting", &mut waiting::show),
    ];
    let names = parts.each_ref().map(|(name, _)| *name);
    let shows_all = !arguments.iter().any(|name| names.contains(&&**name));
    for (name, show) in parts {
        if shows_all || arguments.iter().any(|argument| argument == name) {
            show();
        }
    }
    assert!(is_met, "a slow store holds up calls with an open session");
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
