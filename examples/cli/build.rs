//! Puts into the program, for `--version`, the commit that it is built from.
//!
//! It holds no time and no path: the same commit makes the same program.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    for file in changed_with_commit(&folder) {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let commit = commit(&folder).map_or(String::new(), |commit| format!(" ({commit})"));
    let version = env!("CARGO_PKG_VERSION");
    println!("cargo::rustc-env=THINGSPACE_VERSION={version}{commit}");
}

/// The first digits of the commit that a folder's sources are of: as cargo noted it in a
/// package, else as git says. Nothing if nobody knows.
pub(crate) fn commit(folder: &Path) -> Option<String> {
    let hash = match fs::read_to_string(note_of_cargo(folder)) {
        Ok(note) => note.split_once("\"sha1\"")?.1.split('"').nth(1)?.to_owned(),
        Err(_) if is_tracked(folder) => git(folder, &["rev-parse", "HEAD"])?,
        Err(_) => return None,
    };
    let digits = hash.get(..7)?;
    let is_hash = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hash.then(|| digits.to_owned())
}

/// The files that change when the commit does, and as seldom else as can be.
fn changed_with_commit(folder: &Path) -> Vec<PathBuf> {
    let note = note_of_cargo(folder);
    if note.exists() {
        return vec![note];
    }
    if !is_tracked(folder) {
        return Vec::new();
    }
    let of_git = |name| {
        let path = folder.join(git(folder, &["rev-parse", "--git-path", name])?);
        // A file that is not there would be taken for one that has changed.
        path.exists().then_some(path)
    };
    // Git writes a line there whenever HEAD moves, but may be configured not to.
    match of_git("logs/HEAD") {
        Some(log) => vec![log],
        None => ["HEAD", "refs", "packed-refs", "reftable"]
            .into_iter()
            .filter_map(of_git)
            .collect(),
    }
}

fn note_of_cargo(folder: &Path) -> PathBuf {
    folder.join(".cargo_vcs_info.json")
}

/// Returns true if git knows the folder's files. Sources that were unpacked inside
/// somebody else's repository are not of its commit.
fn is_tracked(folder: &Path) -> bool {
    git(folder, &["ls-files", "--error-unmatch", "Cargo.toml"]).is_some()
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
