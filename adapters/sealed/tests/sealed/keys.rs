//! Where keys come from, and how they are changed.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use tempfile::TempDir;
use thingspace_core::session::{Saved, Store};
use thingspace_sealed::{
    InvalidKeyring, KeyFileError, KeyFileProblem, KeyId, Keyring, Keys, SealError, Sealed,
};

use crate::{
    Register, chain, key, load, process::opened_session, refusal, seal_error, sealed_session,
};

/// The id of the key that the saved session is sealed with, as an operator reads it.
fn sealed_with(register: &Register) -> String {
    let content = register.content();
    content.split('.').nth(1).unwrap().to_owned()
}

#[test]
fn a_session_of_another_key_is_refused_and_both_keys_are_named() {
    let (register, _, session) = sealed_session(1);
    let before = register.saved();
    let keyring = Keyring::new(key(2)).accept(key(3));
    let other = Sealed::new(register.clone(), keyring);
    let error = refusal(&other);
    let SealError::UnknownKey { needed, known } = seal_error(&error) else {
        panic!("{error:?}");
    };
    assert_eq!(*needed, key(1).id());
    assert_eq!(*known, [key(2).id(), key(3).id()]);
    let message = chain(&error);
    for id in [1, 2, 3].map(|number| key(number).id().to_string()) {
        assert!(message.contains(&id), "{message}");
    }
    // Nobody replaces what he has not seen.
    let next = opened_session(1);
    for seen in [None, Some(next.revision())] {
        assert_eq!(other.save(seen, &next).unwrap(), Saved::Conflict);
    }
    assert_eq!(register.saved(), before);
    let right = Sealed::new(register, key(1));
    assert_eq!(load(&right), Some(session));
}

#[test]
fn a_key_is_changed_step_by_step_and_nobody_is_left_out() {
    let (register, old, session) = sealed_session(1);
    // First everybody learns to open what the new key seals.
    let both = Sealed::new(register.clone(), Keyring::new(key(1)).accept(key(2)));
    assert_eq!(load(&both), Some(session.clone()));
    let second = opened_session(1);
    both.save(Some(session.revision()), &second).unwrap();
    assert_eq!(sealed_with(&register), key(1).id().to_string());
    assert_eq!(load(&old), Some(second.clone()));

    // Then the new key becomes the current one, here and there.
    let new = Sealed::new(register.clone(), Keyring::new(key(2)).accept(key(1)));
    assert_eq!(load(&new), Some(second.clone()));
    let third = opened_session(2);
    new.save(Some(second.revision()), &third).unwrap();
    assert_eq!(sealed_with(&register), key(2).id().to_string());
    assert_eq!(load(&both), Some(third.clone()));

    // Then the old key goes.
    let last = Sealed::new(register, key(2));
    assert_eq!(load(&last), Some(third));
    assert!(matches!(
        seal_error(&refusal(&old)),
        SealError::UnknownKey { .. }
    ));
}

#[test]
fn a_keyring_is_one_key_a_line() {
    let (first, second) = (key(1).to_hex(), key(2).to_hex());
    let text = format!("# since May\n{}\r\n\n  {}\n# the end", *first, *second);
    let keyring: Keyring = text.parse().unwrap();
    let ids: Vec<KeyId> = keyring.ids().collect();
    assert_eq!(ids, [key(1).id(), key(2).id()]);
    assert_eq!(keyring.current().id(), key(1).id());

    let refused = |text: &str| text.parse::<Keyring>().unwrap_err();
    assert_eq!(refused(""), InvalidKeyring::Empty);
    assert_eq!(refused("\n# nothing\n"), InvalidKeyring::Empty);
    let text = format!("{}\n\nzaphod", *first);
    assert_eq!(refused(&text), InvalidKeyring::Line(3));
    assert!(!refused(&text).to_string().contains("zaphod"));
}

/// A file of keys, and its folder.
struct KeyFile {
    _folder: TempDir,
    path: PathBuf,
}

