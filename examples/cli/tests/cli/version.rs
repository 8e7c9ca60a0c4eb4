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
fn a_checkout_is_of_the_commit_that_git_names_once_it_knows_the_sources() {
    let repository = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Zaphod",
                "-c",
                "user.email=zaphod@example.com",
            ])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(repository.path())
            .output()?;
        assert!(output.status.success(), "{output:?}");
        std::io::Result::Ok(String::from_utf8(output.stdout).unwrap())
    };
    // Where there is no git, no program names a commit.
    if git(&["init", "--quiet"]).is_err() {
        return;
    }
    let commit = |message| {
        git(&["commit", "--quiet", "--allow-empty", "--message", message]).unwrap();
        git(&["rev-parse", "HEAD"]).unwrap()[..7].to_owned()
    };
    let sources = repository.path().join("unpacked/sources");
    fs::create_dir_all(&sources).unwrap();
    fs::write(sources.join("Cargo.toml"), "[package]").unwrap();

    commit("A project of somebody else's");
    assert_eq!(build::commit(&sources), None);

    git(&["add", "."]).unwrap();
    let first = commit("Add the sources");
    assert_eq!(build::commit(&sources), Some(first));
    let second = commit("Go on");
    assert_eq!(build::commit(&sources), Some(second));
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
