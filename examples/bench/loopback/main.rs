//! The cost of a call over a connection that is kept alive, with each HTTP stack
//! alone and with thingspace on top of it:
//!
//! ```text
//! cargo bench -p thingspace-bench --bench loopback
//! cargo bench -p thingspace-bench --bench loopback -- --rounds 9 --calls 5000
//! cargo bench -p thingspace-bench --bench loopback -- --with 'python client.py'
//! cargo bench -p thingspace-bench --bench loopback -- check    # counts; fails if a limit is passed
//! cargo bench -p thingspace-bench --bench loopback -- record   # and writes the table in README.md
//! ```
//!
//! The program starts its own service and then every contender in turn, each in
//! a process of its own, for several rounds, all pinned to one processor: between
//! two, wake-ups would drown everything. A contender is run with few calls and
//! with many, and the difference counts, so that neither starting nor logging in
//! does. Where valgrind is installed, instructions and allocations are counted
//! in the same way. Nothing else is done to check the limits.
//!
//! Any command can be a contender. It is given two arguments, the base address
//! (`http://127.0.0.1:PORT/api`) and a number of calls, makes that many calls of
//! `GET /m2m/v1/accounts/0000123456-00001` one after the other, over one
//! connection and with both tokens, reads each response to its end, and exits with 0.
//! What it sends before (a token fetch, a login) has its response too. It is compared
//! with hyper-util alone.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../callgrind.rs"]
mod callgrind;
mod contenders;
mod goals;
#[path = "../page.rs"]
mod page;
mod service;

use std::{
    env,
    fmt::Write,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::resource::{UsageWho, getrusage},
    unistd::Pid,
};

use crate::{
    callgrind::Counts,
    contenders::{CONTENDERS, FLOOR},
    goals::{LIMITS, Limit, Share},
    service::Service,
};

/// The calls of a run that does not count: starting, connecting, logging in.
const FEW: u32 = 50;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["contender", name, base, calls] => {
            let contender = CONTENDERS.iter().find(|contender| contender.name == name);
            (contender.unwrap().run)(base, calls.parse().unwrap());
        }
        // Run as a test, it has nothing to say.
        _ if !arguments.contains(&"--bench") => {}
        ["check", "--bench"] if !callgrind::is_installed() => {
            println!("valgrind is not installed, so nothing was counted");
            return ExitCode::FAILURE;
        }
        ["check", "--bench"] => {
            let passed = passed(&compare(&Plan::without_times()));
            if !passed.is_empty() {
                println!("{passed}");
                return ExitCode::FAILURE;
            }
            println!("no limit is passed");
        }
        _ => drop(compare(&Plan::of(&arguments))),
    }
    ExitCode::SUCCESS
}

/// The options of the command line.
struct Plan {
    /// Nothing is timed if there are none.
    rounds: usize,
    calls: u32,
    records: bool,
    commands: Vec<String>,
}

impl Plan {
    fn without_times() -> Self {
        Self {
            rounds: 0,
            calls: 0,
            records: false,
            commands: Vec::new(),
        }
    }

    fn of(arguments: &[&str]) -> Self {
        let mut plan = Self {
            rounds: 9,
            calls: 5000,
            records: false,
            commands: Vec::new(),
        };
        let mut arguments = arguments.iter().filter(|argument| **argument != "--bench");
        while let Some(option) = arguments.next() {
            if *option == "record" {
                plan.records = true;
                continue;
            }
            let value = arguments.next().expect("every option has a value");
            match *option {
                "--rounds" => plan.rounds = value.parse().unwrap(),
                "--calls" => plan.calls = value.parse().unwrap(),
                "--with" => plan.commands.push((*value).to_owned()),
                _ => panic!("give record, --rounds N, --calls N or --with COMMAND"),
            }
        }
        plan
    }
}

/// A contender, and what its calls took.
struct Entry {
    name: String,
    /// The one that it is compared with.
    floor: &'static str,
    command: Vec<String>,
    /// For each round, per call.
    times: Vec<Times>,
    counts: Option<Counts>,
}

#[derive(Clone, Copy, Default)]
struct Times {
    processor: Duration,
    wall: Duration,
}

impl Entry {
    fn new(name: &str, floor: &'static str, command: impl IntoIterator<Item = String>) -> Self {
        Self {
            name: name.to_owned(),
            floor,
            command: command.into_iter().collect(),
            times: Vec::new(),
            counts: None,
        }
    }

    fn command(&self, base: &str, calls: u32) -> Command {
        let (program, arguments) = self.command.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(arguments).arg(base).arg(calls.to_string());
        command
    }

    fn time(&mut self, base: &str, calls: u32) {
        let few = run(&mut self.command(base, FEW));
        let many = run(&mut self.command(base, FEW + calls));
        self.times.push(Times {
            processor: many.processor.saturating_sub(few.processor) / calls,
            wall: many.wall.saturating_sub(few.wall) / calls,
        });
    }