impl KeyFile {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        Self {
            _folder: folder,
            path,
        }
    }

    /// Writes these keys into the file.
    fn hold(&self, numbers: &[u8]) {
        let lines: Vec<_> = numbers
            .iter()
            .map(|number| key(*number).to_hex().to_string())
            .collect();
        self.write(lines.join("\n"));
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(&self.path, text).unwrap();
        #[cfg(unix)]
        self.set_mode(0o600);
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;

        fs::set_permissions(&self.path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn store(&self, register: &Register) -> Sealed<Register> {
        Sealed::new(register.clone(), Keys::file(&self.path))
    }

    /// The reason why a store refuses this file.
    fn assert_refused(&self, register: &Register, is_right: impl Fn(&KeyFileProblem) -> bool) {
        let store = self.store(register);
        let seen = register.saved().map(|saved| saved.revision());
        let error = refusal(&store);
        let saved = store.save(seen, &opened_session(5)).unwrap_err();
        for error in [error, saved] {
            let SealError::Keys(source) = seal_error(&error) else {
                panic!("{error:?}");
            };
            let error: &KeyFileError = source.downcast_ref().unwrap();
            assert!(is_right(error.problem()), "{error:?}");
            assert_eq!(error.path(), self.path);
            let message = chain(error);
            assert!(message.contains(self.path.to_str().unwrap()), "{message}");
            for number in [1, 2] {
                assert!(!message.contains(key(number).to_hex().as_str()));
            }
        }
    }
}

#[test]
fn a_key_that_is_added_to_the_file_counts_at_once() {
    let (register, _, session) = sealed_session(1);
    let file = KeyFile::new();
    file.hold(&[2]);
    let store = file.store(&register);
    assert!(matches!(
        seal_error(&refusal(&store)),
        SealError::UnknownKey { .. }
    ));
    file.hold(&[2, 1]);
    assert_eq!(load(&store), Some(session.clone()));
    let next = opened_session(1);
    store.save(Some(session.revision()), &next).unwrap();
    assert_eq!(sealed_with(&register), key(2).id().to_string());
    // Somebody else is ahead.
    let ahead = Sealed::new(register, key(3));
    file.hold(&[3, 2]);
    assert_eq!(load(&store), Some(next.clone()));
    let last = opened_session(2);
    store.save(Some(next.revision()), &last).unwrap();
    assert_eq!(load(&ahead), Some(last));
}

#[test]
fn a_file_that_holds_no_keys_is_refused_and_nothing_is_saved() {
    let (register, _, _) = sealed_session(1);
    let before = register.saved();
    let file = KeyFile::new();
    file.assert_refused(&register, |problem| {
        matches!(problem, KeyFileProblem::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
    });
    file.write("");
    file.assert_refused(&register, |problem| {
        matches!(problem, KeyFileProblem::Keyring(InvalidKeyring::Empty))
    });
    // Half of it is written.
    file.write(&key(1).to_hex()[..40]);
    file.assert_refused(&register, |problem| {
        matches!(problem, KeyFileProblem::Keyring(InvalidKeyring::Line(1)))
    });
    file.write([0xff; 32]);
    file.assert_refused(&register, |problem| {
        matches!(problem, KeyFileProblem::NotText)
    });
    file.write("#".repeat(16 * 1024 + 1));
    file.assert_refused(
        &register,
        |problem| matches!(problem, KeyFileProblem::TooLarge { limit } if *limit == 16 * 1024),
    );
    fs::remove_file(&file.path).unwrap();
    fs::create_dir(&file.path).unwrap();
    file.assert_refused(&register, |problem| {
        matches!(problem, KeyFileProblem::NotAFile)
    });
    assert_eq!(register.saved(), before);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_open_to_others_is_refused() {
    let (register, _, session) = sealed_session(1);
    let file = KeyFile::new();
    file.hold(&[1]);
    for wrong in [0o644, 0o640, 0o604, 0o620, 0o601, 0o666] {
        file.set_mode(wrong);
        file.assert_refused(
            &register,
            |problem| matches!(problem, KeyFileProblem::Open { mode } if *mode == wrong),
        );
    }
    let message = chain(&refusal(&file.store(&register)));
    assert!(message.contains("mode 0666"), "{message}");
    assert!(message.contains("chmod 600"), "{message}");
    for right in [0o600, 0o400] {
        file.set_mode(right);
        assert_eq!(load(&file.store(&register)), Some(session.clone()));
    }
}

#[test]
fn keys_come_from_a_function_each_time() {
    let (register, _, session) = sealed_session(1);
    let vault = Arc::new(Mutex::new(Err("the vault is closed")));
    let here = Arc::clone(&vault);
    let keys = Keys::from_fn(move || here.lock().unwrap().clone());
    assert!(format!("{keys:?}").contains("a function"));
    let store = Sealed::new(register.clone(), keys);
    let error = refusal(&store);
    assert!(matches!(seal_error(&error), SealError::Keys(_)));
    assert!(chain(&error).ends_with("the vault is closed"));

    *vault.lock().unwrap() = Ok(Keyring::new(key(1)));
    assert_eq!(load(&store), Some(session.clone()));
    *vault.lock().unwrap() = Ok(Keyring::new(key(2)).accept(key(1)));
    let next = opened_session(1);
    store.save(Some(session.revision()), &next).unwrap();
    assert_eq!(sealed_with(&register), key(2).id().to_string());
    assert_eq!(load(&store), Some(next));
}

#[test]
fn an_empty_store_needs_no_key_until_something_is_saved() {
    let store = KeyFile::new().store(&Register::new());
    assert_eq!(load(&store), None);
    let error = store.save(None, &opened_session(0)).unwrap_err();
    assert!(matches!(seal_error(&error), SealError::Keys(_)));
    assert_eq!(load(&store), None);
}
