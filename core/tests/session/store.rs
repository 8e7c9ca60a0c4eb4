//! Many processes that share one session through a store.

use std::{
    error::Error as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use thingspace_core::{
    Environment, Error, ErrorKind, Session, SessionBuilder, StoreError,
    session::{BlockReason, OperationKind, OtherSession, Saved, Snapshot, Store, WaitReason},
};

use crate::scenario::*;

/// A register in memory.
#[derive(Default)]
struct Register {
    text: Mutex<Option<String>>,
    broken: AtomicBool,
    /// The act of somebody faster, just before the next snapshot is saved.
    faster: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    saved: AtomicU32,
}

impl Register {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn breaks(&self) {
        self.broken.store(true, Relaxed);
    }

    fn is_mended(&self) {
        self.broken.store(false, Relaxed);
    }

    fn has_somebody_faster(&self, faster: impl FnOnce() + Send + 'static) {
        *self.faster.lock().unwrap() = Some(Box::new(faster));
    }

    fn works(&self) -> Result<(), StoreError> {
        if self.broken.load(Relaxed) {
            return Err(StoreError::new("the disk is full"));
        }
        Ok(())
    }
}

impl Store for Register {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        self.works()?;
        let text = self.text.lock().unwrap();
        let saved = text.as_deref().map(serde_json::from_str).transpose();
        saved.map_err(StoreError::new)
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.works()?;
        let faster = self.faster.lock().unwrap().take();
        if let Some(faster) = faster {
            faster();
        }
        if self.load()?.map(|saved| saved.version()) != seen {
            return Ok(Saved::Conflict);
        }
        self.saved.fetch_add(1, Relaxed);
        *self.text.lock().unwrap() = Some(serde_json::to_string(snapshot).unwrap());
        Ok(Saved::Saved)
    }
}

/// Two processes that share an open session.
fn two() -> (Arc<Register>, Scenario, Scenario) {
    let store = Register::new();
    let mut here = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    login.logs_in(&mut here, "session-1");
    login.ends(&mut here).unwrap();
    here.events();
    let there = Scenario::sharing(&store);
    (store, here, there)
}

/// Looks at what the store has.
fn looks(s: &mut Scenario, store: &Register) {
    s.session.transact(store, |_| ()).unwrap();
}

/// Unblocks the login guard, for all who share it.
fn unblocks(s: &mut Scenario, store: &Register) {
    s.session.transact(store, Session::unblock).unwrap();
}

/// Checks that the error is about the store.
#[track_caller]
fn assert_store_failed(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
}

#[test]
fn what_one_process_opens_the_others_use() {
    let (_, _, mut there) = two();
    let mut call = Actor::writes();
    let sent = call.sends(&mut there, Purpose::Work);
    assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
}

#[test]
fn law_1_a_process_waits_for_the_login_of_another() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let (mut first, mut other) = (Actor::log_in(), Actor::writes());
    first.fetches(&mut here, "bearer-1");
    first.sends(&mut here, Purpose::LogIn);
    let wait = other.waits(&mut there);
    assert_eq!(wait.reason, WaitReason::Operation(OperationKind::LogIn));
    first.receives(&mut here, session("session-1"));
    let sent = other.sends(&mut there, Purpose::Work);
    assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
}

#[test]
fn law_1_of_two_processes_that_begin_at_once_one_waits() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    store.has_somebody_faster(move || {
        Actor::log_in().sends(&mut there, Purpose::TokenFetch);
    });
    let wait = Actor::log_in().waits(&mut here);
    assert_eq!(
        wait.reason,
        WaitReason::Operation(OperationKind::TokenFetch)
    );
}

#[test]
fn law_2_all_processes_share_one_budget() {
    let store = Register::new();
    let mut here = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    login.sends(&mut here, Purpose::LogIn);
    drop(login);

    let mut there = Scenario::sharing(&store);
    there.now = here.now;
    there.pass(MINUTE);
    let mut again = Actor::log_in();
    again.sends(&mut there, Purpose::LogIn);
    assert_eq!(there.session.login_guard().failed_logins, 2);
    drop(again);

    here.pass(2 * MINUTE);
    let error = Actor::log_in().fails(&mut here);
    assert_eq!(
        error.login_guard().unwrap().blocked,
        Some(BlockReason::BudgetSpent)
    );
}

