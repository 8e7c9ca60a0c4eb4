//! The memory that a session takes.

use std::{fs, hint::black_box};

use allocation_counter::measure;
use thingspace_core::{Environment, Session};

use crate::memory::{credentials, open};

const MANY: usize = 1_000_000;

/// The memory of a million sessions, each with a user, credentials and tokens of its
/// own, at one environment.
pub(crate) fn table() -> String {
    let environment = Environment::production();
    let mut sessions = Vec::new();
    let cost = measure(|| {
        sessions = (0..MANY)
            .map(|number| {
                let credentials = credentials(&format!("user-{number:012}"));
                open(environment.clone(), credentials)
            })
            .collect();
    });
    let held = usize::try_from(cost.bytes_current).unwrap();
    black_box(&sessions);
    let rows = [
        ("`size_of::<Session>()`", size_of::<Session>()),
        ("an open session, with all that it owns", held / MANY),
        ("a million of them", held),
        ("the process then, resident", resident()),
    ];
    let rows = rows.map(|(what, bytes)| format!("| {what} | {bytes} |\n"));
    format!("| what | bytes |\n| --- | ---: |\n{}", rows.concat())
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes.map_or(0, |number| 1024 * number.parse::<usize>().unwrap())
}
