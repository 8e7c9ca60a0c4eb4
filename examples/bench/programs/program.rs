//! Minimal programs, which are built to see what that takes and how large they
//! are.
//!
//! They are built in the target directory, with the versions of this repository's
//! `Cargo.lock`, and never run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program, with its dependencies beyond the standard library.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) dependencies: &'static str,
    pub(crate) source: &'static str,
}

impl Program {
    /// Lays the program out anew. Returns its folder.
    pub(crate) fn write(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().unwrap();
        let folder = env::current_exe().unwrap();
        let folder = folder.parent().unwrap().join("programs");
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(folder.join("src")).unwrap();
        let dependencies = self.dependencies.replace("ROOT", root.to_str().unwrap());
        let dependencies: Vec<&str> = dependencies.lines().map(str::trim).collect();
        let manifest = format!(
            "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[profile.release]\nstrip = true\n\n[dependencies]\n{}\n",
            dependencies.join("\n")
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("src/main.rs"), self.source).unwrap();
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        folder
    }
}

/// Runs cargo in a program's folder. Returns what it printed.
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

/// The file that a release build of the program makes.
pub(crate) fn built(folder: &Path) -> PathBuf {
    folder.join("target/release/program")
}
