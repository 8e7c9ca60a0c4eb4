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
    Environment, Error, Password, Session, StoreError, UserCredentials,
    session::{
        ChangePassword, ChangePasswordKept, Event, FlightKind, GateReason, RestoreError, Saved,
        Snapshot, Store, WaitReason,
    },
};

use crate::scenario::*;

/// A register that keeps its text in memory.
#[derive(Default)]
struct Register {
    text: Mutex<Option<String>>,
    broken: AtomicBool,
    /// What somebody faster does just before the next snapshot is kept.
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

    fn is_overtaken_by(&self, faster: impl FnOnce() + Send + 'static) {
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
        let kept = text.as_deref().map(serde_json::from_str).transpose();
        kept.map_err(StoreError::new)
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.works()?;
        let faster = self.faster.lock().unwrap().take();
        if let Some(faster) = faster {
            faster();
        }
        if self.load()?.map(|kept| kept.version()) != seen {
            return Ok(Saved::Overtaken);
        }
        self.saved.fetch_add(1, Relaxed);
        *self.text.lock().unwrap() = Some(serde_json::to_string(snapshot).unwrap());
        Ok(Saved::Kept)
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

/// Resets the password, and has the new one kept like this.
fn reset_kept_by<K: Fn(&Password) -> Result<(), StoreError>>(
    keep: K,
) -> Actor<ChangePasswordKept<K>> {
    Actor::new(ChangePassword::kept_by(keep))
}

#[test]
fn what_one_process_opens_the_others_use() {
    let (_, _, mut there) = two();
    let mut call = Actor::writes();
    let sent = call.sends(&mut there, What::Work);
    assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
}

#[test]
fn law_1_a_process_waits_for_the_login_of_another() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let (mut carrier, mut other) = (Actor::log_in(), Actor::writes());
    carrier.fetches(&mut here, "bearer-1");
    carrier.sends(&mut here, What::LogIn);
    let wait = other.waits(&mut there);
    assert_eq!(wait.reason, WaitReason::Flight(FlightKind::LogIn));
    carrier.hears(&mut here, session("session-1"));
    let sent = other.sends(&mut there, What::Work);
    assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
}

#[test]
fn law_1_of_two_processes_that_take_off_at_once_one_waits() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    store.is_overtaken_by(move || {
        Actor::log_in().sends(&mut there, What::TokenFetch);
    });
    let wait = Actor::log_in().waits(&mut here);
    assert_eq!(wait.reason, WaitReason::Flight(FlightKind::TokenFetch));
}

#[test]
fn law_2_all_processes_share_one_budget() {
    let store = Register::new();
    let mut here = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    login.sends(&mut here, What::LogIn);
    drop(login);

    let mut there = Scenario::sharing(&store);
    there.now = here.now;
    there.pass(MINUTE);
    let mut again = Actor::log_in();
    again.sends(&mut there, What::LogIn);
    assert_eq!(there.session.gate().failed_logins, 2);
    drop(again);

    here.pass(2 * MINUTE);
    let error = Actor::log_in().fails(&mut here);
    assert_eq!(error.gate().unwrap().closed, Some(GateReason::BudgetSpent));
}

#[test]
fn an_answer_is_taken_in_on_top_of_what_others_did_meanwhile() {
    let (store, mut here, mut there) = two();
    let mut call = Actor::reads();
    call.sends(&mut here, What::Work);
    store.is_overtaken_by(move || {
        let mut late = Actor::writes();
        late.sends(&mut there, What::Work);
        there.pass(2 * MINUTE);
        late.hears(&mut there, bearer_fault());
    });
    call.hears(&mut here, session_expired());
    call.sends(&mut here, What::TokenFetch);
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
fn nothing_is_sent_that_could_not_be_kept() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    store.breaks();
    let error = Actor::writes().fails(&mut s);
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    assert!(error.is_never_sent());
    let cause = error.source().unwrap();
    assert_eq!(
        cause.to_string(),
        "what was to be kept could not be written or read"
    );
    assert_eq!(cause.source().unwrap().to_string(), "the disk is full");

    store.is_mended();
    Actor::writes().sends(&mut s, What::TokenFetch);
}

