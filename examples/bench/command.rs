//! The cost of `thingspace call` as a process: time, instructions and system calls, from
//! its start to its end.
//!
//! ```text
//! cargo bench -p thingspace-bench --features proxy --bench command
//! cargo bench -p thingspace-bench --features proxy --bench command -- record   # and writes the table in README.md
//! ```
//!
//! It builds `thingspace` for release, starts a simulated ThingSpace in this process, and
//! opens a session. Each contender is then run in turn, on one processor, for several
//! rounds. Without valgrind no instructions are counted, without strace no system calls,
//! and without curl it is not there.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, reason = "others use the rest")]
mod callgrind;
mod command_line;
#[allow(dead_code, reason = "others use the rest")]
mod options;
mod page;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::resource::{UsageWho, getrusage},
    unistd::Pid,
};
use thingspace_simulator::{Server, Simulator};

use crate::options::Options;

/// The processes of a round.
const EACH: u32 = 20;

const CALL: &str = "/m2m/v1/accounts/0000123456-00001";

fn main() {
    // Run as a test, it has nothing to say.
    let Some(options) = Options::of_bench(15) else {
        return;
    };
    let program = command_line::build("release");
    pin();
    let server = Server::start(Simulator::new(42).sessions_replace_each_other(false)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut entries = contenders(&program, &server, folder.path());
    for _ in 0..options.rounds {
        for entry in &mut entries {
            let times = time(&mut entry.command);
            entry.times.push(times);
        }
    }
    let mut table = String::from(
        "| process | wall | processor | instructions | system calls |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for (number, entry) in entries.iter().enumerate() {
        table += &row(number, entry, folder.path());
    }
    page::show("command", &table, options.records);
}

/// A process, and what it took in each round.
struct Entry {
    name: &'static str,
    command: Command,
    times: Vec<Times>,
}

/// The times of one process.
#[derive(Clone, Copy)]
struct Times {
    wall: Duration,
    processor: Duration,
}

fn contenders(program: &Path, server: &Server, folder: &Path) -> Vec<Entry> {
    let key = folder.join("key");
    fs::write(&key, "2a".repeat(32)).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let thingspace = |arguments: &[&str], key: Option<&Path>| {
        let state = if key.is_some() { "sealed" } else { "file" };
        let mut command = Command::new(program);
        command
            .arg("--state")
            .arg(folder.join(state).join("session.json"))
            .args(arguments)
            .env("THINGSPACE_BASE_URL", server.base())
            .env("THINGSPACE_KEY", Simulator::KEY)
            .env("THINGSPACE_SECRET", Simulator::SECRET)
            .env("THINGSPACE_USERNAME", Simulator::USERNAME)
            .env("THINGSPACE_PASSWORD", Simulator::PASSWORD);
        plain(&mut command);
        if let Some(key) = key {
            command.env("THINGSPACE_STORE_KEY_FILE", key);
        }
        command
    };
    let entry = |name, command| Entry {
        name,
        command,
        times: Vec::new(),
    };
    let get = ["call", "GET", CALL];
    let mut entries = vec![
        entry("`thingspace --version`", thingspace(&["--version"], None)),
        entry(
            "`thingspace call GET`, session in a file",
            thingspace(&get, None),
        ),
        entry(
            "`thingspace call GET`, sealed",
            thingspace(&get, Some(&key)),
        ),
    ];
    for key in [None, Some(&*key)] {
        // A session is opened, which the processes find.
        let headers = thingspace(&["tokens", "--headers"], key).output().unwrap();
        assert!(headers.status.success(), "{headers:?}");
        fs::write(folder.join("headers"), headers.stdout).unwrap();
    }
    if Command::new("curl").arg("--version").output().is_ok() {
        let mut curl = Command::new("curl");
        plain(&mut curl)
            .args(["--silent", "--fail", "--header", "Accept: application/json"])
            .args([
                "--header",
                &format!("@{}", folder.join("headers").display()),
            ])
            .arg(format!("{}{CALL}", server.base()));
        entries.push(entry("`curl` with both tokens", curl));
    }
    entries
}

/// Takes from a process what would make it search or read more than it does at home: the
/// folders of cargo's libraries, and certificates of one's own.
fn plain(command: &mut Command) -> &mut Command {
    command
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("SSL_CERT_FILE")
}

/// The times of each of several processes, one after the other.
fn time(command: &mut Command) -> Times {
    let processor = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        let micros = [usage.user_time(), usage.system_time()]
            .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
        Duration::from_micros(micros.iter().sum::<i64>().try_into().unwrap())
    };
    let (before, start) = (processor(), Instant::now());
    for _ in 0..EACH {
        let status = command.stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{command:?} failed: {status}");
    }
    Times {
        wall: start.elapsed() / EACH,
        processor: processor().saturating_sub(before) / EACH,
    }
}

fn row(number: usize, entry: &Entry, folder: &Path) -> String {
    let median = |of: fn(&Times) -> Duration| {
        let mut times: Vec<_> = entry.times.iter().map(of).collect();
        times.sort();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        format!("{:.2} ms", middle.as_secs_f64() * 1e3)
    };
    let counts = callgrind::count(&entry.command, &format!("command-{number}")).ok();
    let shown = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
    format!(
        "| {} | {} | {} | {} | {} |\n",
        entry.name,
        median(|times| times.wall),
        median(|times| times.processor),
        shown(counts.map(|counts| counts.instructions)),
        shown(system_calls(&entry.command, &folder.join("strace"))),
    )
}

/// The system calls of a process, if there is an strace to count them.
fn system_calls(command: &Command, summary: &Path) -> Option<u64> {
    let mut strace = Command::new("strace");
    let status = callgrind::with_variables(&mut strace, command)
        .args(["-f", "-c", "-o"])
        .arg(summary)
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return None;
    }
    let summary = fs::read_to_string(summary).ok()?;
    let total = summary.lines().find(|line| line.ends_with(" total"))?;
    total.split_whitespace().nth(3)?.parse().ok()
}

/// This process and all that it starts stay on one processor: the first that they
/// may use. Between two, wake-ups would drown everything.
fn pin() {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).unwrap();
    let first = (0..CpuSet::count()).find(|processor| allowed.is_set(*processor).unwrap());
    let mut set = CpuSet::new();
    set.set(first.unwrap()).unwrap();
    sched_setaffinity(this, &set).unwrap();
}
