//! Files and folders that are refused and left as they are.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
};

use proptest::prelude::*;
use thingspace_core::{
    Environment,
    session::{Revision, Store},
};
use thingspace_file::MAX_STATE;

use crate::{Place, chain, change, session_in, set_mode, snapshot, sync};

/// Asserts that loads and saves fail for this reason and leave the file as it is.
#[track_caller]
fn assert_refused(place: &Place, reason: &str) {
    let before = fs::symlink_metadata(&place.file).unwrap();
    let contents = fs::read(&place.file).ok();
    let error = chain(&place.store().load().unwrap_err());
    assert!(error.contains(reason), "{error}");
    assert!(change(&place.store()).unwrap_err().ends_with(&error));
    let snapshot = snapshot();
    let seen = Some(Revision::default());
    assert!(place.store().save(None, &snapshot).is_err());
    assert!(place.store().save(seen, &snapshot).is_err());

    let after = fs::symlink_metadata(&place.file).unwrap();
    assert_eq!(
        (after.ino(), after.mode(), after.mtime_nsec()),
        (before.ino(), before.mode(), before.mtime_nsec())
    );
    assert_eq!(fs::read(&place.file).ok(), contents);
}

#[test]
fn a_file_that_is_cut_short_anywhere() {
    let place = Place::with_session();
    let whole = fs::read(&place.file).unwrap();
    for length in 0..whole.len() {
        let place = Place::with(&whole[..length]);
        assert_refused(&place, "holds no session that can be read");
    }
}

#[test]
fn a_file_with_trailing_content() {
    let place = Place::with_session();
    let mut twice = fs::read(&place.file).unwrap();
    twice.extend_from_within(..);
    assert_refused(&Place::with(&twice), "holds no session that can be read");
}

#[test]
fn a_file_from_a_newer_version() {
    let place = Place::with_session();
    let text = fs::read_to_string(&place.file).unwrap();
    let newer = text.replace("thingspace-session-3", "thingspace-session-4");
    assert_ne!(newer, text);
    let place = Place::with(newer.as_bytes());
    assert_refused(&place, "use the version that wrote it");
    assert_refused(&place, "it may be from a newer version");
}

#[test]
fn a_file_that_is_too_large() {
    let place = Place::with_session();
    let mut text = fs::read(&place.file).unwrap();
    text.resize(MAX_STATE, b' ');
    fs::write(&place.file, &text).unwrap();
    assert!(place.store().load().is_ok(), "the largest allowed size");
    text.push(b' ');
    assert_refused(&Place::with(&text), "larger than 131072 bytes");
}

proptest! {
    #[test]
    fn law_10_a_file_with_arbitrary_content(contents: Vec<u8>) {
        assert_refused(&Place::with(&contents), "holds no session that can be read");
    }

    #[test]
    fn law_10_a_file_with_one_changed_byte(at: prop::sample::Index, flip in 1..=u8::MAX) {
        let mut text = serde_json::to_vec(&snapshot()).unwrap();
        let at = at.index(text.len());
        text[at] ^= flip;
        let place = Place::with(&text);
        // It may still be a valid session, with another digit. It never panics.
        if place.store().load().is_err() {
            assert_refused(&place, "holds no session that can be read");
        }
    }
}

#[test]
fn a_file_that_others_may_read_or_change() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o666] {
        let place = Place::with_session();
        set_mode(&place.file, mode);
        assert_refused(&place, "is open to others");
        assert_refused(&place, "chmod 600 ");
    }
}

#[test]
fn a_folder_that_others_may_enter() {
    for mode in [0o750, 0o705, 0o720, 0o702, 0o1777] {
        let place = Place::with_session();
        set_mode(&place.folder, mode);
        assert_refused(&place, "is open to others");
        assert_refused(&place, "chmod 700 ");
        // A shared folder such as /tmp must not be closed.
        assert_refused(&place, "name a file in a folder of your own");
    }
}

#[test]
fn a_folder_link_or_pipe_in_the_place_of_the_file() {
    let place = Place::with_session();
    fs::remove_file(&place.file).unwrap();
    fs::create_dir(&place.file).unwrap();
    assert_refused(&place, "is not a plain file");

    let place = Place::with_session();
    let elsewhere = place.folder.join("elsewhere");
    fs::rename(&place.file, &elsewhere).unwrap();
    symlink(&elsewhere, &place.file).unwrap();
    assert_refused(&place, "is not a plain file");

    let place = Place::with_session();
    fs::remove_file(&place.file).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(&place.file)
        .status();
    assert!(pipe.unwrap().success());
    set_mode(&place.file, 0o600);
    // It is not read, since reading would wait for a writer.
    let error = chain(&place.store().load().unwrap_err());
    assert!(error.contains("is not a plain file"), "{error}");
}

#[test]
fn a_lock_that_is_no_plain_file_or_is_open_to_others() {
    let place = Place::with_session();
    let lock = place.folder.join("session.json.lock");
    set_mode(&lock, 0o644);
    assert!(
        change(&place.store())
            .unwrap_err()
            .contains("is open to others")
    );
    fs::remove_file(&lock).unwrap();
    symlink(&place.file, &lock).unwrap();
    assert!(
        change(&place.store())
            .unwrap_err()
            .contains("not a plain file")
    );
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert!(
        change(&place.store())
            .unwrap_err()
            .contains("not a plain file")
    );
}

#[test]
fn a_file_in_the_place_of_the_folder() {
    let place = Place::new();
    fs::create_dir(place.folder.parent().unwrap()).unwrap();
    fs::write(&place.folder, "").unwrap();
    let error = chain(&place.store().load().unwrap_err());
    assert!(error.contains("is not a folder"), "{error}");
}

#[test]
fn a_session_of_another_environment_or_user() {
    let place = Place::with_session();
    let text = fs::read(&place.file).unwrap();
    let mut staging = session_in(Environment::staging());
    staging.unblock();
    let error = sync(&mut staging, &place.store()).unwrap_err();
    assert!(chain(&error).contains("another environment"), "{error}");
    assert_eq!(fs::read(&place.file).unwrap(), text);
}

#[test]
fn law_10_an_error_shows_nothing_of_the_files_content() {
    let place = Place::with(br#"{"thingspace-session-3":{"environment":"hush","memory":"hush"}}"#);
    let error = place.store().load().unwrap_err();
    let shown = format!("{error:?} {}", chain(&error));
    assert!(!shown.contains("hush"), "{shown}");
}
