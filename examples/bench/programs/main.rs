//! What a library adds to a program: how long it takes to build a minimal one
//! that makes one call over TLS, from nothing and optimized, how large that is
//! without symbols, and how many crates it is made of.
//!
//! ```text
//! cargo bench -p thingspace-bench --bench programs
//! ```
//!
//! The programs are built in the target directory, with the versions of this
//! repository's `Cargo.lock`, and never run. What has to be downloaded is
//! downloaded before the clock starts.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A program, with what it depends on beyond the standard library.
struct Program {
    name: &'static str,
    dependencies: &'static str,
    source: &'static str,
}

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
    // Run as a test, it has nothing to say.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| program | crates | built in | processor | size |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for program in PROGRAMS {
        let place = program.write();
        cargo(&place, &["fetch", "--quiet"]);
        let crates = crates(&place);
        let (start, before) = (Instant::now(), processor());
        cargo(&place, &["build", "--release", "--quiet"]);
        let (wall, processor) = (start.elapsed(), processor().saturating_sub(before));
        let size = fs::metadata(place.join("target/release/program"))
            .unwrap()
            .len();
        println!(
            "| {} | {crates} | {:.1} s | {:.1} s | {} KiB |",
            program.name,
            wall.as_secs_f64(),
            processor.as_secs_f64(),
            size.div_ceil(1024)
        );
        fs::remove_dir_all(place).unwrap();
    }
}

impl Program {
    /// Lays the program out; gives its folder.
    fn write(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().unwrap();
        let place = env::current_exe().unwrap();
        let place = place.parent().unwrap().join("programs");
        fs::remove_dir_all(&place).ok();
        fs::create_dir_all(place.join("src")).unwrap();
        let dependencies = self.dependencies.replace("ROOT", root.to_str().unwrap());
        let dependencies: Vec<&str> = dependencies.lines().map(str::trim).collect();
        let manifest = format!(
            "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[profile.release]\nstrip = true\n\n[dependencies]\n{}\n",
            dependencies.join("\n")
        );
        fs::write(place.join("Cargo.toml"), manifest).unwrap();
        fs::write(place.join("src/main.rs"), self.source).unwrap();
        fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
        place
    }
}

fn cargo(place: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(place)
        .env_remove("CARGO_TARGET_DIR")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

/// How many crates it is made of, besides itself.
fn crates(place: &Path) -> usize {
    let tree = cargo(
        place,
        &["tree", "-e", "normal", "--prefix", "none", "--no-dedupe"],
    );
    let crates: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.split(" (").next().unwrap_or(line))
        .collect();
    crates.len() - 1
}

/// The time that finished children took on the processor.
fn processor() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Duration::from_micros(micros.iter().sum::<i64>().try_into().unwrap())
}