#[test]
fn a_store_that_fails_after_an_earlier_try_left_does_not_hide_that() {
    let (store, mut s, _) = two();
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, lost());
    store.breaks();
    let error = call.fails(&mut s);
    assert!(error.is_fate_unknown(), "{error}");
}

#[test]
fn an_answer_is_not_lost_with_the_store() {
    let (store, mut s, _) = two();
    let mut call = Actor::writes();
    call.sends(&mut s, What::Work);
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    store.breaks();
    call.hears(&mut s, done());
    assert_eq!(call.ends(&mut s).unwrap().status(), 200);
    reset.hears(&mut s, new_password("the-only-copy"));
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "the-only-copy");

    // For the others the reset is lost: no login is spent on the old password.
    store.is_mended();
    let mut later = Scenario::sharing(&store);
    later.pass(HOUR);
    let error = Actor::log_in().fails(&mut later);
    assert_eq!(
        error.gate().unwrap().closed,
        Some(GateReason::PasswordUnknown)
    );
}

#[test]
fn a_login_that_could_not_be_kept_ends_the_call_and_stays_counted() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    login.sends(&mut s, What::LogIn);
    store.breaks();
    login.hears(&mut s, session("session-1"));
    let error = login.fails(&mut s);
    assert!(matches!(error, Error::Store(_)), "{error:?}");

    store.is_mended();
    s.pass(MINUTE);
    let mut again = Actor::log_in();
    again.sends(&mut s, What::LogIn);
    assert_eq!(s.session.gate().failed_logins, 2);
}

#[test]
fn a_store_that_fails_does_not_end_a_call_with_an_answer_of_long_ago() {
    let (store, mut s, _) = two();
    let mut call = Actor::reads();
    let first = call.sends(&mut s, What::Work).attempt;
    call.hears(&mut s, session_expired());
    call.sends(&mut s, What::LogIn);
    store.breaks();
    call.hears_of(&mut s, first, lost());
    store.is_mended();
    call.hears(&mut s, session("session-2"));
    call.works(&mut s);
}

#[test]
fn a_call_that_is_given_up_frees_its_flight_for_all() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut call = Actor::log_in();
    call.sends(&mut here, What::TokenFetch);
    call.abandons(&mut here);
    Actor::log_in().sends(&mut there, What::TokenFetch);

    store.breaks();
    let mut call = Actor::reads();
    call.abandons(&mut here);
    assert!(call.call.is_over());
}

#[test]
fn what_the_store_has_lost_is_kept_there_again() {
    let (store, mut here, _) = two();
    store.text.lock().unwrap().take();
    here.session.transact(&*store, Session::rearm).unwrap();
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
    assert_eq!(root.downcast_ref(), Some(&RestoreError::Environment));
    assert_eq!(*store.text.lock().unwrap(), before);
}

#[test]
fn law_12_a_store_that_is_always_overtaken_is_given_up() {
    struct Busy;
    impl Store for Busy {
        fn load(&self) -> Result<Option<Snapshot>, StoreError> {
            Ok(None)
        }
        fn save(&self, _: Option<u64>, _: &Snapshot) -> Result<Saved, StoreError> {
            Ok(Saved::Overtaken)
        }
    }
    let mut s = Scenario::sharing(&Arc::new(Busy));
    let error = Actor::log_in().fails(&mut s);
    assert!(matches!(error, Error::Store(_)), "{error:?}");
}

#[test]
fn a_new_password_is_kept_before_anybody_is_told() {
    let (store, mut s, _) = two();
    let seen = Mutex::new(Vec::new());
    let mut reset = reset_kept_by(|new| {
        let told = store.load()?.expect("a session");
        let other = Session::restore(told, Environment::mock(), credentials("IMgr8")).unwrap();
        let kept = (new.expose().to_owned(), other.flight());
        seen.lock().unwrap().push(kept);
        Ok(())
    });
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, new_password("new"));
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "new");
    let kept = ("new".to_owned(), Some(FlightKind::PasswordReset));
    assert_eq!(*seen.lock().unwrap(), [kept]);
    assert_eq!(s.session.credentials().user.password().expose(), "new");
    assert_eq!(s.session.flight(), None);
}

