//! Scenarios about things that belong to a whole process: its environment, its log.

use std::{env, process::Command};

/// The environment variable of a process that [`run_alone`] has started.
const ALONE: &str = "THINGSPACE_SCENARIOS_ALONE";

/// Returns true if [`run_alone`] has started this process.
pub(crate) fn is_alone() -> bool {
    env::var_os(ALONE).is_some()
}

/// Runs the tests of this program whose names contain one of `filters`, in a new
/// process that `prepare` may change.
pub(crate) fn run_alone(filters: &[&str], prepare: impl FnOnce(&mut Command)) {
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(filters).env(ALONE, "");
    prepare(&mut process);
    let output = process.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(!stdout.contains("ok. 0 passed"), "{stdout}");
}
