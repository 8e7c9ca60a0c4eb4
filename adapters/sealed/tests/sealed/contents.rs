//! What others see of a sealed session, and what they can do to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use futures_lite::future::block_on;
use proptest::prelude::*;
use thingspace_core::session::{AsyncStore, Blocking, Saved, Store, Watcher};
use thingspace_sealed::{SealError, Sealed};

use crate::{
    INTERVAL, Register, chain, key, load,
    process::{APP_KEY, BEARER, Service, TOKEN, USERNAME, opened_session, session_of},
    refusal, seal_error, sealed, sealed_session,
};

/// A time after which a session is loaded.
const AGE: Duration = Duration::from_secs(7);

#[test]
fn a_session_comes_back_as_it_was_saved() {
    let (register, store, session) = sealed_session(1);
    register.pass(AGE);
    let loaded = store.load().unwrap().unwrap();
    assert_eq!(loaded.snapshot, session);
    assert_eq!(loaded.age, AGE);

    // What is around it is as the store below needs it.
    let saved = register.saved().unwrap();
    assert_eq!(saved.revision(), session.revision());
    assert_eq!(saved.saved_at(), session.saved_at());
    assert_ne!(saved, session);
}

#[test]
fn an_empty_store_is_empty() {
    let (_, store) = sealed(1);
    assert_eq!(load(&store), None);
}

#[test]
fn a_save_replaces_what_was_seen_and_nothing_else() {
    let (register, store, session) = sealed_session(1);
    let next = opened_session(1);
    for seen in [None, Some(next.revision())] {
        assert_eq!(store.save(seen, &next).unwrap(), Saved::Conflict);
        assert_eq!(load(&store), Some(session.clone()));
    }
    let seen = Some(session.revision());
    assert_eq!(store.save(seen, &next).unwrap(), Saved::Saved);
    assert_eq!(load(&store), Some(next));
    assert_eq!(register.content().matches('.').count(), 2);
}

#[test]
fn an_awaited_store_is_sealed_alike() {
    let register = Register::new();
    let store = Sealed::new(Blocking(register.clone()), key(1));
    let session = opened_session(0);
    block_on(async {
        assert_eq!(store.load().await.unwrap(), None);
        assert_eq!(store.save(None, &session).await.unwrap(), Saved::Saved);
        let conflict = store.save(None, &session).await.unwrap();
        assert_eq!(conflict, Saved::Conflict);
        register.pass(AGE);
        let loaded = store.load().await.unwrap().unwrap();
        assert_eq!((loaded.snapshot, loaded.age), (session.clone(), AGE));
    });
    // One that blocks opens it, too.
    assert_eq!(
        load(&Sealed::new(register.clone(), key(1))),
        Some(session.clone())
    );

    register.put(session);
    let error = block_on(store.load()).unwrap_err();
    assert!(matches!(seal_error(&error), SealError::NotSealed));
}

#[test]
fn what_the_store_tells_is_passed_on() {
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        counter.fetch_add(1, Relaxed);
    });
    let (register, store) = sealed(1);
    store.watch(Arc::downgrade(&watcher) as Watcher);
    let awaited = Sealed::new(Blocking(register), key(1));
    awaited.watch(Arc::downgrade(&watcher) as Watcher);
    assert_eq!(told.load(Relaxed), 2);
    assert_eq!(store.poll_interval(), INTERVAL);
    assert_eq!(awaited.poll_interval(), INTERVAL);
}

/// Asserts that no piece of a secret is in a text.
fn assert_hidden(secret: &str, text: &[u8]) {
    for piece in secret.as_bytes().windows(8) {
        let is_seen = text.windows(piece.len()).any(|seen| seen == piece);
        assert!(!is_seen, "{secret}");
    }
}