#[test]
fn law_8_a_new_password_that_could_not_be_kept_is_given_and_no_login_is_made() {
    let (_, mut here, mut there) = two();
    let mut reset = reset_kept_by(|_| Err(StoreError::new("the disk is full")));
    reset.sends(&mut here, What::Reset);
    reset.hears(&mut here, new_password("the-only-copy"));
    let error = reset.fails(&mut here);
    assert!(!format!("{error} {error:?}").contains("the-only-copy"));
    let Error::PasswordNotKept { password, source } = error else {
        panic!("{error:?}");
    };
    assert_eq!(password.expose(), "the-only-copy");
    assert_eq!(source.source().unwrap().to_string(), "the disk is full");

    Actor::writes().works(&mut there);
    there.pass(HOUR);
    let error = Actor::log_in().fails(&mut there);
    assert_eq!(
        error.gate().unwrap().closed,
        Some(GateReason::PasswordUnknown)
    );
}

#[test]
fn a_process_whose_password_another_has_reset_makes_no_login_with_it() {
    let (store, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, What::Reset);
    reset.hears(&mut here, new_password("new"));
    reset.ends(&mut here).unwrap();

    // The open session goes on.
    Actor::writes().works(&mut there);
    let outdated = Some(GateReason::PasswordOutdated);
    assert_eq!(there.session.gate().closed, outdated);
    let reason = GateReason::PasswordOutdated;
    assert_eq!(there.events(), [Event::GateClosed { reason }]);
    let error = Actor::reset_password().fails(&mut there);
    assert_eq!(error.gate().unwrap().closed, outdated);

    there.pass(20 * MINUTE);
    let error = Actor::writes().fails(&mut there);
    assert_eq!(error.gate().unwrap().closed, outdated);
    assert!(error.is_never_sent());

    // It opens with the password that is right; for the others it was never closed.
    let given = |session: &mut Session| session.set_credentials(credentials("new"));
    there.session.transact(&*store, given).unwrap();
    assert_eq!(there.session.gate().closed, None);
    Actor::writes().sends(&mut there, What::LogIn);
    assert_eq!(here.session.gate().closed, None);
}

/// A reset is lost, and the operator finds out what became of it: he tells one
/// process, and the other still has the password of before.
#[test]
fn law_8_a_password_that_one_process_was_given_lets_no_other_log_in_with_its_own() {
    for resets_before in [0, 1] {
        let (store, mut here, mut there) = two();
        for _ in 0..resets_before {
            let mut reset = Actor::reset_password();
            reset.sends(&mut here, What::Reset);
            reset.hears(&mut here, new_password("earlier"));
        }
        let mut lost_reset = Actor::reset_password();
        lost_reset.sends(&mut here, What::Reset);
        lost_reset.hears(&mut here, lost());
        let given = |session: &mut Session| session.set_credentials(credentials("right"));
        there.session.transact(&*store, given).unwrap();
        assert_eq!(there.session.gate().closed, None);

        here.pass(20 * MINUTE);
        let error = Actor::writes().fails(&mut here);
        let outdated = Some(GateReason::PasswordOutdated);
        assert_eq!(error.gate().unwrap().closed, outdated);

        // Once all have it, nobody lags behind.
        here.session.transact(&*store, given).unwrap();
        Actor::writes().sends(&mut here, What::LogIn);
        there.session.transact(&*store, |_| ()).unwrap();
        assert_eq!(there.session.gate().closed, None);
    }
}

#[test]
fn law_2_a_process_that_catches_up_has_what_is_left_of_the_budget() {
    let (store, mut here, mut there) = two();
    let right = |session: &mut Session| session.set_credentials(credentials("right"));
    let typo = |session: &mut Session| session.set_credentials(credentials("wright"));
    here.session.transact(&*store, right).unwrap();
    here.pass(20 * MINUTE);
    let mut login = Actor::log_in();
    login.sends(&mut here, What::LogIn);
    login.hears(&mut here, refused("REQUEST_FAILED.Unclear"));
    login.fails(&mut here);

    there.session.transact(&*store, typo).unwrap();
    assert_eq!(there.session.gate().attempts_left, 1);
}

