//! The version, with the commit that the program was built from.

use std::{fs, path::Path, process::Command};

use crate::{build, stage::*};

#[test]
fn the_version_names_the_commit() {
    let commit = build::commit(Path::new(env!("CARGO_MANIFEST_DIR")));
    let expected = match commit {
        Some(commit) => format!("thingspace {} ({commit})\n", env!("CARGO_PKG_VERSION")),
        None => format!("thingspace {}\n", env!("CARGO_PKG_VERSION")),
    };
    let stage = Stage::new();
    for option in ["--version", "-V"] {
        assert_eq!(stage.run(&[option]).succeeds().text(), expected);
    }
}

#[test]
fn a_checkout_is_of_the_commit_that_git_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let log = Command::new("git")
        .args(["log", "-1", "--format=%H", "--", "."])
        .current_dir(folder)
        .output();
    // Without git, or outside of a checkout, there is nothing to compare.
    let Some(log) = log.ok().filter(|log| log.status.success()) else {
        return;
    };
    if log.stdout.is_empty() || folder.join(".cargo_vcs_info.json").exists() {
        return;
    }
    let head = Command::new("git")
        .args(["log", "-1", "--format=%H"])
        .current_dir(folder)
        .output()
        .unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    assert_eq!(build::commit(folder).as_deref(), head.get(..7));
}

#[test]
fn a_package_is_of_the_commit_that_cargo_noted() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join(".cargo_vcs_info.json");
    let hash = "0123456789abcdef0123456789abcdef01234567";
    fs::write(
        &note,
        format!("{{\n  \"git\": {{\n    \"sha1\": \"{hash}\"\n  }},\n  \"path_in_vcs\": \"examples/cli\"\n}}"),
    )
    .unwrap();
    assert_eq!(build::commit(folder.path()).as_deref(), Some("0123456"));

    for note_of_nothing in [
        "",
        "{}",
        r#"{"git":{"sha1":""}}"#,
        r#"{"git":{"sha1":"not a hash"}}"#,
    ] {
        fs::write(&note, note_of_nothing).unwrap();
        assert_eq!(build::commit(folder.path()), None, "{note_of_nothing}");
    }
}

#[test]
fn sources_in_the_repository_of_another_project_are_of_no_commit() {
    // What a build leaves behind is in the project's folder, and git does not know it.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), "[package]").unwrap();
    assert_eq!(build::commit(folder.path()), None);
}
