//! The machine code that each further endpoint adds to a program.
//!
//! A program that calls one endpoint is built, and another that calls many of the
//! same shape, each with a type and a path of its own. The difference of their
//! text sections is what the others add. The programs are optimized as every
//! release build is, and so are the libraries in them.

use std::{fs, path::Path, process::Command};

use crate::program::{Program, built, cargo};

/// The programs that are measured: one for each way of calling an endpoint.
///
/// Each has a line in its `main` that calls `Nth::<0>`.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "thingspace-core, without a stack",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-core = { path = "ROOT/core" }
        "#,
        source: include_str!("programs/endpoints_core.rs"),
    },
    Program {
        name: "thingspace-ureq",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-ureq = { path = "ROOT/adapters/ureq" }
        "#,
        source: include_str!("programs/endpoints_ureq.rs"),
    },
    Program {
        name: "thingspace-hyper",
        dependencies: r#"
            bytes = "1"
            http = "1"
            thingspace-hyper = { path = "ROOT/adapters/hyper" }
            tokio = { version = "1", features = ["rt"] }
        "#,
        source: include_str!("programs/endpoints_hyper.rs"),
    },
];

/// The program that makes typed calls of Connectivity Management, beside one that is not
/// typed. A line that makes one ends with [`FIRST`] or [`MORE`].
pub(crate) const TYPED: Program = Program {
    name: "thingspace-core, without a stack",
    dependencies: r#"
        bytes = "1"
        http = "1"
        thingspace-core = { path = "ROOT/core", features = ["connectivity"] }
    "#,
    source: include_str!("programs/typed_core.rs"),
};

const FIRST: &str = "// first";
const MORE: &str = "// further";

/// The number of endpoints that the larger program calls beyond the first.
const FURTHER: usize = 60;

/// The bytes of machine code that each further endpoint adds, to the nearest whole
/// number.
pub(crate) fn further_endpoint(program: &Program) -> u64 {
    let [one, many] = text_sections(program, [program.source, &with_further(program.source)]);
    rounded(many - one, FURTHER)
}

/// The bytes of machine code that the first typed call adds, and each further one, to the
/// nearest whole number. Each is another call, with models of its own.
pub(crate) fn typed_calls() -> (u64, u64) {
    let without = |marks: &[&str]| {
        let lines = TYPED.source.lines();
        let lines = lines.filter(|line| !marks.iter().any(|mark| line.ends_with(mark)));
        lines.collect::<Vec<_>>().join("\n")
    };
    let sources = [&*without(&[FIRST, MORE]), &without(&[MORE]), TYPED.source];
    let [none, one, many] = text_sections(&TYPED, sources);
    let further = TYPED.source.lines().filter(|line| line.ends_with(MORE));
    (one - none, rounded(many - one, further.count()))
}

/// The bytes of one of so many, if all have so many bytes, to the nearest whole number.
fn rounded(bytes: u64, number: usize) -> u64 {
    let number = u64::try_from(number).unwrap();
    (bytes + number / 2) / number
}

/// The sizes of the text sections of a program with each of these sources.
fn text_sections<const N: usize>(program: &Program, sources: [&str; N]) -> [u64; N] {
    let folder = program.write();
    let sizes = sources.map(|source| {
        fs::write(folder.join("src/main.rs"), source).unwrap();
        text_section(&folder)
    });
    fs::remove_dir_all(folder).unwrap();
    sizes
}

/// The source with a call of every further endpoint after that of the first.
fn with_further(source: &str) -> String {
    let call = source.lines().find(|line| line.contains("Nth::<0>"));
    let call = call.unwrap();
    let calls: Vec<String> = (0..=FURTHER)
        .map(|number| call.replace("Nth::<0>", &format!("Nth::<{number}>")))
        .collect();
    source.replace(call, &calls.join("\n"))
}

/// The size of the text section of a release build, in bytes.
fn text_section(folder: &Path) -> u64 {
    cargo(folder, &["build", "--release", "--quiet"]);
    let output = Command::new("size")
        .args(["-A", "-d"])
        .arg(built(folder))
        .output()
        .unwrap();
    let sections = String::from_utf8(output.stdout).unwrap();
    let text = sections
        .lines()
        .find_map(|line| line.strip_prefix(".text "));
    let size = text.and_then(|text| text.split_whitespace().next());
    size.unwrap().parse().unwrap()
}
