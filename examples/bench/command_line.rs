//! The command line, as it is built.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Builds `thingspace` by this profile. Returns its path.
pub(crate) fn build(profile: &str) -> PathBuf {
    let target = target();
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a bench of its package would be a change to build scripts of
    // others, which are run again then.
    let of_this = |name: &OsString| {
        name.to_string_lossy().starts_with("CARGO_PKG_")
            || name.to_string_lossy().starts_with("CARGO_MANIFEST_")
    };
    for name in env::vars_os().map(|(name, _)| name).filter(of_this) {
        cargo.env_remove(name);
    }
    let status = cargo
        .args(["build", "--quiet", "--locked", "-p", "thingspace-cli"])
        .args(["--profile", profile, "--target-dir"])
        .arg(&target)
        .status()
        .unwrap();
    assert!(status.success(), "thingspace was not built");
    let folder = if profile == "dev" { "debug" } else { profile };
    target.join(folder).join("thingspace")
}

/// The target directory.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .to_owned()
}