#[test]
fn a_response_is_applied_on_top_of_what_others_did_meanwhile() {
    let (store, mut here, mut there) = two();
    let mut call = Actor::reads();
    call.sends(&mut here, Purpose::Work);
    store.has_somebody_faster(move || {
        let mut late = Actor::writes();
        late.sends(&mut there, Purpose::Work);
        there.pass(2 * MINUTE);
        late.receives(&mut there, bearer_fault());
    });
    call.receives(&mut here, session_expired());
    call.sends(&mut here, Purpose::TokenFetch);
    assert!(here.session.session_token().is_none());
}

#[test]
fn a_call_with_an_open_session_writes_nothing() {
    let (store, mut here, _) = two();
    let before = store.saved.load(Relaxed);
    for _ in 0..10 {
        Actor::reads().works(&mut here);
        here.pass(SECOND);
    }
    assert_eq!(store.saved.load(Relaxed), before);
    here.pass(MINUTE);
    Actor::reads().works(&mut here);
    assert_eq!(store.saved.load(Relaxed), before + 1, "the last use");
}

#[test]
fn nothing_is_sent_that_could_not_be_saved() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    store.breaks();
    let error = Actor::writes().fails(&mut s);
    assert_store_failed(&error);
    assert!(error.is_never_sent());
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "the store could not save or load");
    assert_eq!(cause.source().unwrap().to_string(), "the disk is full");

    store.is_mended();
    Actor::writes().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn a_store_that_fails_after_an_earlier_attempt_left_does_not_hide_that() {
    let (store, mut s, _) = two();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, lost());
    store.breaks();
    let error = call.fails(&mut s);
    assert!(error.is_outcome_unknown(), "{error}");
}

#[test]
fn a_response_is_not_lost_with_the_store() {
    let (store, mut s, _) = two();
    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    store.breaks();
    call.receives(&mut s, done());
    assert_eq!(call.ends_with_response(&mut s).status(), 200);
    reset.receives(&mut s, new_password("the-only-copy"));
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "the-only-copy");
    assert_eq!(s.session.new_password(), Some(&new));

    // For the others the reset is lost: no login is spent on the old password.
    store.is_mended();
    let mut later = Scenario::sharing(&store);
    later.pass(HOUR);
    let error = Actor::log_in().fails(&mut later);
    assert_eq!(
        error.login_guard().unwrap().blocked,
        Some(BlockReason::PasswordInDoubt)
    );
}

#[test]
fn law_15_a_store_that_fails_while_a_reset_is_in_progress_does_not_end_its_call() {
    let (store, mut s, _) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    store.breaks();
    reset.waits(&mut s);
    store.is_mended();
    reset.receives(&mut s, new_password("the-only-copy"));
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "the-only-copy");
}

#[test]
fn law_15_a_store_that_fails_while_a_login_is_in_progress_does_not_end_its_call() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    login.sends(&mut s, Purpose::LogIn);
    store.breaks();
    login.waits(&mut s);
    store.is_mended();
    login.receives(&mut s, session("session-1"));
    login.ends(&mut s).unwrap();
}

