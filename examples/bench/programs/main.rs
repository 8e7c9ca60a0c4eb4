//! The weight that a library adds to a program: the time that it takes to build a
//! minimal one that makes one call over TLS, from nothing and optimized, its size
//! without symbols, and the number of its crates.
//!
//! ```text
//! cargo bench -p thingspace-bench --bench programs
//! cargo bench -p thingspace-bench --bench programs -- record   # and writes the table in README.md
//! ```
//!
//! The programs are built in the target directory, with the versions of this
//! repository's `Cargo.lock`, and never run. Whatever has to be downloaded is
//! downloaded before the clock starts. The machine code that each further endpoint
//! adds is shown and checked by `counts`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, reason = "others use the rest")]
#[path = "../options.rs"]
mod options;
#[path = "../page.rs"]
mod page;
mod program;

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    options::Options,
    program::{Program, built, cargo},
};

const PROGRAMS: &[Program] = &[
    Program {
        name: "nothing",
        dependencies: "",
        source: "fn main() {}",
    },
    Program {
        name: "thingspace-core, without a stack",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-core = { path = "ROOT/core" }
        "#,
        source: include_str!("core.rs"),
    },
    Program {
        name: "thingspace-core with the feature `connectivity`",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-core = { path = "ROOT/core", features = ["connectivity"] }
        "#,
        source: include_str!("core.rs"),
    },
    Program {
        name: "ureq",
        dependencies: r#"ureq = { version = "3", default-features = false, features = ["rustls"] }"#,
        source: include_str!("ureq.rs"),
    },
    Program {
        name: "thingspace-ureq",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-ureq = { path = "ROOT/adapters/ureq" }
        "#,
        source: include_str!("thingspace_ureq.rs"),
    },
    Program {
        name: "hyper-util and hyper-rustls",
        dependencies: r#"
            bytes = "1"
            http = "1"
            http-body-util = "0.1"
            hyper-rustls = { version = "0.27", default-features = false, features = ["http1", "http2", "ring", "webpki-tokio"] }
            hyper-util = { version = "0.1", default-features = false, features = ["client-legacy", "http1", "http2", "tokio"] }
            tokio = { version = "1", default-features = false, features = ["net", "rt", "time"] }
        "#,
        source: include_str!("hyper.rs"),
    },
    Program {
        name: "thingspace-hyper",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-hyper = { path = "ROOT/adapters/hyper" }
            tokio = { version = "1", default-features = false, features = ["net", "rt", "time"] }
        "#,
        source: include_str!("thingspace_hyper.rs"),
    },
    Program {
        name: "reqwest, on ring and with fewer features",
        dependencies: r#"
            reqwest = { version = "0.13", default-features = false, features = ["http2", "rustls-no-provider"] }
            rustls = { version = "0.23", default-features = false, features = ["ring"] }
            tokio = { version = "1", default-features = false, features = ["net", "rt", "time"] }
        "#,
        source: include_str!("reqwest_on_ring.rs"),
    },
    Program {
        name: "reqwest, as it comes",
        dependencies: r#"
            reqwest = "0.13"
            tokio = { version = "1", default-features = false, features = ["net", "rt", "time"] }
        "#,
        source: include_str!("reqwest.rs"),
    },
];

fn main() {
    // Run as a test, there is nothing to do.
    let Some(options) = Options::of_bench(1) else {
        return;
    };
    let mut table = String::from(
        "| program | crates | built in | processor | size |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for program in PROGRAMS {
        let folder = program.write();
        cargo(&folder, &["fetch", "--quiet"]);
        let crates = crates(&folder);
        let (start, before) = (Instant::now(), processor());
        cargo(&folder, &["build", "--release", "--quiet"]);
        let (wall, processor) = (start.elapsed(), processor().saturating_sub(before));
        let size = fs::metadata(built(&folder)).unwrap().len();
        writeln!(
            table,
            "| {} | {crates} | {:.1} s | {:.1} s | {} KiB |",
            program.name,
            wall.as_secs_f64(),
            processor.as_secs_f64(),
            size.div_ceil(1024)
        )
        .unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
    page::show("programs", &table, options.records);
}

/// The number of crates that a program is made of, besides itself.
fn crates(folder: &Path) -> usize {
    let tree = cargo(
        folder,
        &["tree", "-e", "normal", "--prefix", "none", "--no-dedupe"],
    );
    let crates: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.split(" (").next().unwrap_or(line))
        .collect();
    crates.len() - 1
}

/// The processor time of all children that have finished.
fn processor() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Duration::from_micros(micros.iter().sum::<i64>().try_into().unwrap())
}