    fn count(&mut self, base: &str) {
        const CALLS: u32 = 200;
        let count = |calls| {
            let name = format!("{}-{calls}", self.name.replace([' ', '/'], "-"));
            callgrind::count(&self.command(base, calls), &name)
        };
        let (Ok(few), Ok(many)) = (count(FEW), count(FEW + CALLS)) else {
            return;
        };
        self.counts = Some(many.each(few, CALLS.into()));
    }
}

fn compare(plan: &Plan) -> Vec<Entry> {
    pin();
    let service = Service::start();
    let base = service.base();
    let program = env::current_exe().unwrap().display().to_string();
    let mut entries: Vec<Entry> = CONTENDERS
        .iter()
        .map(|contender| {
            let words = [&program, "contender", contender.name];
            Entry::new(contender.name, contender.floor, words.map(str::to_owned))
        })
        .collect();
    for command in &plan.commands {
        let words = command.split_whitespace().map(str::to_owned);
        entries.push(Entry::new(command, FLOOR, words));
    }

    for _ in 0..plan.rounds {
        for entry in &mut entries {
            entry.time(&base, plan.calls);
        }
    }
    if callgrind::is_installed() {
        for entry in &mut entries {
            entry.count(&base);
        }
    }
    show(&entries, plan);
    entries
}

/// The limits that are passed, a line each.
fn passed(entries: &[Entry]) -> String {
    let counts = |name| {
        let entry = entries.iter().find(|entry| entry.name == name);
        entry.unwrap().counts.unwrap()
    };
    let mut passed = String::new();
    for Limit { of, over, share } in LIMITS {
        let (own, other) = (counts(*of), counts(*over));
        if 10_000 * own.instructions > share.most() * other.instructions
            || own.allocations > other.allocations
        {
            let (percent, is) = match share {
                Share::Goal(percent) => (percent, "which is the goal"),
                Share::Recorded(percent) => (percent, "which was recorded, and 5 %"),
            };
            writeln!(
                passed,
                "{of} takes more than {percent} % of {over}, {is}, or more allocations"
            )
            .unwrap();
        }
    }
    passed
}

/// This process and all that it starts stay on one processor: the first that they
/// may use.
fn pin() {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).unwrap();
    let first = (0..CpuSet::count()).find(|processor| allowed.is_set(*processor).unwrap());
    let mut set = CpuSet::new();
    set.set(first.unwrap()).unwrap();
    sched_setaffinity(this, &set).unwrap();
}

/// Runs a command to its end, and tells what time it took on the processor and
/// on the wall.
fn run(command: &mut Command) -> Times {
    let processor = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        let micros = [usage.user_time(), usage.system_time()]
            .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
        Duration::from_micros(micros.iter().sum::<i64>().try_into().unwrap())
    };
    let (before, start) = (processor(), Instant::now());
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?} failed: {status}");
    Times {
        processor: processor().saturating_sub(before),
        wall: start.elapsed(),
    }
}

fn show(entries: &[Entry], plan: &Plan) {
    let is_timed = plan.rounds > 0;
    let mut table = String::from("| contender | floor | instructions | × floor | allocations |");
    if is_timed {
        println!(
            "{} rounds of {} calls; processor time in µs per call, min / median / max\n",
            plan.rounds, plan.calls
        );
        table += " processor, µs | × floor | wall, µs |";
    }
    table += "\n| --- | --- | ---: | ---: | ---: |";
    table += if is_timed {
        " ---: | ---: | ---: |\n"
    } else {
        "\n"
    };
    for entry in entries {
        let floor = entries.iter().find(|other| other.name == entry.floor);
        let floor = floor.unwrap();
        let counts = match (entry.counts, floor.counts) {
            (Some(own), Some(floor)) => {
                let per_mille = own.instructions * 1000 / floor.instructions.max(1);
                format!(
                    "{} | {}.{:03} | {}",
                    own.instructions,
                    per_mille / 1000,
                    per_mille % 1000,
                    own.allocations
                )
            }
            _ => "| |".to_owned(),
        };
        write!(table, "| {} | {} | {counts} |", entry.name, entry.floor).unwrap();
        if is_timed {
            table += &times(entry, floor);
        }
        table.push('\n');
    }
    page::show("loopback", &table, plan.records);
}

/// The columns of the times of a contender.
fn times(entry: &Entry, floor: &Entry) -> String {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (least, middle, most) = spread(entry.times.iter().map(|times| micros(times.processor)));
    let (_, wall, _) = spread(entry.times.iter().map(|times| micros(times.wall)));
    // Round by round: what disturbs one of them disturbs its neighbour too.
    let pairs = entry.times.iter().zip(&floor.times);
    let (_, ratio, _) = spread(
        pairs.map(|(own, floor)| own.processor.as_secs_f64() / floor.processor.as_secs_f64()),
    );
    format!(" {least:.1} / {middle:.1} / {most:.1} | {ratio:.2} | {wall:.1} |")
}

/// The least, the one in the middle and the greatest.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or_default();
    (
        at(0),
        at(values.len() / 2),
        at(values.len().saturating_sub(1)),
    )
}
