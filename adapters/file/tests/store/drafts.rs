//! Files of other kinds that must be there whole, for their owner alone.

use std::{fs, path::Path};

use thingspace_file::{Draft, read_private};

use crate::{mode, set_mode};

fn contents(path: &Path) -> Option<Vec<u8>> {
    read_private(path, 100)
        .unwrap()
        .map(|contents| contents.to_vec())
}

#[test]
fn a_draft_takes_the_place_of_what_was_there_when_it_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("password");
    fs::write(&place, "old").unwrap();
    set_mode(&place, 0o600);
    let mut draft = Draft::begin(&place).unwrap();
    draft.reserve(50).unwrap();
    assert_eq!(fs::metadata(draft.path()).unwrap().len(), 50);
    draft.fill(b"new").unwrap();
    assert_eq!(contents(&place).unwrap(), b"old");
    assert_eq!(contents(draft.path()).unwrap(), b"new");
    assert_eq!(mode(draft.path()), 0o600);
    let path = draft.path().to_owned();
    draft.publish().unwrap();
    assert_eq!(contents(&place).unwrap(), b"new");
    assert!(!path.exists());
    assert_eq!(mode(&place), 0o600);
}

#[test]
fn a_draft_goes_unless_it_holds_something() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("password");
    let mut draft = Draft::begin(&place).unwrap();
    draft.reserve(10).unwrap();
    drop(draft);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    Draft::begin(&place).unwrap().fill(b"new").unwrap();
    assert_eq!(contents(&Draft::path_of(&place)).unwrap(), b"new");
    assert!(!place.exists());
}

#[test]
fn a_draft_needs_a_folder_to_write_to() {
    let folder = tempfile::tempdir().unwrap();
    let error = Draft::begin(folder.path().join("missing/password")).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("password.new could not be made")
    );
}

#[test]
fn a_file_that_others_may_read_is_none_to_read_a_secret_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    assert_eq!(contents(&path), None);
    fs::write(&path, "hush").unwrap();
    set_mode(&path, 0o644);
    let error = read_private(&path, 100).unwrap_err().to_string();
    assert!(error.contains("(mode 0644)"), "{error}");
    assert!(error.contains("chmod 600 "), "{error}");
    set_mode(&path, 0o400);
    assert_eq!(contents(&path).unwrap(), b"hush");
    assert!(read_private(&path, 3).is_err());
    assert!(read_private(folder.path(), 100).is_err());

    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(contents(&link).unwrap(), b"hush");
}
