//! The overview: one figure of each table, what it was measured against, and its goal.

use std::fmt::Write;

use crate::tables::{Table, number};

/// The overview, from the tables of the page.
#[allow(clippy::too_many_lines, reason = "a row after the other")]
pub(crate) fn of(page: &str) -> String {
    let works = Table::one(page, "counts");
    let work = |by| works.number(&["a call with an open session", by], "instructions");
    let added = work("thingspace") - work("its endpoint alone, and a copy of the request");
    let to_path = work("thingspace") - work("thingspace, at a full address");
    let from_text = work("thingspace, from the text of a full address each time")
        - work("thingspace, from the text of a path each time");
    let unnamed = work("thingspace, at a full address")
        - work("its endpoint alone, and a copy of the request, at a full address");
    let full = work("thingspace, at a full address, the caller's user agent")
        - work(
            "its endpoint alone, and a copy of the request, at a full address, the caller's user agent",
        );
    let loopback = Table::one(page, "loopback");
    let ratio = |who| loopback.cell(&[who], "× floor");
    let instructions = |who| loopback.number(&[who], "instructions");
    let half = |who| instructions(who) / instructions("reqwest");
    let endpoints = Table::one(page, "endpoints");
    let bytes = endpoints.columns(["machine code of each further endpoint"]);
    let bytes = bytes
        .iter()
        .map(|[bytes]| number(bytes))
        .fold(0.0, f64::max);
    let sessions = Table::one(page, "sessions");
    let sharing = Table::one(page, "sharing");
    let shared = "on one session, calls per second";
    let stores = Table::one(page, "stores");
    let least = stores.columns(["of no store"]);
    let least = least
        .iter()
        .map(|[ratio]| number(ratio))
        .fold(1.0, f64::min);
    let waiting = Table::one(page, "waiting");
    let waited = waiting.cell(&["10000"], "last is done, tasks on 2 threads");
    let command = Table::one(page, "command");
    let command = |column| command.cell(&["`thingspace call GET`, session in a file"], column);
    let proxy = Table::one(page, "proxy calls");
    let programs = Table::one(page, "programs");
    let program = |who| programs.cell(&[who], "size");
    let bearer = works.number(&["bearer: request and response", "thingspace"], "× by hand");

    let mut table =
        String::from("| what | measured against | figure | goal |\n| --- | --- | --- | --- |\n");
    let mut row = |what: &str, against: &str, figure: String, goal: &str| {
        writeln!(table, "| {what} | {against} | {figure} | {goal} |").unwrap();
    };
    let call = "[a whole call](#a-whole-call), instructions";
    for (who, against, goal, is_met) in [
        (
            "thingspace-hyper",
            "hyper-util's legacy client, same headers but the user agent",
            "0.90 ×",
            number(ratio("thingspace-hyper")) <= 0.9,
        ),
        (
            "thingspace-ureq",
            "ureq, same headers",
            "1.05 ×",
            number(ratio("thingspace-ureq")) <= 1.05,
        ),
    ] {
        row(
            &format!("{call}, {who}"),
            against,
            format!("{} ×", ratio(who)),
            &goal_is(goal, is_met),
        );
    }
    let of_reqwest = half("thingspace-hyper");
    row(
        &format!("{call}, thingspace-hyper"),
        "reqwest, same headers but the user agent",
        format!("{of_reqwest:.3} ×"),
        &goal_is("0.50 ×", of_reqwest <= 0.5),
    );
    let work = "[what the machine does](#each-work-for-itself) in a call with an open session";
    row(
        work,
        "its endpoint, and the copy that a replay needs",
        format!("{added:.0} instructions"),
        &goal_is("1,000", added <= 1000.0),
    );
    row(
        "the same, at a full address",
        "the same, with the same headers",
        format!("{full:.0} instructions"),
        &goal_is("1,000", full <= 1000.0),
    );
    row(
        "the same, where the machine adds the user agent",
        "the same, which has none",
        format!("{unnamed:.0} instructions"),
        &goal_is("1,000", unnamed <= 1000.0),
    );
    row(
        "the same, to a path that each call reads from its text",
        "the call to a full address, read likewise",
        format!("{from_text:.0} instructions less"),
        &goal_is("0", from_text >= 0.0),
    );
    row(
        "the same, to a path that was read before",
        "the call to a full address that was",
        format!("{to_path:.0} instructions more"),
        &goal_is("0", to_path <= 0.0),
    );
    row(
        "[the bearer token](#each-work-for-itself)",
        "by hand, for this alone",
        format!("{bearer:.2} ×"),
        &goal_is("1.15 ×", bearer <= 1.15),
    );
    row(
        "[each further endpoint](#each-work-for-itself)",
        "a program with one",
        format!("{bytes:.0} bytes at most"),
        &goal_is("1,000", bytes <= 1000.0),
    );
    row(
        "[an open session](#many-together) in memory",
        "",
        format!(
            "{} bytes",
            sessions.cell(&["an open session, with all that it owns"], "bytes")
        ),
        "",
    );
    row(
        "[one session, two threads](#many-together)",
        "a session each",
        format!(
            "{:.1} million calls per second, × {}",
            sharing.number(&["2 threads"], shared) / 1e6,
            sharing.cell(&["2 threads"], "one of each")
        ),
        "",
    );
    row(
        "[10,000 tasks that wait for a login](#many-together)",
        "",
        format!("the last has its response {waited} after it"),
        "",
    );
    row(
        "[calls beside a store](#stores), open session",
        "the same without one",
        format!("× {least:.2} or more of the throughput"),
        &goal_is("0.95", least >= 0.95),
    );
    row(
        "[`thingspace call`](#the-command-line) as a process",
        "",
        format!(
            "{}, {:.1} million instructions, {} system calls",
            command("wall"),
            number(command("instructions")) / 1e6,
            command("system calls")
        ),
        "",
    );
    row(
        "[the proxy](#the-proxy), added to a call",
        "hyper-util, straight, with both tokens",
        format!(
            "{} in the median",
            proxy.cell(&["hyper-util", "proxy, port"], "added, median")
        ),
        "",
    );
    row(
        "[a program](#programs) with one call over TLS",
        &format!(
            "the stack alone: ureq {}, hyper {}",
            program("ureq"),
            program("hyper-util and hyper-rustls")
        ),
        format!(
            "{} and {}",
            program("thingspace-ureq"),
            program("thingspace-hyper")
        ),
        "",
    );
    table
}

fn goal_is(goal: &str, is_met: bool) -> String {
    let verdict = if is_met { "met" } else { "**missed**" };
    format!("{goal}: {verdict}")
}
