//! Saving: the content, the modes and the compare-and-swap.

use std::fs;

use thingspace_core::session::{Saved, Store};
use thingspace_file::{Draft, Lock};

use crate::{Place, change, mode, session};

#[test]
fn nothing_is_created_before_the_first_save() {
    let place = Place::new();
    assert_eq!(place.store().load().unwrap(), None);
    assert!(!place.folder.exists());
}

#[test]
fn only_the_owner_may_access_a_saved_session() {
    let place = Place::with_session();
    assert_eq!(mode(&place.folder), 0o700);
    assert_eq!(mode(place.folder.parent().unwrap()), 0o700);
    assert_eq!(mode(&place.file), 0o600);
    assert_eq!(place.names(), ["session.json", "session.json.lock"]);
    assert_eq!(mode(&place.folder.join("session.json.lock")), 0o600);
}

#[test]
fn a_saved_session_is_loaded_again() {
    let place = Place::with_session();
    let before = place.store().load().unwrap().unwrap();
    assert_eq!(change(&place.store()).unwrap(), 2);
    let after = place.store().load().unwrap().unwrap();
    assert_eq!((before.version(), after.version()), (1, 2));
}

#[test]
fn a_save_that_has_not_seen_the_current_version_is_a_conflict() {
    let place = Place::with_session();
    let text = fs::read(&place.file).unwrap();
    let store = place.store();
    let other = session().snapshot();
    for seen in [None, Some(0), Some(2), Some(u64::MAX)] {
        assert_eq!(store.save(seen, &other).unwrap(), Saved::Conflict);
    }
    assert_eq!(fs::read(&place.file).unwrap(), text);
    assert_eq!(store.save(Some(1), &other).unwrap(), Saved::Saved);
    assert_eq!(store.load().unwrap().unwrap(), other);

    fs::remove_file(&place.file).unwrap();
    assert_eq!(store.save(Some(1), &other).unwrap(), Saved::Conflict);
    assert_eq!(store.save(None, &other).unwrap(), Saved::Saved);
}

#[test]
fn a_draft_of_a_killed_process_is_harmless_and_replaced() {
    let place = Place::with_session();
    let left = Draft::path_of(&place.file);
    fs::write(&left, "{\"thingspace-sess").unwrap();
    assert_eq!(place.store().load().unwrap().unwrap().version(), 1);
    assert_eq!(change(&place.store()).unwrap(), 2);
    assert!(!left.exists());
    assert_eq!(mode(&place.file), 0o600);
}

#[test]
fn a_link_at_the_path_of_the_draft_is_not_followed() {
    let place = Place::with_session();
    let other = place.folder.join("other");
    fs::write(&other, "precious").unwrap();
    std::os::unix::fs::symlink(&other, Draft::path_of(&place.file)).unwrap();
    change(&place.store()).unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"precious");
}

#[test]
fn loading_does_not_wait_for_the_lock() {
    let place = Place::with_session();
    let _held = Lock::wait(&place.folder.join("session.json.lock")).unwrap();
    assert!(place.store().load().unwrap().is_some());
}

#[test]
fn a_dropped_lock_is_free_again() {
    let place = Place::with_session();
    let path = place.folder.join("lock");
    let held = Lock::attempt(&path).unwrap();
    assert!(held.is_some());
    assert!(Lock::attempt(&path).unwrap().is_none());
    drop(held);
    assert!(Lock::attempt(&path).unwrap().is_some());
}
