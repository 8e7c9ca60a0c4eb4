//! A fleet in virtual time: ten thousand processes that share one session through one
//! store, on one thread.
//!
//! ```text
//! cargo run --release --example fleet        # 10,000 processes, some seconds
//! cargo run --example fleet -- 300           # or fewer
//! ```
//!
//! It shows what the store and the service see of a fleet, so that you can choose a store
//! and its settings. It drives the machine itself, and prints a table for each story:
//!
//! - **A cold start**: nothing is saved, and all processes start within seconds. However
//!   many wait for it, there is one login. Look at *loads*, which the store has to bear,
//!   and at *longest call*. Set the poll interval, or take a store that wakes those
//!   who wait, and start the processes over a longer time.
//! - **An hour of calls**: a call with an open session uses no store. What the store sees is
//!   the time of the last use, for which each process looks every few minutes. Look at
//!   *connections*: a process closes its own after a minute without use.
//! - **An outage** of ten minutes. Look at *in doubt*: the logins in a row of which nobody
//!   knows whether they count as failed; the platform locks the user name at five. Look at
//!   *healed*: the time from the end of the outage until no call fails any more. Set
//!   `longest_check_pause`, and `attempt_timeout` if responses are lost.
//! - **A session that ends** when everybody needs it. Look at *longest call*, and at
//!   *saves* and *conflicts*.
//!
//! In brackets: the most loads or saves in any second, and the mean number of connections.
//! *Longest access* is the time that the slowest load or save took, with the queue at the
//! store. A store on a server gives one up after 5 seconds, so more than that is too much.
//!
//! Simulated: clocks that differ by up to an hour, the ways to the store and to the service,
//! a store that makes one access after the other, its notices, connections that are closed
//! when they are idle. Not simulated: a store that fails, calls at the same time in one
//! process, limits of the service, the work of the processes themselves.

mod simulation;
mod store;

use std::{error::Error, time::Duration};

use http::StatusCode;
use thingspace_simulator::{Call as Kind, Fault, Part, Simulator};

use crate::{
    simulation::{Plan, Random, Run, Sharing},
    store::Rate,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let processes = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 10_000,
    };
    println!("{processes} processes share one session.");
    cold_start(processes)?;
    hour_of_calls(processes)?;
    outage(processes)?;
    session_ends(processes)?;
    println!("\nEvery call ended, and the user name was never locked.");
    Ok(())
}

fn cold_start(processes: usize) -> Result<()> {
    let table = Table::begin("A cold start", ["logins", "longest call"]);
    let (at_once, in_seconds) = (SECOND / 10, 5 * SECOND);
    let often = Sharing::Polling(SECOND / 10);
    let (rarely, waking) = (Sharing::Polling(SECOND), Sharing::Waking(SECOND));
    for (name, sharing, start) in [
        ("polling, 100 ms", often, in_seconds),
        ("polling, 1 s", rarely, in_seconds),
        ("waking", waking, in_seconds),
        ("all in 0.1 s, polling, 100 ms", often, at_once),
        ("all in 0.1 s, waking", waking, at_once),
    ] {
        let run = Plan::new(processes, sharing, start, |_, _| None).run()?;
        run.assert_all_succeeded(1);
        let cells = [count(run.logins()), time(run.longest_call)];
        table.line(name, &cells, &run);
    }
    Ok(())
}

fn hour_of_calls(processes: usize) -> Result<()> {
    let table = Table::begin(
        "An hour of calls",
        ["calls", "logins", "token fetches", "longest call"],
    );
    for processes in [(processes / 10).max(1), processes] {
        let next_call = |now, random: &mut Random| now_and_then(now, 60 * MINUTE, random);
        let run = Plan::new(processes, Sharing::Waking(SECOND), MINUTE, next_call).run()?;
        run.assert_all_succeeded(1);
        let fetches = run.service.counts().seen(Kind::BearerToken);
        let cells = [
            count(run.succeeded),
            count(run.logins()),
            count(fetches),
            time(run.longest_call),
        ];
        table.line(&format!("{processes} processes"), &cells, &run);
    }
    Ok(())
}