proptest! {
    #[test]
    fn nobody_sees_a_piece_of_a_token_in_the_store(
        bearer in "[!#-Z^-~]{8,200}",
        token in "[!#-Z^-~]{8,200}",
    ) {
        let session = session_of(7, &mut Service::with_tokens(&bearer, &token));
        let (register, store) = sealed(1);
        store.save(None, &session).unwrap();
        let seen = serde_json::to_string(&register.saved().unwrap()).unwrap();
        let content = register.content();
        let decoded = content.rsplit('.').next().unwrap();
        let decoded = BASE64_STANDARD_NO_PAD.decode(decoded).unwrap();
        for secret in [&bearer, &token, APP_KEY, USERNAME] {
            assert_hidden(secret, seen.as_bytes());
            assert_hidden(secret, &decoded);
        }
        // The secrets are what was sealed.
        let opened = serde_json::to_string(&load(&store).unwrap()).unwrap();
        for secret in [&bearer, &token, APP_KEY, USERNAME] {
            prop_assert!(opened.contains(secret));
        }
    }

    #[test]
    fn no_text_in_place_of_a_content_is_opened_or_panics(
        text in prop_oneof![
            ".*",
            "1\\.[0-9a-f]{16}\\.[A-Za-z0-9+/]{0,200}",
            "[A-Za-z0-9+/]{0,200}".prop_map(|text| format!("1.{}.{text}", key(1).id())),
        ],
    ) {
        let (register, store, _) = sealed_session(1);
        register.tamper(text);
        let error = refusal(&store);
        let is_right = matches!(
            seal_error(&error),
            SealError::Format | SealError::UnknownKey { .. } | SealError::Broken { .. }
        );
        prop_assert!(is_right, "{error:?}");
    }
}

#[test]
fn a_session_that_did_not_change_is_sealed_to_another_text() {
    let (register, store, session) = sealed_session(1);
    let first = register.content();
    let seen = Some(session.revision());
    assert_eq!(store.save(seen, &session).unwrap(), Saved::Saved);
    assert_ne!(register.content(), first);
}

/// Asserts that a content is refused in place of the sealed one, and that it is left there.
fn assert_refused(register: &Register, store: &Sealed<Register>, content: &str) {
    register.tamper(content);
    let error = refusal(store);
    assert!(
        matches!(
            seal_error(&error),
            SealError::Format | SealError::UnknownKey { .. } | SealError::Broken { .. }
        ),
        "{content}: {error:?}"
    );
    assert_eq!(register.content(), content);
}

#[test]
fn a_content_with_any_bit_of_it_changed_is_refused() {
    let (register, store, session) = sealed_session(1);
    let content = register.content();
    for position in 0..content.len() {
        for bit in 0..8 {
            let mut bytes = content.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            // The highest bit makes no text of it, so no store can hold it.
            if let Ok(changed) = String::from_utf8(bytes) {
                assert_refused(&register, &store, &changed);
            }
        }
    }
    register.tamper(content);
    assert_eq!(load(&store), Some(session));
}

#[test]
fn a_content_that_is_cut_off_or_longer_is_refused() {
    let (register, store, session) = sealed_session(1);
    let content = register.content();
    for length in 0..content.len() {
        assert_refused(&register, &store, &content[..length]);
        assert_refused(&register, &store, &content[length + 1..]);
        let (start, end) = content.split_at(length);
        assert_refused(&register, &store, &format!("{start}0{end}"));
    }
    for addition in ["A", "AAAA", "=", "\n", " ", "."] {
        assert_refused(&register, &store, &format!("{content}{addition}"));
        assert_refused(&register, &store, &format!("{addition}{content}"));
    }
    register.tamper(content);
    assert_eq!(load(&store), Some(session));
}

#[test]
fn a_content_of_another_revision_is_refused() {
    let (register, store, first) = sealed_session(1);
    let content = register.content();
    let second = opened_session(1);
    store.save(Some(first.revision()), &second).unwrap();
    assert_ne!(first.revision(), second.revision());
    register.tamper(content);
    let error = refusal(&store);
    let SealError::Broken { key: named } = seal_error(&error) else {
        panic!("{error:?}");
    };
    assert_eq!(*named, key(1).id());
}

#[test]
fn a_session_whose_revision_or_time_was_changed_is_refused() {
    let (register, store, session) = sealed_session(1);
    let saved = serde_json::to_value(register.saved().unwrap()).unwrap();
    let format = saved.as_object().unwrap().keys().next().unwrap();
    for part in ["/revision/version", "/revision/nonce", "/saved_at"] {
        let mut changed = saved.clone();
        let part = changed.pointer_mut(&format!("/{format}{part}")).unwrap();
        *part = (part.as_u64().unwrap() ^ 1).into();
        register.put(serde_json::from_value(changed).unwrap());
        let error = refusal(&store);
        let is_broken = matches!(seal_error(&error), SealError::Broken { .. });
        assert!(is_broken, "{error:?}");
    }
    register.put(serde_json::from_value(saved).unwrap());
    assert_eq!(load(&store), Some(session));
}

