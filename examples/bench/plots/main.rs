//! The pictures of README.md and its overview, from the tables that are recorded there.
//!
//! ```text
//! cargo bench -p thingspace-bench --bench plots             # writes them
//! cargo bench -p thingspace-bench --bench plots -- check    # fails if they are not what the tables give
//! ```
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod added;
mod bars;
mod crowd;
mod overview;
#[path = "../page.rs"]
mod page;
mod paint;
mod ratios;
mod tables;

use std::{env, fs, process::ExitCode};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plots");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Run as a test, it has nothing to say.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let page = page::read();
    let overview = overview::of(&page);
    let pictures = [
        ("loopback.svg", ratios::picture(&page)),
        ("crowd.svg", crowd::picture(&page)),
        ("proxy.svg", added::picture(&page)),
    ];
    let path = |name: &str| format!("{FOLDER}/{name}");
    if !arguments.iter().any(|argument| argument == "check") {
        page::show("overview", &overview, true);
        for (name, picture) in pictures {
            fs::write(path(name), picture).unwrap();
        }
        return ExitCode::SUCCESS;
    }
    let recorded = page.get(page::place(&page, "overview")).unwrap();
    let mut stale = Vec::new();
    if recorded.trim_end() != overview.trim_end() {
        stale.push("the overview in README.md");
    }
    for (name, picture) in &pictures {
        if fs::read_to_string(path(name)).ok().as_ref() != Some(picture) {
            stale.push(name);
        }
    }
    if stale.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!(
        "not what the tables give: {}; run this without check",
        stale.join(", ")
    );
    ExitCode::FAILURE
}
