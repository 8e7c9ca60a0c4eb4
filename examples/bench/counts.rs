//! The instructions and allocations of each work, by hand and by the library, and
//! the machine code of each further endpoint. They are compared with the goals and
//! with what was recorded:
//!
//! ```text
//! cargo bench -p thingspace-bench --bench counts              # shows them
//! cargo bench -p thingspace-bench --bench counts -- check     # fails if one is missed
//! cargo bench -p thingspace-bench --bench counts -- record    # takes them as the new measure, and writes the tables in README.md
//! ```
//!
//! Needs valgrind, and `size` of the binutils. Each work runs in a process of its
//! own, a hundred times. What a process takes that only prepares the work does not
//! count. The profiles are saved for `callgrind_annotate`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod callgrind;
mod endpoints;
mod goals;
mod page;
#[path = "programs/program.rs"]
mod program;
mod works;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    process::{Command, ExitCode},
};

use crate::{
    callgrind::Counts,
    endpoints::{PROGRAMS, TYPED, further_endpoint, typed_calls},
    goals::{FURTHER_ENDPOINT, GOALS, Goal},
    works::{HAND, OURS, WORKS, Work},
};

/// The number of times that a work is done.
const ROUNDS: u64 = 100;

/// The file of the counts that were taken as the measure.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["work", number, rounds] => {
            let work = WORKS.get(number.parse::<usize>().unwrap()).unwrap();
            let mut doing = work.prepare();
            for _ in 0..rounds.parse().unwrap() {
                doing();
            }
            return ExitCode::SUCCESS;
        }
        // Run as a test, there is nothing to do.
        _ if !env::args().any(|a| a == "--bench") => return ExitCode::SUCCESS,
        _ if !callgrind::is_installed() => {
            println!("valgrind is not installed, so nothing was counted");
            return ExitCode::from(u8::from(!arguments.is_empty()));
        }
        [] | ["check" | "record"] => {}
        _ => panic!("give check, record or nothing"),
    }

    let counts: Vec<Counts> = (0..WORKS.len()).map(count).collect();
    let endpoints: Vec<u64> = PROGRAMS.iter().map(further_endpoint).collect();
    let records = arguments == ["record"];
    page::show("counts", &table(&counts), records);
    page::show("endpoints", &endpoint_table(&endpoints), records);
    match arguments[..] {
        ["check"] => {
            let missed = missed(&counts) + &missed_by_endpoints(&endpoints);
            let grown = grown(&counts, &fs::read_to_string(RECORDED).unwrap());
            if !missed.is_empty() || !grown.is_empty() {
                println!("\nmore than a goal, or than what was recorded and 5 %:\n{missed}{grown}");
                return ExitCode::FAILURE;
            }
            println!("\nevery goal is met, and nothing takes more than was recorded");
        }
        _ => page::show("typed", &typed_table(typed_calls()), records),
    }
    if records {
        fs::write(RECORDED, record(&counts)).unwrap();
    }
    ExitCode::SUCCESS
}

/// The counts of a work: all that a process takes that does it many times, but for
/// what one takes that only prepares it.
fn count(work: usize) -> Counts {
    let count = |rounds: u64| {
        let mut program = Command::new(env::current_exe().unwrap());
        program.args(["work", &work.to_string(), &rounds.to_string()]);
        callgrind::count(&program, &format!("work-{work}-{rounds}")).unwrap()
    };
    count(ROUNDS).each(count(0), ROUNDS)
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

fn endpoint_table(endpoints: &[u64]) -> String {
    let mut table =
        String::from("| program | machine code of each further endpoint |\n| --- | ---: |\n");
    for (program, bytes) in PROGRAMS.iter().zip(endpoints) {
        writeln!(table, "| {} | {bytes} bytes |", program.name).unwrap();
    }
    table
}

fn typed_table((first, further): (u64, u64)) -> String {
    format!(
        "| program | the first typed call | each further one |\n| --- | ---: | ---: |\n| {} | {first} bytes | {further} bytes |\n",
        TYPED.name
    )
}

/// The goals that are missed, a line each.
fn missed(counts: &[Counts]) -> String {
    let of = |name, by| {
        let place = WORKS
            .iter()
            .position(|work| (work.name, work.by) == (name, by));
        *counts.get(place.unwrap()).unwrap()
    };
    let mut missed = String::new();
    for goal in GOALS {
        let Goal { work, by, over, .. } = goal;
        let (own, other) = (of(work, by), of(work, over));
        let most = other.instructions * goal.percent + 100 * goal.more;
        let most_allocations = goal.allocations.unwrap_or(other.allocations);
        if 100 * own.instructions > most || own.allocations > most_allocations {
            let Counts {
                instructions,
                allocations,
            } = own;
            let most = most / 100;
            writeln!(
                missed,
                "{work}, {by}: {instructions} instructions where {over} allows {most}, {allocations} allocations where {most_allocations} are allowed"
            )
            .unwrap();
        }
    }
    missed
}

/// The programs whose endpoints miss their goal, a line each.
fn missed_by_endpoints(endpoints: &[u64]) -> String {
    let mut missed = String::new();
    for (program, bytes) in PROGRAMS.iter().zip(endpoints) {
        if *bytes > FURTHER_ENDPOINT {
            writeln!(
                missed,
                "{}: {bytes} bytes for each further endpoint where {FURTHER_ENDPOINT} are allowed",
                program.name
            )
            .unwrap();
        }
    }
    missed
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
        writeln!(lines, "{instructions}\t{allocations}\t{work}").unwrap();
    }
    lines
}

/// The works that have grown by more than 5 % or were never recorded, a line each.
fn grown(counts: &[Counts], recorded: &str) -> String {
    let recorded: BTreeMap<String, (u64, u64)> = recorded
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let mut number = || fields.next()?.parse().ok();
            let counts = (number()?, number()?);
            Some((fields.next()?.to_owned(), counts))
        })
        .collect();
    let mut grown = String::new();
    for (work, count) in ours(counts) {
        let Some(&(instructions, allocations)) = recorded.get(&work.to_string()) else {
            writeln!(grown, "{work}: never recorded").unwrap();
            continue;
        };
        for (what, now, then) in [
            ("instructions", count.instructions, instructions),
            ("allocations", count.allocations, allocations),
        ] {
            if now * 100 > then * 105 {
                writeln!(grown, "{work}: {now} {what}, recorded {then}").unwrap();
            }
        }
    }
    grown
}

fn ours(counts: &[Counts]) -> impl Iterator<Item = (&'static Work, &Counts)> {
    let works = WORKS.iter().zip(counts);
    works.filter(|(work, _)| work.by.starts_with(OURS))
}