#[test]
fn a_session_that_is_not_sealed_is_refused() {
    let (register, store) = sealed(1);
    let session = opened_session(0);
    register.put(session.clone());
    let error = refusal(&store);
    assert!(matches!(seal_error(&error), SealError::NotSealed));
    let message = chain(&error);
    assert!(message.contains("is not sealed"), "{message}");
    assert!(message.contains("accept_unsealed"), "{message}");
    assert_eq!(register.saved(), Some(session.clone()));
    // Whoever has not seen it does not replace it.
    assert_eq!(store.save(None, &session).unwrap(), Saved::Conflict);
}

#[test]
fn a_session_from_before_sealing_is_accepted_until_it_is_sealed() {
    let register = Register::new();
    let before = opened_session(0);
    register.put(before.clone());
    let store = Sealed::new(register.clone(), key(1)).accept_unsealed();
    for _ in 0..2 {
        assert_eq!(load(&store), Some(before.clone()));
    }
    let other = Sealed::new(register.clone(), key(1)).accept_unsealed();
    let next = opened_session(1);
    assert_eq!(store.save(None, &next).unwrap(), Saved::Conflict);
    assert_eq!(load(&store), Some(before.clone()));
    let seen = Some(before.revision());
    assert_eq!(store.save(seen, &next).unwrap(), Saved::Saved);
    assert!(register.saved().unwrap().sealed().is_some());
    assert_eq!(load(&other), Some(next));

    // From now on nobody can go back, neither who has sealed it nor who has seen that.
    register.put(before);
    for store in [&store, &other] {
        assert!(matches!(seal_error(&refusal(store)), SealError::NotSealed));
    }
}

#[test]
fn a_sealed_store_may_be_sealed_again() {
    let register = Register::new();
    let twice = Sealed::new(Sealed::new(register.clone(), key(1)), key(2));
    let session = opened_session(0);
    twice.save(None, &session).unwrap();
    assert_eq!(load(&twice), Some(session));
    let once = load(&Sealed::new(register, key(1))).unwrap();
    assert!(once.sealed().unwrap().contains(&key(2).id().to_string()));
}

#[test]
fn nothing_that_is_shown_holds_a_key_or_a_token() {
    let (register, store, session) = sealed_session(1);
    let whole = format!("{store:?} {:?} {session:?}", register.saved());
    register.tamper("1.2.3");
    let broken = refusal(&store);
    register.put(session);
    let open = refusal(&store);
    let errors = format!("{broken:?} {open:?} {} {}", chain(&broken), chain(&open));
    let shown = whole + &errors;
    assert!(shown.contains(&key(1).id().to_string()), "{shown}");
    let hex = key(1).to_hex();
    let bytes = format!("{:?}", [1_u8; 8]);
    let debug = bytes.trim_matches(['[', ']']);
    for secret in [hex.as_str(), debug, BEARER, TOKEN, USERNAME, APP_KEY] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// A session that an older program has sealed. What was sealed is the text `zaphod` in place
/// of a content, so that it does not depend on what else a session holds.
const OLD: &str = r#"{"thingspace-sealed-1":{"revision":{"version":3,"nonce":13181932218647368960},"saved_at":1700000000000,"content":"1.365c1ed9f41a95ef.3pR3niaxJlF7gdrhm3Ev8ChnE9hgtT89zBoKuRgbMCOUFZKKWEaKlo/IridwvJI6YHkj8yphocZoR9L6TkfSPaD9NvEHBH9TXkQpJRVaUT9czHtrHN/Gg9vz1Ya/h3dQ2mEF7tphXzTckz7tN+EbUUEufW2YPggHKFqWvVp7uLTe60JTsE/gwsn161miU2GoqRQhQpzjRqP5SMxXwPZIknKleA"}}"#;

#[test]
fn a_session_of_an_older_program_is_opened() {
    let register = Register::new();
    register.put(serde_json::from_str(OLD).unwrap());
    let opened = load(&Sealed::new(register, key(1))).unwrap();
    assert_eq!(opened.sealed(), Some("zaphod"));
}