fn outage(processes: usize) -> Result<()> {
    const START: Duration = Duration::ZERO;
    const BEGIN: Duration = Duration::from_secs(5 * 60);
    const END: Duration = Duration::from_secs(15 * 60);
    const RARELY: Duration = Duration::from_secs(10 * 60);
    let unavailable: fn(&mut Simulator) = |service| {
        service.forget_sessions();
        let fault = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
        service.begin_outage(Part::Api, fault);
    };
    let silent: fn(&mut Simulator) = |service| service.begin_outage(Part::Api, Fault::Hang);
    let table = Table::begin(
        "An outage of ten minutes",
        ["logins", "in vain", "in doubt", "calls failed", "healed"],
    );
    // A fleet that starts while the service is down has no session, and tries to log in.
    for (name, starts_at, begin, longest_check_pause) in [
        ("503 to a busy fleet", START, unavailable, RARELY),
        ("503 to one that starts", BEGIN, unavailable, RARELY),
        ("the same, checks each minute", BEGIN, unavailable, MINUTE),
        ("silence to one that starts", BEGIN, silent, RARELY),
    ] {
        let next_call = |now, random: &mut Random| now_and_then(now, 22 * MINUTE, random);
        // Who waits for a response that does not come looks rarely: the store wakes it.
        let mut plan = Plan::new(processes, Sharing::Waking(10 * SECOND), MINUTE, next_call);
        plan.starts_at = starts_at;
        plan.script = vec![(BEGIN, begin), (END, Simulator::end_outages)];
        plan.settings.longest_check_pause = longest_check_pause;
        let run = plan.run()?;
        run.assert_safe();
        let healed = run.last_failure.saturating_sub(END);
        assert!(healed < 10 * MINUTE, "calls fail long after the outage");
        let in_vain = run.service.counts().seen(Kind::LogIn) - run.logins();
        let cells = [
            count(run.logins()),
            count(in_vain),
            count(run.most_in_doubt),
            count(run.failed),
            time(healed),
        ];
        table.line(name, &cells, &run);
    }
    Ok(())
}

fn session_ends(processes: usize) -> Result<()> {
    let table = Table::begin("A session that ends", ["logins", "refused", "longest call"]);
    let idle = |now, random: &mut Random| {
        let again = 25 * MINUTE;
        (now < again).then(|| again + random.up_to(5 * SECOND))
    };
    let busy = |now, random: &mut Random| {
        (now < 30 * SECOND).then(|| now + 2 * SECOND + random.up_to(4 * SECOND))
    };
    let line = |name: &str, run: Run| {
        run.assert_all_succeeded(2);
        let saves = run.store.saves.total;
        assert!(saves < 20, "processes save what others have saved");
        let counts = run.service.counts();
        let refused = counts.seen(Kind::Account) - counts.done(Kind::Account);
        let cells = [count(run.logins()), count(refused), time(run.longest_call)];
        table.line(name, &cells, &run);
    };
    for (name, sharing) in [
        ("polling, 100 ms", Sharing::Polling(SECOND / 10)),
        ("waking", Sharing::Waking(SECOND)),
    ] {
        let plan = Plan::new(processes, sharing, 5 * SECOND, idle);
        line(&format!("idle for 25 min, {name}"), plan.run()?);
        let mut plan = Plan::new(processes, sharing, 5 * SECOND, busy);
        plan.script = vec![(20 * SECOND, Simulator::forget_sessions)];
        line(&format!("ended by others, {name}"), plan.run()?);
    }
    Ok(())
}

/// The time of the next call of a process that makes one in one to three minutes.
fn now_and_then(now: Duration, until: Duration, random: &mut Random) -> Option<Duration> {
    let next = now + MINUTE + random.up_to(2 * MINUTE);
    (next < until).then_some(next)
}

/// The width of the name of a run, and the least width of a cell.
const NAME: usize = 32;
const CELL: usize = 7;

/// A table for a human, with a line for each run.
struct Table {
    head: Vec<&'static str>,
}

impl Table {
    const STORE: [&str; 5] = [
        "loads (a second)",
        "saves (a second)",
        "conflicts",
        "connections (mean)",
        "longest access",
    ];

    /// Prints the head of a table: its own columns, and those of the store.
    fn begin<const N: usize>(title: &str, own: [&'static str; N]) -> Self {
        let head: Vec<_> = own.into_iter().chain(Self::STORE).collect();
        print!("\n{title:NAME$}");
        for head in &head {
            print!("  {head:>CELL$}");
        }
        println!();
        Self { head }
    }

    /// Prints a line: these cells, and what the store has seen.
    fn line<const N: usize>(&self, name: &str, own: &[String; N], run: &Run) {
        let store = &run.store;
        let rate = |rate: &Rate| format!("{} ({})", rate.total, rate.peak);
        let connections = format!("{} ({})", store.most_connected, store.mean_connected());
        let of_store = [
            rate(&store.loads),
            rate(&store.saves),
            count(store.conflicts),
            connections,
            time(store.longest_access),
        ];
        print!("{name:NAME$}");
        for (head, cell) in self.head.iter().zip(own.iter().chain(&of_store)) {
            print!("  {cell:>width$}", width = head.len().max(CELL));
        }
        println!();
    }
}

fn count(number: u64) -> String {
    number.to_string()
}

fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 60.0 => format!("{seconds:.2} s"),
        seconds => format!("{:.1} min", seconds / 60.0),
    }
}
