//! Saving: the content, the modes and the compare-and-swap.

use std::{
    fs, thread,
    time::{Duration, SystemTime},
};

use thingspace_core::session::{Revision, Saved, Store};
use thingspace_file::{Draft, Lock};

use crate::{Place, chain, change, mode, saved, session, snapshot, sync};

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
    assert_eq!(saved(&place.store()).version, 1);
    assert_eq!(change(&place.store()).unwrap(), 2);
    assert_eq!(saved(&place.store()).version, 2);
}

#[test]
fn a_session_that_has_nothing_to_save_is_not_saved() {
    let place = Place::with_session();
    let before = fs::metadata(&place.file).unwrap().modified().unwrap();
    sync(&mut session(), &place.store()).unwrap();
    let after = fs::metadata(&place.file).unwrap().modified().unwrap();
    assert_eq!((before, saved(&place.store()).version), (after, 1));
}

#[test]
fn a_save_that_has_not_seen_the_current_revision_is_a_conflict() {
    let place = Place::with_session();
    let text = fs::read(&place.file).unwrap();
    let store = place.store();
    let current = saved(&store);
    let other = snapshot();
    let revision = |version, nonce| Some(Revision { version, nonce });
    for seen in [
        None,
        revision(0, 0),
        revision(2, current.nonce),
        revision(u64::MAX, u64::MAX),
        // As high, of another history.
        revision(current.version, current.nonce ^ 1),
    ] {
        assert_eq!(store.save(seen, &other).unwrap(), Saved::Conflict);
    }
    assert_eq!(fs::read(&place.file).unwrap(), text);
    assert_eq!(store.save(Some(current), &other).unwrap(), Saved::Saved);
    assert_eq!(store.load().unwrap().unwrap().snapshot, other);

    fs::remove_file(&place.file).unwrap();
    assert_eq!(store.save(Some(current), &other).unwrap(), Saved::Conflict);
    assert_eq!(store.save(None, &other).unwrap(), Saved::Saved);
}

#[test]
fn a_session_is_as_old_as_the_file_system_says() {
    let place = Place::with_session();
    let file = fs::File::options().append(true).open(&place.file).unwrap();
    let lock = place.folder.join("session.json.lock");
    // However far this process's clock is from that time.
    for hours in [0, 1, 24 * 365] {
        let age = Duration::from_secs(hours * 60 * 60);
        let modified = SystemTime::now() - age;
        file.set_modified(modified).unwrap();
        let loaded = place.store().load().unwrap().unwrap();
        let touched = fs::metadata(&lock).unwrap().modified().unwrap();
        assert_eq!(
            loaded.age,
            touched.duration_since(modified).unwrap_or_default()
        );
        assert!(loaded.age < age + Duration::from_secs(60 * 60));
    }
}

#[test]
fn a_session_that_seems_to_be_saved_in_the_future_is_new() {
    let place = Place::with_session();
    let file = fs::File::options().append(true).open(&place.file).unwrap();
    let modified = SystemTime::now() + Duration::from_secs(60 * 60);
    file.set_modified(modified).unwrap();
    let loaded = place.store().load().unwrap().unwrap();
    assert_eq!(loaded.age, Duration::ZERO);
}

#[test]
fn a_session_whose_age_nobody_can_tell_is_not_loaded() {
    let place = Place::with_session();
    let lock = place.folder.join("session.json.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let error = chain(&place.store().load().unwrap_err());
    assert!(
        error.contains("session.json.lock is not a plain file"),
        "{error}"
    );

    // A lock that somebody removed is made anew.
    fs::remove_dir(&lock).unwrap();
    assert!(place.store().load().unwrap().is_some());
    assert_eq!(mode(&lock), 0o600);
}

#[test]
fn a_draft_of_a_killed_process_is_harmless_and_replaced() {
    let place = Place::with_session();
    let left = Draft::path_of(&place.file);
    fs::write(&left, "{\"thingspace-sess").unwrap();
    assert_eq!(saved(&place.store()).version, 1);
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
    let lock = place.folder.join("session.json.lock");
    let _held = Lock::attempt(&lock).unwrap().unwrap();
    assert!(place.store().load().unwrap().is_some());
}

#[test]
fn a_save_waits_for_the_lock_for_a_limited_time() {
    let place = Place::with_session();
    let text = fs::read(&place.file).unwrap();
    let lock = place.folder.join("session.json.lock");
    let held = Lock::attempt(&lock).unwrap().unwrap();
    let store = place.store().lock_timeout(Duration::from_millis(50));
    let seen = Some(saved(&store));
    let error = chain(&store.save(seen, &snapshot()).unwrap_err());
    let named = format!("{} is a lock that another process has held", lock.display());
    assert!(error.contains(&named), "{error}");
    assert!(error.contains("for 0.05 seconds"), "{error}");
    assert!(error.contains("let it go on or end it"), "{error}");
    assert_eq!(fs::read(&place.file).unwrap(), text);

    // One that is only busy is waited for.
    thread::scope(|scope| {
        let saving = scope.spawn(|| place.store().save(seen, &snapshot()));
        drop(held);
        assert_eq!(saving.join().unwrap().unwrap(), Saved::Saved);
    });
}

#[test]
fn any_number_of_saves_that_waited_in_vain_leave_the_lock_free() {
    let place = Place::with_session();
    let lock = place.folder.join("session.json.lock");
    let held = Lock::attempt(&lock).unwrap().unwrap();
    let store = place.store().lock_timeout(Duration::from_millis(400));
    thread::scope(|scope| {
        // More than there are places in line.
        for _ in 0..20 {
            scope.spawn(|| assert!(store.save(None, &snapshot()).is_err()));
        }
    });
    drop(held);
    // Those who wait in line let it go at once.
    assert_eq!(change(&place.store()).unwrap(), 2);
}

#[test]
fn the_bytes_that_are_saved_are_those_of_the_snapshot() {
    let place = Place::with_session();
    let saved = place.store().load().unwrap().unwrap().snapshot;
    let text = serde_json::to_vec(&saved).unwrap();
    assert_eq!(fs::read(&place.file).unwrap(), text);
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
