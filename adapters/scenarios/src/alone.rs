//! Stories about what belongs to a whole process: its environment, its log.

use std::{env, process::Command};

/// Says to a process that it was started for the stories that it tells.
const ALONE: &str = "THINGSPACE_STORIES_ALONE";

/// Whether this process was started for the stories that it tells.
pub(crate) fn is_alone() -> bool {
    env::var_os(ALONE).is_some()
}

/// Tells those of this program's stories that have one of these in their names
/// in a process of their own, which is prepared like this.
pub(crate) fn tell_alone(stories: &[&str], prepare: impl FnOnce(&mut Command)) {
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(stories).env(ALONE, "");
    prepare(&mut process);
    let output = process.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{complaints}");
    assert!(!told.contains("ok. 0 passed"), "{told}");
}
