//! Drafts of other files that must be complete, and readable by their owner alone.

use std::{fs, path::Path, process::Command, thread};

use thingspace_file::{Draft, Problem, read_private};

use crate::{mode, set_mode};

fn contents(path: &Path) -> Option<Vec<u8>> {
    read_private(path, 100)
        .unwrap()
        .map(|contents| contents.to_vec())
}

#[test]
fn a_published_draft_replaces_the_file() {
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
fn a_dropped_draft_is_removed_unless_it_was_filled() {
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
fn a_draft_that_is_being_written_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("password");
    let mut draft = Draft::begin(&place).unwrap();
    for filled in [false, true] {
        let error = Draft::begin(&place).unwrap_err();
        assert!(matches!(error.problem(), Problem::Busy), "{error}");
        if !filled {
            draft.fill(b"new").unwrap();
        }
    }
    draft.publish().unwrap();
    assert_eq!(contents(&place).unwrap(), b"new");
    Draft::begin(&place).unwrap();
}

#[test]
fn a_file_that_replaced_the_draft_is_neither_published_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("password");
    for filled in [false, true] {
        let mut draft = Draft::begin(&place).unwrap();
        if filled {
            draft.fill(b"new").unwrap();
        }
        fs::remove_file(draft.path()).unwrap();
        fs::write(draft.path(), "somebody else's").unwrap();
        if filled {
            let error = draft.publish().unwrap_err();
            assert!(matches!(error.problem(), Problem::Gone), "{error}");
        } else {
            drop(draft);
        }
        let left = fs::read(Draft::path_of(&place)).unwrap();
        assert_eq!(left, b"somebody else's");
        assert!(!place.exists());
        fs::remove_file(Draft::path_of(&place)).unwrap();
    }
}

#[test]
fn a_draft_needs_an_existing_folder() {
    let folder = tempfile::tempdir().unwrap();
    let error = Draft::begin(folder.path().join("missing/password")).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("password.new could not be made")
    );
}

#[test]
fn a_secret_is_not_read_from_a_file_that_others_may_read() {
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

#[test]
fn a_secret_of_any_length_is_read_from_a_file_or_a_pipe_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pipe) = (folder.path().join("file"), folder.path().join("pipe"));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    set_mode(&pipe, 0o600);
    for length in [0, 1, 4095, 4096, 4097, 50_000] {
        let secret = vec![b'x'; length];
        fs::write(&file, &secret).unwrap();
        set_mode(&file, 0o600);
        for limit in [length, length + 1, 1 << 20] {
            for path in [&file, &pipe] {
                let read = thread::scope(|scope| {
                    if path == &pipe {
                        scope.spawn(|| fs::write(path, &secret).unwrap());
                    }
                    read_private(path, limit).unwrap().unwrap()
                });
                assert_eq!(*read, secret);
            }
        }
        if let Some(limit) = length.checked_sub(1) {
            let error = read_private(&file, limit).unwrap_err();
            assert!(
                matches!(error.problem(), Problem::TooLarge { .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn a_file_is_read_into_no_more_than_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("password");
    for length in [0, 1, 31, 32, 33, 5_000] {
        fs::write(&place, "x".repeat(length)).unwrap();
        set_mode(&place, 0o600);
        // All of its buffer is wiped.
        let read = read_private(&place, 128 * 1024).unwrap().unwrap();
        assert_eq!((read.len(), read.capacity()), (length, length + 1));
    }
}