#[test]
fn a_reset_whose_lease_expired_in_another_process_still_brings_the_password_to_its_call() {
    let (_, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    // The clock there is ahead.
    there.pass(MINUTE);
    Actor::reads().works(&mut there);
    let in_doubt = Some(BlockReason::PasswordInDoubt);
    assert_eq!(there.session.login_guard().blocked, in_doubt);
    Actor::reads().works(&mut here);
    assert_eq!(here.session.login_guard().blocked, in_doubt);
    reset.waits(&mut here);
    reset.receives(&mut here, new_password("the-only-copy"));
    let new = reset.ends_with_password(&mut here);
    here.confirms(&new);
    assert_eq!(here.session.login_guard().blocked, None);
}

#[test]
fn law_15_a_new_password_is_in_the_session_although_the_store_fails() {
    let (store, mut s, _) = two();
    let reset = Actor::reset_password().begins(&mut s, Purpose::Reset);
    store.breaks();
    s.receives(reset, new_password("the-only-copy"));
    let new = s.session.new_password().cloned().unwrap();
    assert_eq!(new.password().expose(), "the-only-copy");
}

#[test]
fn law_8_a_new_password_whose_response_could_not_be_saved_is_confirmed_all_the_same() {
    for lease_expires in [false, true] {
        let (store, mut here, mut there) = two();
        let reset = Actor::reset_password().begins(&mut here, Purpose::Reset);
        store.breaks();
        here.receives(reset, new_password("the-only-copy"));
        let new = here.session.new_password().cloned().unwrap();
        store.is_mended();
        if lease_expires {
            here.pass(MINUTE);
            Actor::reads().works(&mut here);
            let in_doubt = Some(BlockReason::PasswordInDoubt);
            assert_eq!(here.session.login_guard().blocked, in_doubt);
        }
        here.confirms(&new);
        assert_eq!(here.session.operation(), None);
        assert_eq!(here.session.login_guard().blocked, None);
        looks(&mut there, &store);
        let outdated = Some(BlockReason::PasswordOutdated);
        assert_eq!(there.session.login_guard().blocked, outdated);
    }
}

#[test]
fn a_login_that_could_not_be_saved_ends_the_call_and_stays_counted() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    login.sends(&mut s, Purpose::LogIn);
    let mut other = Actor::reads();
    other.waits(&mut s);
    store.breaks();
    login.receives(&mut s, session("session-1"));
    // Every call of the process that waited for it learns of it.
    for call in [&mut login, &mut other] {
        assert_store_failed(&call.fails(&mut s));
    }

    store.is_mended();
    s.pass(MINUTE);
    let mut again = Actor::log_in();
    again.sends(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().failed_logins, 2);
}

#[test]
fn a_store_that_fails_does_not_end_a_call_with_a_response_of_long_ago() {
    let (store, mut s, _) = two();
    let mut call = Actor::reads();
    let first = call.sends(&mut s, Purpose::Work).attempt;
    call.receives(&mut s, session_expired());
    call.sends(&mut s, Purpose::LogIn);
    store.breaks();
    call.receives_for(&mut s, first, lost());
    store.is_mended();
    call.receives(&mut s, session("session-2"));
    call.works(&mut s);
}

#[test]
fn law_1_an_operation_that_is_abandoned_is_free_for_all() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let fetch = Actor::log_in().begins(&mut here, Purpose::TokenFetch);
    here.abandons(fetch);
    let fetch = Actor::log_in().begins(&mut there, Purpose::TokenFetch);

    // With a store that fails, it ends with its lease.
    store.breaks();
    there.abandons(fetch);
    store.is_mended();
    let wait = Actor::log_in().waits(&mut here);
    here.pass_until(wait.until);
    Actor::log_in().sends(&mut here, Purpose::TokenFetch);
}

#[test]
fn law_14_the_result_of_an_operation_goes_to_all_although_its_call_is_gone() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut first = Actor::log_in();
    first.fetches(&mut here, "bearer-1");
    let login = first.begins(&mut here, Purpose::LogIn);
    drop(first);
    let mut other = Actor::reads();
    other.waits(&mut there);
    here.receives(login, session("session-1"));
    other.works(&mut there);
    assert_eq!(there.session.login_guard().failed_logins, 0);
}

#[test]
fn law_14_a_new_password_whose_call_is_gone_is_confirmed_for_all() {
    let (store, mut here, mut there) = two();
    let reset = Actor::reset_password().begins(&mut here, Purpose::Reset);
    here.receives(reset, new_password("new"));
    let new = here.session.new_password().cloned().unwrap();
    assert_eq!(new.password().expose(), "new");

    // The others wait for somebody to decide, and so does this one.
    looks(&mut there, &store);
    let awaited = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(here.session.login_guard().blocked, awaited);
    assert_eq!(there.session.login_guard().blocked, awaited);
    assert_eq!(
        there.session.new_password(),
        None,
        "it is the process's own"
    );
    here.confirms(&new);
    assert_eq!(here.session.login_guard().blocked, None);
    looks(&mut there, &store);
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(there.session.login_guard().blocked, outdated);
}

#[test]
fn what_the_store_has_lost_is_saved_there_again() {
    let (store, mut here, _) = two();
    store.text.lock().unwrap().take();
    unblocks(&mut here, &store);
    assert!(store.text.lock().unwrap().is_some());
    assert!(here.session.session_token().is_some());
}