#[test]
fn law_2_a_guard_is_re_armed_for_nobody_who_catches_up_since() {
    let (store, mut here, mut there) = two();
    here.pass(20 * MINUTE);
    for failed in 0..4 {
        let guess = |session: &mut Session| {
            session.set_credentials(credentials(&format!("guess {failed}")));
        };
        here.session.transact(&*store, guess).unwrap();
        let mut login = Actor::log_in();
        login.sends(&mut here, What::LogIn);
        login.hears(&mut here, wrong_password());
        login.fails(&mut here);
    }
    here.session.transact(&*store, Session::rearm).unwrap();
    assert_eq!(here.session.gate().attempts_left, 2);
    there.session.transact(&*store, |_| ()).unwrap();
    there.events();

    let typo = |session: &mut Session| session.set_credentials(credentials("wright"));
    there.session.transact(&*store, typo).unwrap();
    assert_eq!(there.session.gate().closed, Some(GateReason::BudgetSpent));
}

#[test]
fn a_password_of_an_earlier_user_that_could_not_be_kept_does_not_touch_the_one_of_now() {
    let mut s = Scenario::open();
    let mut reset = reset_kept_by(|_| Err(StoreError::new("the disk is full")));
    reset.sends(&mut s, What::Reset);
    let mut other = credentials("towel");
    other.user = UserCredentials::new("trillian", "towel").unwrap();
    s.session.set_credentials(other);
    reset.hears(&mut s, new_password("new"));
    let error = reset.fails(&mut s);
    assert!(matches!(error, Error::PasswordNotKept { .. }), "{error}");
    assert_eq!(s.session.gate().closed, None);
}

/// One process has the right password, and five others are given a wrong one in the
/// place of theirs.
#[test]
fn law_2_a_wrong_password_that_is_rolled_out_never_locks_the_user_name() {
    let (store, mut here, _) = two();
    let mut others: Vec<_> = (0..5).map(|_| Scenario::sharing(&store)).collect();
    let right = |session: &mut Session| session.set_credentials(credentials("right"));
    here.session.transact(&*store, right).unwrap();

    let mut failed = 0;
    for other in &mut others {
        other.pass(20 * MINUTE);
        let wrong = |session: &mut Session| session.set_credentials(credentials("wrong"));
        other.session.transact(&*store, wrong).unwrap();
        let mut login = Actor::log_in();
        if other.session.gate().closed.is_none() {
            login.sends(other, What::LogIn);
            login.hears(other, refused("REQUEST_FAILED.Unclear"));
            failed += 1;
        }
        login.fails(other);
    }
    assert_eq!(failed, 4, "of 5 that would lock the user name");
}

#[test]
fn that_a_password_is_outdated_is_told_once() {
    let (store, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, What::Reset);
    reset.hears(&mut here, new_password("new"));
    there.session.transact(&*store, |_| ()).unwrap();
    let reason = GateReason::PasswordOutdated;
    assert_eq!(there.events(), [Event::GateClosed { reason }]);
    there.session.transact(&*store, |_| ()).unwrap();
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
            Ok(Saved::Kept)
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
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, What::Reset);
    reset.hears(&mut here, new_password("new"));
    reset.ends(&mut here).unwrap();

    let mut later = Scenario::sharing_with(&store, "new");
    later.pass(HOUR);
    Actor::writes().sends(&mut later, What::TokenFetch);
    assert_eq!(later.session.gate().closed, None);
}

#[test]
fn a_caller_who_knows_better_re_arms_a_guard_that_another_process_has_closed() {
    let (store, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, What::Reset);
    reset.hears(&mut here, new_password("new"));
    there.session.transact(&*store, |_| ()).unwrap();
    assert!(there.session.gate().closed.is_some());
    there.session.transact(&*store, Session::rearm).unwrap();
    assert_eq!(there.session.gate().closed, None);
}

#[test]
fn one_who_only_looks_sees_what_the_next_call_would() {
    let (store, mut here, _) = two();
    Actor::reset_password().sends(&mut here, What::Reset);
    let look = |after| {
        let kept = store.load().unwrap().expect("a session");
        let mut seen = Session::restore(kept, Environment::mock(), credentials("IMgr8")).unwrap();
        seen.age(here.now + after);
        (
            seen.flight(),
            seen.gate().closed,
            seen.opened_at().is_some(),
        )
    };
    let reset = Some(FlightKind::PasswordReset);
    let unknown = Some(GateReason::PasswordUnknown);
    assert_eq!(look(SECOND), (reset, None, true));
    assert_eq!(look(MINUTE), (None, unknown.clone(), true));
    assert_eq!(look(20 * MINUTE), (None, unknown, false));
}
