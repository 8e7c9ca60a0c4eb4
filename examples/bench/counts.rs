//! How many instructions and allocations each work takes, by hand and by the
//! library, and whether that is more than was recorded:
//!
//! ```text
//! cargo bench -p thingspace-bench --bench counts              # shows them
//! cargo bench -p thingspace-bench --bench counts -- check     # fails if they have grown
//! cargo bench -p thingspace-bench --bench counts -- record    # takes them as the new measure
//! ```
//!
//! Needs valgrind. Each work runs in a process of its own, a hundred times after
//! a few that do not count; its profile is kept for `callgrind_annotate`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod callgrind;
mod works;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::{
    callgrind::Counts,
    works::{HAND, OURS, WORKS, Work},
};

/// How often a work is done while it is counted.
const ROUNDS: u64 = 100;

/// The counts that were taken as the measure.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["work", number] => {
            let work = WORKS.get(number.parse::<usize>().unwrap()).unwrap();
            counted_rounds(&mut *work.prepare());
            return ExitCode::SUCCESS;
        }
        // Run as a test, it has nothing to say.
        _ if !env::args().any(|a| a == "--bench") => return ExitCode::SUCCESS,
        _ if !callgrind::is_installed() => {
            println!("valgrind is not installed, so nothing was counted");
            return ExitCode::from(u8::from(!arguments.is_empty()));
        }
        [] | ["check" | "record"] => {}
        _ => panic!("give check, record or nothing"),
    }

    let counts: Vec<Counts> = (0..WORKS.len()).map(count).collect();
    print!("{}", table(&counts));
    match arguments[..] {
        ["record"] => {
            fs::write(RECORDED, record(&counts)).unwrap();
            println!("\nrecorded");
        }
        ["check"] => {
            let grown = grown(&counts, &fs::read_to_string(RECORDED).unwrap());
            if !grown.is_empty() {
                println!("\nmore than was recorded, by more than 5 %:\n{grown}");
                return ExitCode::FAILURE;
            }
            println!("\nno more than was recorded");
        }
        _ => {}
    }
    ExitCode::SUCCESS
}

/// What callgrind counts, and nothing else.
#[inline(never)]
fn counted_rounds(doing: &mut dyn FnMut()) {
    for _ in 0..ROUNDS {
        doing();
    }
}

fn count(work: usize) -> Counts {
    let mut program = Command::new(env::current_exe().unwrap());
    program.args(["work", &work.to_string()]);
    let profile = profiles().join(format!("work-{work}.callgrind"));
    let all = callgrind::count(&program, Some("counted_rounds"), &profile).unwrap();
    Counts {
        instructions: all.instructions / ROUNDS,
        allocations: all.allocations / ROUNDS,
    }
}

/// Beside the program: somewhere in the target directory.
fn profiles() -> PathBuf {
    let folder = env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .join("callgrind");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn table(counts: &[Counts]) -> String {
    let mut table = String::from(
        "| work | by | instructions | × by hand | allocations |\n| --- | --- | ---: | ---: | ---: |\n",
    );
    let mut floor = 0;
    for (Work { name, by, .. }, count) in WORKS.iter().zip(counts) {
        if *by == HAND {
            floor = count.instructions;
        }
        let (instructions, allocations) = (count.instructions, count.allocations);
        let percent = instructions * 100 / floor;
        writeln!(
            table,
            "| {name} | {by} | {instructions} | {}.{:02} | {allocations} |",
            percent / 100,
            percent % 100
        )
        .unwrap();
    }
    table
}

/// One line for each work of the library: the others are not ours to watch.
fn record(counts: &[Counts]) -> String {
    let mut lines = String::from(
        "# Made by `cargo bench -p thingspace-bench --bench counts -- record`: instructions, allocations, work.\n",
    );
    for (work, count) in ours(counts) {
        let Counts {
            instructions,
            allocations,
        } = count;
        writeln!(lines, "{instructions}\t{allocations}\t{}", work.name).unwrap();
    }
    lines
}

/// What has grown by more than 5 %, and what was never recorded.
fn grown(counts: &[Counts], recorded: &str) -> String {
    let recorded: BTreeMap<&str, (u64, u64)> = recorded
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let mut number = || fields.next()?.parse().ok();
            let counts = (number()?, number()?);
            Some((fields.next()?, counts))
        })
        .collect();
    let mut grown = String::new();
    for (work, count) in ours(counts) {
        let Some(&(instructions, allocations)) = recorded.get(work.name) else {
            writeln!(grown, "{}: never recorded", work.name).unwrap();
            continue;
        };
        for (what, now, then) in [
            ("instructions", count.instructions, instructions),
            ("allocations", count.allocations, allocations),
        ] {
            if now * 100 > then * 105 {
                writeln!(grown, "{}: {now} {what}, recorded {then}", work.name).unwrap();
            }
        }
    }
    grown
}

fn ours(counts: &[Counts]) -> impl Iterator<Item = (&'static Work, &Counts)> {
    WORKS.iter().zip(counts).filter(|(work, _)| work.by == OURS)
}