#[test]
fn a_session_of_somebody_else_is_left_alone() {
    let (store, ..) = two();
    let before = store.text.lock().unwrap().clone();
    let mut other = Scenario::sharing(&store);
    other.session = Session::new(Environment::staging(), credentials("IMgr8"), 1);
    let error = Actor::writes().fails(&mut other);
    let root = error.source().unwrap().source().unwrap();
    assert_eq!(root.downcast_ref(), Some(&OtherSession::Environment));
    assert_eq!(*store.text.lock().unwrap(), before);
}

#[test]
fn law_12_a_store_with_conflicts_without_end_is_given_up() {
    struct Busy;
    impl Store for Busy {
        fn load(&self) -> Result<Option<Snapshot>, StoreError> {
            Ok(None)
        }
        fn save(&self, _: Option<u64>, _: &Snapshot) -> Result<Saved, StoreError> {
            Ok(Saved::Conflict)
        }
    }
    let mut s = Scenario::sharing(&Arc::new(Busy));
    assert_store_failed(&Actor::log_in().fails(&mut s));
}

/// The two halves of a reset, of which the first is saved before anybody uses the
/// password.
#[test]
fn law_8_a_new_password_is_saved_as_unconfirmed_before_anybody_uses_it() {
    let (store, mut s, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let in_store = |store: &Register| {
        let saved = store.load().unwrap().expect("a session");
        let other = builder("IMgr8").snapshot(saved).build().unwrap();
        (other.operation(), other.login_guard().blocked)
    };
    let kind = OperationKind::PasswordReset;
    assert_eq!(in_store(&store), (Some(kind), None));
    reset.receives(&mut s, new_password("new"));
    let awaited = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(in_store(&store), (None, awaited.clone()));
    let new = reset.ends_with_password(&mut s);
    assert_eq!(s.session.credentials().user.password().expose(), "IMgr8");

    // The password is saved where the caller likes; meanwhile others work.
    Actor::writes().works(&mut there);
    there.pass(HOUR);
    let error = Actor::log_in().fails(&mut there);
    assert_eq!(error.login_guard().unwrap().blocked, awaited);

    s.confirms(&new);
    assert_eq!(in_store(&store), (None, None));
    assert_eq!(s.session.credentials().user.password().expose(), "new");
    assert_eq!(s.session.operation(), None);
}

#[test]
fn law_8_a_confirmation_that_could_not_be_saved_can_be_made_again() {
    let (store, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    reset.receives(&mut here, new_password("the-only-copy"));
    let new = reset.ends_with_password(&mut here);
    here.events();
    store.breaks();
    let confirm = |session: &mut Session| session.confirm(&new);
    let error = here.session.transact(&*store, confirm).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("the-only-copy"));
    assert_eq!(error.source().unwrap().to_string(), "the disk is full");
    assert_eq!(here.session.credentials().user.password().expose(), "IMgr8");
    assert_eq!(here.session.new_password(), Some(&new));
    assert_eq!(here.events(), []);

    store.is_mended();
    Actor::writes().works(&mut there);
    there.pass(HOUR);
    let error = Actor::log_in().fails(&mut there);
    let awaited = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(error.login_guard().unwrap().blocked, awaited);

    here.confirms(&new);
    let again = here.session.transact(&*store, confirm).unwrap();
    assert_not_awaited(again);
    assert_eq!(
        here.session.credentials().user.password().expose(),
        "the-only-copy"
    );
}

#[test]
fn a_new_password_is_not_confirmed_after_another_process_was_given_one() {
    let (store, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    reset.receives(&mut here, new_password("new"));
    let new = reset.ends_with_password(&mut here);
    there.is_given("another");
    let confirm = |session: &mut Session| session.confirm(&new);
    let late = here.session.transact(&*store, confirm).unwrap();
    assert_not_awaited(late);
    assert_eq!(here.session.credentials().user.password().expose(), "IMgr8");
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(here.session.login_guard().blocked, outdated);
    assert_eq!(there.session.login_guard().blocked, None);
}

#[test]
fn a_process_whose_password_another_has_reset_makes_no_login_with_it() {
    let (_, mut here, mut there) = two();
    Actor::reset_password().resets_to(&mut here, "new");

    // The open session goes on.
    Actor::writes().works(&mut there);
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(there.session.login_guard().blocked, outdated);
    let reason = BlockReason::PasswordOutdated;
    assert_eq!(there.reported(), [event::logins_blocked(&reason)]);
    let error = Actor::reset_password().fails(&mut there);
    assert_eq!(error.login_guard().unwrap().blocked, outdated);

    there.pass(20 * MINUTE);
    let error = Actor::writes().fails(&mut there);
    assert_eq!(error.login_guard().unwrap().blocked, outdated);
    assert!(error.is_never_sent());

    // The right password unblocks it; for the others it was never blocked.
    there.is_given("new");
    assert_eq!(there.session.login_guard().blocked, None);
    Actor::writes().sends(&mut there, Purpose::LogIn);
    assert_eq!(here.session.login_guard().blocked, None);
}

/// A lost reset, of which the operator finds out: he gives the password to one
/// process, and the other still has the one of before.
#[test]
fn law_8_a_password_that_one_process_was_given_lets_no_other_log_in_with_its_own() {
    for resets_before in [0, 1] {
        let (store, mut here, mut there) = two();
        for _ in 0..resets_before {
            Actor::reset_password().resets_to(&mut here, "earlier");
        }
        let mut lost_reset = Actor::reset_password();
        lost_reset.sends(&mut here, Purpose::Reset);
        lost_reset.receives(&mut here, lost());
        there.is_given("right");
        assert_eq!(there.session.login_guard().blocked, None);

        here.pass(20 * MINUTE);
        let error = Actor::writes().fails(&mut here);
        let outdated = Some(BlockReason::PasswordOutdated);
        assert_eq!(error.login_guard().unwrap().blocked, outdated);

        // Once all have it, nobody lags behind.
        here.is_given("right");
        Actor::writes().sends(&mut here, Purpose::LogIn);
        looks(&mut there, &store);
        assert_eq!(there.session.login_guard().blocked, None);
    }
}

#[test]
fn law_2_a_process_that_catches_up_has_what_is_left_of_the_budget() {
    let (_, mut here, mut there) = two();
    here.is_given("right");
    here.pass(20 * MINUTE);
    let mut login = Actor::log_in();
    login.sends(&mut here, Purpose::LogIn);
    login.receives(&mut here, unclear());
    login.fails(&mut here);

    there.is_given("wright");
    assert_eq!(there.session.login_guard().attempts_left, 1);
}

#[test]
fn law_2_a_guard_is_unblocked_for_nobody_who_catches_up_since() {
    let (store, mut here, mut there) = two();
    here.pass(20 * MINUTE);
    for failed in 0..4 {
        here.is_given(&format!("guess {failed}"));
        let mut login = Actor::log_in();
        login.sends(&mut here, Purpose::LogIn);
        login.receives(&mut here, wrong_password());
        login.fails(&mut here);
    }
    unblocks(&mut here, &store);
    assert_eq!(here.session.login_guard().attempts_left, 2);
    looks(&mut there, &store);
    there.events();

    there.is_given("wright");
    assert_eq!(
        there.session.login_guard().blocked,
        Some(BlockReason::BudgetSpent)
    );
}

#[test]
fn law_2_another_user_is_refused_and_nothing_changes_for_anybody() {
    let (store, mut here, _) = two();
    let before = store.text.lock().unwrap().clone();
    let set = |session: &mut Session| session.set_credentials(credentials_of("trillian", "towel"));
    let refused = here.session.transact(&*store, set).unwrap();
    assert_eq!(refused, Err(OtherSession::User));
    assert_eq!(*store.text.lock().unwrap(), before);
    assert_eq!(here.session.credentials(), &credentials("IMgr8"));
}

/// A session of another environment, application or user has another key.
#[test]
fn every_session_has_a_key_of_its_own_in_a_store_that_holds_many() {
    let key = |builder: SessionBuilder| builder.store_key();
    let of = |username| {
        SessionBuilder::new(credentials_of(username, "IMgr8")).environment(Environment::mock())
    };
    assert_eq!(
        key(of("zbeeblebrox")),
        "https%3A%2F%2Fmock.thingspace.verizon.com%2Fapi,zbeeblebrox,key"
    );
    let mut other_key = credentials("IMgr8");
    other_key.app = thingspace_core::AppCredentials::new("other", "secret").unwrap();
    let mut keys = vec![
        key(of("zbeeblebrox")),
        key(of("trillian")),
        key(of("zbeeblebrox,key")),
        key(of("zbeeblebrox").environment(Environment::staging())),
        key(SessionBuilder::new(other_key).environment(Environment::mock())),
    ];
    for key in &keys {
        assert!(key.is_ascii() && !key.contains('/'), "{key}");
        assert!(!key.contains("IMgr8") && !key.contains("secret"), "{key}");
    }
    assert_eq!(key(builder("another")), keys[0], "whatever the password");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

/// One process has the right password, and five others are given a wrong one in the
/// place of theirs.
#[test]
fn law_2_a_wrong_password_that_is_rolled_out_never_locks_the_user_name() {
    let (store, mut here, _) = two();
    let mut others: Vec<_> = (0..5).map(|_| Scenario::sharing(&store)).collect();
    here.is_given("right");

    let mut failed = 0;
    for other in &mut others {
        other.pass(20 * MINUTE);
        other.is_given("wrong");
        let mut login = Actor::log_in();
        if other.session.login_guard().blocked.is_none() {
            login.sends(other, Purpose::LogIn);
            login.receives(other, unclear());
            failed += 1;
        }
        login.fails(other);
    }
    assert_eq!(failed, 4, "of 5 that would lock the user name");
}

#[test]
fn that_a_password_is_outdated_is_reported_once() {
    let (store, mut here, mut there) = two();
    Actor::reset_password().resets_to(&mut here, "new");
    looks(&mut there, &store);
    let reason = BlockReason::PasswordOutdated;
    assert_eq!(there.reported(), [event::logins_blocked(&reason)]);
    looks(&mut there, &store);
    assert_eq!(there.events(), []);
}

#[test]
fn a_call_that_waits_looks_ten_times_a_second_unless_the_store_says_otherwise() {
    struct Unhurried;
    impl Store for Unhurried {
        fn load(&self) -> Result<Option<Snapshot>, StoreError> {
            Ok(None)
        }

        fn save(&self, _: Option<u64>, _: &Snapshot) -> Result<Saved, StoreError> {
            Ok(Saved::Saved)
        }

        fn poll_interval(&self) -> Duration {
            MINUTE
        }
    }
    assert_eq!(Register::new().poll_interval(), SECOND / 10);
    // Many sessions may go to one.
    assert_eq!(Store::poll_interval(&Arc::new(Unhurried)), MINUTE);
}

#[test]
fn a_process_that_starts_after_a_reset_is_taken_to_know_the_new_password() {
    let (store, mut here, _) = two();
    Actor::reset_password().resets_to(&mut here, "new");

    let mut later = Scenario::sharing_with(&store, "new");
    later.pass(HOUR);
    Actor::writes().sends(&mut later, Purpose::TokenFetch);
    assert_eq!(later.session.login_guard().blocked, None);
}

#[test]
fn a_caller_who_knows_better_unblocks_a_guard_that_another_process_has_blocked() {
    let (store, mut here, mut there) = two();
    Actor::reset_password().resets_to(&mut here, "new");
    looks(&mut there, &store);
    assert!(there.session.login_guard().blocked.is_some());
    unblocks(&mut there, &store);
    assert_eq!(there.session.login_guard().blocked, None);
}

#[test]
fn one_who_only_looks_sees_what_the_next_call_would() {
    let (store, mut here, _) = two();
    Actor::reset_password().sends(&mut here, Purpose::Reset);
    let look = |after| {
        let saved = store.load().unwrap().expect("a session");
        let mut seen = builder("IMgr8").snapshot(saved).build().unwrap();
        seen.expire(here.now + after);
        (
            seen.operation(),
            seen.login_guard().blocked,
            seen.opened_at().is_some(),
        )
    };
    let reset = Some(OperationKind::PasswordReset);
    let unknown = Some(BlockReason::PasswordInDoubt);
    assert_eq!(look(SECOND), (reset, None, true));
    assert_eq!(look(MINUTE), (None, unknown.clone(), true));
    assert_eq!(look(20 * MINUTE), (None, unknown, false));
}
