//! What a session makes of a sealed store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use thingspace_core::{Error, ErrorKind, session::Store};
use thingspace_sealed::{Keyring, Keys, SealError, Sealed};

use crate::{
    Register, key, load,
    process::{IDLE, Process, Service},
    seal_error, sealed,
};

/// A time after which a store that failed is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Asserts that a call failed, and that nothing was sent, for want of the right key.
fn assert_needs_key(error: &Error) {
    let ErrorKind::Store(store) = error.kind() else {
        panic!("{error:?}");
    };
    let is_unknown = matches!(seal_error(store), SealError::UnknownKey { .. });
    assert!(is_unknown, "{error:?}");
    assert!(error.is_never_sent());
}

#[test]
fn processes_with_the_same_key_share_one_login() {
    let (register, store) = sealed(1);
    let mut service = Service::new();
    for seed in 0..4 {
        let mut process = Process::new(seed, &register);
        process.call(&store, &mut service).unwrap();
        process.sync(&store).unwrap();
    }
    assert_eq!(service.logins, 1);
    assert!(register.saved().unwrap().sealed().is_some());
}

#[test]
fn a_process_with_a_wrong_key_logs_in_nowhere_and_changes_nothing() {
    let (register, right) = sealed(1);
    let mut service = Service::new();
    let mut here = Process::new(0, &register);
    here.call(&right, &mut service).unwrap();
    here.sync(&right).unwrap();
    let before = register.saved();

    let wrong = Sealed::new(register.clone(), key(2));
    let mut there = Process::new(1, &register);
    for _ in 0..3 {
        assert_needs_key(&there.call(&wrong, &mut service).unwrap_err());
        assert_needs_key(&there.sync(&wrong).unwrap_err());
        register.pass(PAUSE);
    }
    assert_eq!(register.saved(), before);
    assert_eq!(service.logins, 1);

    // As soon as it has the right one, it has the session.
    there.call(&right, &mut service).unwrap();
    assert_eq!(service.logins, 1);
}

#[test]
fn a_process_without_a_key_logs_in_nowhere_and_changes_nothing() {
    let (register, store) = sealed(1);
    let mut service = Service::new();
    let mut here = Process::new(0, &register);
    here.call(&store, &mut service).unwrap();
    here.sync(&store).unwrap();
    let before = register.saved();
    let mut there = Process::new(1, &register);
    for _ in 0..3 {
        let error = there.call(&register, &mut service).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
        register.pass(PAUSE);
    }
    assert_eq!(register.saved(), before);
    assert_eq!(service.logins, 1);
}

#[test]
fn a_process_whose_key_is_gone_goes_on_with_its_open_session() {
    let register = Register::new();
    let keyring = Arc::new(Mutex::new(Keyring::new(key(1))));
    let keys = {
        let keyring = Arc::clone(&keyring);
        Keys::from_fn(move || Ok::<_, String>(keyring.lock().unwrap().clone()))
    };
    let store = Sealed::new(register.clone(), keys);
    let mut service = Service::new();
    let mut process = Process::new(0, &register);
    process.call(&store, &mut service).unwrap();
    process.sync(&store).unwrap();
    let before = register.saved();

    // Somebody puts a wrong key there, and another process has saved since.
    *keyring.lock().unwrap() = Keyring::new(key(2));
    let mut other = Process::new(1, &register);
    let right = Sealed::new(register.clone(), key(1));
    other.call(&right, &mut service).unwrap();
    register.pass(Duration::from_secs(600));
    other.call(&right, &mut service).unwrap();
    other.sync(&right).unwrap();
    let after = register.saved();
    assert_ne!(after, before);

    for _ in 0..3 {
        process.call(&store, &mut service).unwrap();
        register.pass(Duration::from_secs(60));
    }
    assert_eq!(service.logins, 1);
    // What needs a login needs the store.
    register.pass(IDLE);
    assert_needs_key(&process.call(&store, &mut service).unwrap_err());
    assert_eq!(service.logins, 1);
    assert_eq!(register.saved(), after);

    *keyring.lock().unwrap() = Keyring::new(key(2)).accept(key(1));
    register.pass(PAUSE);
    process.call(&store, &mut service).unwrap();
    assert_eq!(service.logins, 2);
    let saved = register.content();
    assert!(saved.contains(&key(2).id().to_string()), "{saved}");
}

#[test]
fn a_damaged_session_is_replaced_by_nobody_who_has_to_load_it() {
    let (register, store) = sealed(1);
    let mut service = Service::new();
    let mut here = Process::new(0, &register);
    here.call(&store, &mut service).unwrap();
    here.sync(&store).unwrap();
    let content = register.content();
    let damaged = format!("{}A", &content[..content.len() - 1]);
    register.tamper(damaged.clone());
    let mut there = Process::new(1, &register);
    for _ in 0..3 {
        let error = there.call(&store, &mut service).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
        register.pass(PAUSE);
    }
    assert_eq!(register.content(), damaged);
    assert_eq!(service.logins, 1);

    // Who has saved it goes on, and an operator restores it.
    here.call(&store, &mut service).unwrap();
    register.tamper(content);
    there.call(&store, &mut service).unwrap();
    assert_eq!(service.logins, 1);
}

#[test]
fn a_store_that_went_back_in_time_makes_no_process_forget() {
    let (register, store) = sealed(1);
    let mut service = Service::new();
    let mut process = Process::new(0, &register);
    process.call(&store, &mut service).unwrap();
    process.sync(&store).unwrap();
    let stale = register.saved().unwrap();
    register.pass(IDLE);
    process.call(&store, &mut service).unwrap();
    process.sync(&store).unwrap();
    assert_eq!(service.logins, 2);
    let newest = load(&store).unwrap();

    // Its seal is valid, so it is loaded, and what is known here is saved on top.
    register.put(stale.clone());
    register.pass(PAUSE);
    process.sync(&store).unwrap();
    assert_ne!(register.saved().unwrap(), stale);
    let mut other = Process::new(1, &register);
    other.call(&store, &mut service).unwrap();
    assert_eq!(service.logins, 2);
    assert_ne!(load(&store).unwrap().revision(), newest.revision());
}

#[test]
fn a_session_from_before_sealing_goes_on_sealed() {
    let register = Register::new();
    let mut service = Service::new();
    let mut before = Process::new(0, &register);
    before.call(&register, &mut service).unwrap();
    before.sync(&register).unwrap();

    let store = Sealed::new(register.clone(), key(1)).accept_unsealed();
    let mut process = Process::new(1, &register);
    process.call(&store, &mut service).unwrap();
    assert_eq!(service.logins, 1);
    register.pass(Duration::from_secs(600));
    process.call(&store, &mut service).unwrap();
    process.sync(&store).unwrap();
    assert!(register.saved().unwrap().sealed().is_some());
    assert!(Store::load(&Sealed::new(register, key(1))).is_ok());
    assert_eq!(service.logins, 1);
}
