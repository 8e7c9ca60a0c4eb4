//! Many processes that share one session through a store that works.

use std::{
    error::Error as _,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use thingspace_core::{
    Call, Environment, Error, ErrorKind, SessionBuilder, SharedStep, Step, StoreError,
    session::{
        BlockReason, Loaded, OperationKind, OtherSession, POLL_INTERVAL, Revision, Saved, Snapshot,
        SnapshotError, Store, WaitReason,
    },
};

use crate::scenario::*;

/// Two processes that share an open session.
pub fn two() -> (Arc<Register>, Scenario, Scenario) {
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

/// The same, where both know of it.
pub fn two_that_know() -> (Arc<Register>, Scenario, Scenario) {
    let (store, here, mut there) = two();
    there.learns();
    (store, here, there)
}

/// A process that has lost a login, and another one.
fn one_lost_login() -> (Arc<Register>, Scenario, Scenario) {
    let store = Register::new();
    let (mut here, there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    login.loses_login(&mut here);
    (store, here, there)
}

/// Tries to log in, as long as that takes. Returns the result, if a login was made that
/// received this.
fn tries_login(s: &mut Scenario, received: &dyn Fn() -> Received) -> (u32, Result<(), Error>) {
    let (mut call, mut logins) = (Actor::log_in(), 0);
    loop {
        match call.step(s) {
            Step::Send(transmit) => match Purpose::of(&transmit.request) {
                Purpose::TokenFetch => call.receives(s, bearer("bearer")),
                Purpose::LogIn => {
                    logins += 1;
                    call.receives(s, received());
                }
                other => panic!("expected to log in, got {other:?}"),
            },
            Step::Wait(wait) => s.pass_until(wait.until),
            Step::Done(result) => return (logins, result.map(drop)),
        }
    }
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
    there.pass_until(wait.until);
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
fn a_call_that_waits_for_another_process_looks_ten_times_a_second() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut first = Actor::log_in();
    first.sends(&mut here, Purpose::TokenFetch);
    let mut other = Actor::writes();
    let (start, before) = (there.now, store.loads.load(Relaxed));
    while there.now < start + SECOND {
        // Steps in between, since something else has changed, ask nobody.
        let wait = other.waits(&mut there);
        assert_eq!(wait.until, there.now + POLL_INTERVAL);
        other.waits(&mut there);
        there.pass_until(wait.until);
    }
    assert_eq!(store.loads.load(Relaxed), before + 10);
    // The calls of one process look together.
    let mut third = Actor::reads();
    other.waits(&mut there);
    third.waits(&mut there);
    assert_eq!(store.loads.load(Relaxed), before + 11);
}

#[test]
fn a_call_that_waits_looks_at_once_when_the_store_has_changed() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let (mut first, mut other) = (Actor::log_in(), Actor::writes());
    first.fetches(&mut here, "bearer-1");
    first.sends(&mut here, Purpose::LogIn);
    other.waits(&mut there);
    first.receives(&mut here, session("session-1"));
    here.saves_what_is_unsaved();

    let before = store.loads.load(Relaxed);
    other.waits(&mut there);
    assert_eq!(store.loads.load(Relaxed), before);
    there.session.store_changed();
    other.sends(&mut there, Purpose::Work);
    assert_eq!(store.loads.load(Relaxed), before + 1);
}

#[test]
fn a_change_of_the_store_while_it_is_loaded_is_looked_at() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let (mut first, mut other) = (Actor::log_in(), Actor::writes());
    first.fetches(&mut here, "bearer-1");
    first.sends(&mut here, Purpose::LogIn);
    other.waits(&mut there);

    // What is loaded was there before the login ended.
    there.session.store_changed();
    assert!(matches!(other.step_alone(&mut there), SharedStep::Load));
    let loaded = store.loads(there.now);
    first.receives(&mut here, session("session-1"));
    here.saves_what_is_unsaved();
    other.call.loaded(&mut there.session, there.now, loaded);
    there.session.store_changed();
    other.sends(&mut there, Purpose::Work);
}

#[test]
fn a_change_of_the_store_concerns_no_call_of_an_open_session_and_no_session_without_a_store() {
    let (store, mut here, _) = two_that_know();
    let before = store.loads.load(Relaxed);
    here.session.store_changed();
    Actor::writes().works(&mut here);
    assert_eq!(store.loads.load(Relaxed), before);

    let mut alone = Scenario::open();
    alone.session.store_changed();
    Actor::writes().works(&mut alone);
}

#[test]
fn what_one_process_has_saved_the_others_need_not_save_too() {
    let (store, mut here, _) = two_that_know();
    let mut others: Vec<_> = (0..20).map(|_| Scenario::sharing(&store)).collect();
    let mut calls: Vec<_> = others
        .iter_mut()
        .map(|s| {
            s.learns();
            let mut call = Actor::writes();
            call.sends(s, Purpose::Work);
            call
        })
        .collect();
    let saves = store.saves.load(Relaxed);
    // Somebody else has ended the session, which each of them finds out by itself.
    let mut first = Actor::writes();
    first.sends(&mut here, Purpose::Work);
    first.receives(&mut here, session_expired());
    for (call, s) in calls.iter_mut().zip(&mut others) {
        call.receives(s, session_expired());
    }
    first.logs_in(&mut here, "session-2");
    here.saves_what_is_unsaved();
    for (call, s) in calls.iter_mut().zip(&mut others) {
        let sent = call.sends(s, Purpose::Work);
        assert_eq!(tokens(&sent).1, "session-2");
        call.receives(s, done());
        call.ends_with_response(s);
        assert!(!s.session.is_unsaved(s.now));
    }
    // That the session has ended, and the next login: however many there are.
    assert!(store.saves.load(Relaxed) <= saves + 4);
}

#[test]
fn the_last_use_that_others_have_saved_a_moment_ago_is_not_saved_again() {
    let (store, _, _) = two_that_know();
    let mut fleet: Vec<_> = (0..20).map(|_| Scenario::sharing(&store)).collect();
    for s in &mut fleet {
        s.learns();
    }
    let saves = store.saves.load(Relaxed);
    for _ in 0..4 {
        for (number, s) in (0..).zip(&mut fleet) {
            s.pass(6 * MINUTE);
            // Each is used a moment after the other.
            s.pass(number * POLL_INTERVAL);
            Actor::writes().works(s);
            s.saves_what_is_unsaved();
        }
        let latest = fleet.iter().map(|s| s.now).max().unwrap();
        for s in &mut fleet {
            s.now = latest;
        }
    }
    // One of them each time that it is due.
    let times = store.saves.load(Relaxed) - saves;
    assert!((2..=4).contains(&times), "{times}");
}

/// The steady path.
#[test]
fn law_15_calls_with_an_open_session_neither_load_nor_save() {
    let (store, mut here, mut there) = two_that_know();
    let before = (store.loads.load(Relaxed), store.saves.load(Relaxed));
    for _ in 0..1000 {
        for s in [&mut here, &mut there] {
            Actor::reads().works(s);
            Actor::writes().works(s);
            Actor::log_in().ends(s).unwrap();
            s.pass(SECOND / 5);
        }
    }
    let after = (store.loads.load(Relaxed), store.saves.load(Relaxed));
    assert_eq!(after, before);
}

#[test]
fn the_last_use_is_saved_every_five_minutes_at_most() {
    let (store, mut here, mut there) = two_that_know();
    let before = store.saves.load(Relaxed);
    let mut due = here.now;
    for _ in 0..40 {
        for s in [&mut here, &mut there] {
            s.pass(MINUTE);
            Actor::reads().works(s);
            s.saves_what_is_unsaved();
            assert!(
                !s.session.is_unsaved(s.now),
                "it would be saved without end"
            );
            let saved = store.session_of("IMgr8").last_used().unwrap();
            // It was used again a minute after that.
            assert!(saved + 6 * MINUTE >= s.now, "saved too late");
            due = due.max(saved);
        }
    }
    // By each of the two at the earliest after three quarters of five minutes.
    let saves = store.saves.load(Relaxed) - before;
    assert!((7..=2 * 11).contains(&saves), "{saves} in 40 minutes");
    assert!(due + 6 * MINUTE > here.now);

    // Whoever does nothing has nothing to save.
    here.pass(10 * MINUTE);
    here.saves_what_is_unsaved();
    let saves = store.saves.load(Relaxed);
    here.pass(10 * MINUTE);
    here.saves_what_is_unsaved();
    assert_eq!(store.saves.load(Relaxed), saves);
}

#[test]
fn a_use_that_is_not_the_last_one_any_more_is_not_saved() {
    let (store, mut here, mut there) = two_that_know();
    here.pass(MINUTE);
    Actor::reads().works(&mut here);
    there.pass(5 * MINUTE);
    Actor::reads().works(&mut there);
    there.syncs().unwrap();
    let saves = store.saves.load(Relaxed);
    here.pass(6 * MINUTE);
    assert!(here.session.is_unsaved(here.now));
    here.saves_what_is_unsaved();
    assert!(!here.session.is_unsaved(here.now));
    assert_eq!(store.saves.load(Relaxed), saves);
}

#[test]
fn a_session_that_another_process_used_is_not_idle() {
    let (_, mut here, mut there) = two_that_know();
    for _ in 0..6 {
        here.pass(5 * MINUTE);
        Actor::reads().works(&mut here);
        here.saves_what_is_unsaved();
    }
    there.pass(30 * MINUTE);
    Actor::reads().works(&mut there);
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
    there.pass(MINUTE);
    let mut again = Actor::log_in();
    again.waits_out(&mut there);
    again.sends(&mut there, Purpose::LogIn);
    assert_eq!(there.session.login_guard().failed_logins, 2);
    drop(again);

    here.pass(3 * MINUTE);
    let mut call = Actor::log_in();
    let error = loop {
        match call.step(&mut here) {
            // It asks whether the API responds: it does.
            Step::Send(_) => call.receives(&mut here, api_responds()),
            Step::Wait(wait) => here.pass_until(wait.until),
            Step::Done(result) => break result.unwrap_err(),
        }
    };
    assert!(matches!(error.kind(), ErrorKind::BackingOff { .. }));
    let guard = here.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (2, 0));
    // The second one is lost when its lease expires.
    let lost_at = there.now + 35 * SECOND;
    assert_eq!(guard.next_login, Some(lost_at + 30 * MINUTE));
}

#[test]
fn a_response_is_applied_on_top_of_what_others_did_meanwhile() {
    let (store, mut here, mut there) = two_that_know();
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
fn a_reset_whose_lease_expired_for_another_process_still_brings_the_password_to_its_call() {
    let (_, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    there.pass(MINUTE);
    there.learns();
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
    let (mut other, begun) = (Actor::log_in(), here.now);
    here.pass(Register::POLL);
    while here.now < begun + 35 * SECOND {
        other.waits_out(&mut here);
    }
    other.sends(&mut here, Purpose::TokenFetch);
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
    there.pass(Register::POLL);
    other.works(&mut there);
    assert_eq!(there.session.login_guard().failed_logins, 0);
}

#[test]
fn law_14_a_new_password_whose_call_is_gone_is_confirmed_for_all() {
    let (_, mut here, mut there) = two_that_know();
    let reset = Actor::reset_password().begins(&mut here, Purpose::Reset);
    here.receives(reset, new_password("new"));
    let new = here.session.new_password().cloned().unwrap();
    assert_eq!(new.password().expose(), "new");

    // The others wait for somebody to decide, and so does this one.
    there.learns();
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
    there.learns();
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(there.session.login_guard().blocked, outdated);
}

#[test]
fn law_14_a_call_that_waits_for_a_confirmation_elsewhere_goes_on_when_it_is_there() {
    let (_, mut here, mut there) = two_that_know();
    let mut late = Actor::writes();
    late.sends(&mut there, Purpose::Work);
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    reset.receives(&mut here, new_password("new"));
    let new = reset.ends_with_password(&mut here);
    there.pass(Register::POLL);
    late.receives(&mut there, session_expired());
    let waits_for = WaitReason::Operation(OperationKind::PasswordReset);
    assert_eq!(late.waits(&mut there).reason, waits_for);
    here.confirms(&new);
    there.pass(Register::POLL);
    // It has the old password.
    let error = late.fails(&mut there);
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(error.login_guard().unwrap().blocked, outdated);
    there.is_given("new");
    Actor::writes().logs_in(&mut there, "session-2");
}

#[test]
fn a_session_of_somebody_else_is_left_alone() {
    let (store, ..) = two();
    let before = store.text();
    let mut other = Scenario::sharing(&store);
    other.session = SessionBuilder::new(credentials("IMgr8"))
        .environment(Environment::staging())
        .shared(Register::POLL)
        .build()
        .unwrap();
    let error = Actor::log_in().fails(&mut other);
    let root = error.source().unwrap().source().unwrap();
    let refused = SnapshotError::Other(OtherSession::Environment);
    assert_eq!(root.downcast_ref(), Some(&refused));
    assert_eq!(store.text(), before);
}

/// The two halves of a reset, of which the first is saved before anybody uses the
/// password.
#[test]
fn law_8_a_new_password_is_saved_as_unconfirmed_before_anybody_uses_it() {
    let (store, mut s, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let in_store = |store: &Register| {
        let other = store.session_of("IMgr8");
        (other.operation(), other.login_guard().blocked)
    };
    let kind = Some(OperationKind::PasswordReset);
    let in_doubt = Some(BlockReason::PasswordInDoubt);
    assert_eq!(in_store(&store), (kind, in_doubt));
    reset.receives(&mut s, new_password("new"));
    let awaited = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(in_store(&store), (kind, awaited.clone()));
    let new = reset.ends_with_password(&mut s);
    assert_eq!(
        s.session.credentials().password().unwrap().expose(),
        "IMgr8"
    );

    // The password is saved where the caller likes; meanwhile others work.
    Actor::writes().works(&mut there);
    there.pass(HOUR);
    let error = Actor::log_in().fails(&mut there);
    assert_eq!(error.login_guard().unwrap().blocked, awaited);

    s.pass(HOUR);
    s.confirms(&new);
    assert_eq!(store.session_of("new").login_guard().blocked, None);
    assert_eq!(store.session_of("new").operation(), None);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "new");
    assert_eq!(s.session.operation(), None);
}

#[test]
fn a_new_password_is_not_confirmed_after_another_process_was_given_one() {
    let (_, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    reset.receives(&mut here, new_password("new"));
    let new = reset.ends_with_password(&mut here);
    there.is_given("another");
    here.learns();
    assert_not_awaited(here.session.confirm(&new));
    assert_eq!(
        here.session.credentials().password().unwrap().expose(),
        "IMgr8"
    );
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(here.session.login_guard().blocked, outdated);
    assert_eq!(there.session.login_guard().blocked, None);
}

#[test]
fn a_process_whose_password_another_has_reset_makes_no_login_with_it() {
    for knows_before in [false, true] {
        let (_, mut here, mut there) = if knows_before { two_that_know() } else { two() };
        Actor::reset_password().resets_to(&mut here, "new");

        // The open session goes on.
        there.learns();
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
}

/// A host with a password of before: its tag is enough to know it again, after a
/// restart too.
#[test]
fn law_3_a_stale_host_recognises_itself_after_a_reset_elsewhere_and_spends_nothing() {
    let (store, mut here, _) = two();
    Actor::reset_password().resets_to(&mut here, "new");
    let outdated = Some(BlockReason::PasswordOutdated);
    for start in 0..10 {
        let mut stale = Scenario::sharing(&store);
        stale.pass(start * HOUR);
        let error = Actor::log_in().ends(&mut stale);
        assert_eq!(error.is_err(), start > 0, "the session was open");
        let guard = stale.session.login_guard();
        assert_eq!((guard.failed_logins, guard.blocked), (0, outdated.clone()));
    }
    // Those who have the right one are not troubled by it.
    let mut right = Scenario::sharing_with(&store, "new");
    right.pass(10 * HOUR);
    let mut login = Actor::log_in();
    login.fetches(&mut right, "bearer-2");
    login.logs_in(&mut right, "session-2");
    login.ends(&mut right).unwrap();
}

/// One stale host, and an operator who unblocks for the right one as often as he likes.
#[test]
fn law_3_an_unblocking_is_for_the_host_that_it_was_given_to() {
    let store = Register::new();
    let mut right = Scenario::sharing(&store);
    let mut stale = Scenario::sharing_with(&store, "stale");
    let mut spent = 0;
    for round in 0..8 {
        right.unblocks();
        stale.pass(HOUR);
        let (logins, result) = tries_login(&mut stale, &wrong_password);
        spent += logins;
        assert!(result.unwrap_err().is_wrong_credentials());
        assert_eq!(spent, 1, "in round {round}");
        right.pass(HOUR);
        let (_, result) = tries_login(&mut right, &|| session("session"));
        result.unwrap();
        let mut out = Actor::log_out();
        out.sends(&mut right, Purpose::LogOut);
        out.receives(&mut right, lost());
        right.pass(HOUR);
    }
}

/// A lost reset, of which the operator finds out: he gives the password to one
/// process, and the other still has the one of before.
#[test]
fn law_8_a_password_that_one_process_was_given_lets_no_other_log_in_with_its_own() {
    for resets_before in [0, 1] {
        let (_, mut here, mut there) = two();
        for _ in 0..resets_before {
            Actor::reset_password().resets_to(&mut here, "earlier");
        }
        let mut lost_reset = Actor::reset_password();
        lost_reset.sends(&mut here, Purpose::Reset);
        lost_reset.receives(&mut here, lost());
        // It has not looked at the store yet.
        there.is_given("right");
        assert_eq!(there.session.login_guard().blocked, None);

        here.pass(20 * MINUTE);
        let error = Actor::writes().fails(&mut here);
        let outdated = Some(BlockReason::PasswordOutdated);
        assert_eq!(error.login_guard().unwrap().blocked, outdated);

        // Once all have it, nobody lags behind.
        here.is_given("right");
        Actor::writes().sends(&mut here, Purpose::LogIn);
        there.learns();
        let in_progress = there.session.login_guard();
        assert_eq!(in_progress.blocked, None);
    }
}

#[test]
fn law_8_a_password_that_is_given_while_a_reset_is_in_progress_elsewhere_is_in_doubt() {
    let (_, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    there.is_given("right");
    let in_doubt = Some(BlockReason::PasswordInDoubt);
    assert_eq!(there.session.login_guard().blocked, in_doubt);
}

#[test]
fn of_two_processes_that_are_given_a_password_each_the_later_one_is_right() {
    let (_, mut here, mut there) = two_that_know();
    let _ = here.session.set_credentials(credentials("one"));
    let _ = there.session.set_credentials(credentials("other"));
    here.saves_what_is_unsaved();
    there.pass(Register::POLL);
    there.saves_what_is_unsaved();
    here.learns();
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(here.session.login_guard().blocked, outdated);
    assert_eq!(there.session.login_guard().blocked, None);
}

#[test]
fn law_2_a_process_that_is_given_the_password_of_another_has_what_is_left_of_its_budget() {
    let (_, mut here, mut there) = two();
    here.is_given("right");
    here.pass(20 * MINUTE);
    let mut login = Actor::log_in();
    login.sends(&mut here, Purpose::LogIn);
    login.receives(&mut here, unclear());
    login.fails(&mut here);

    there.pass(20 * MINUTE);
    there.is_given("right");
    assert_eq!(there.session.login_guard().attempts_left, 1);
    there.is_given("wright");
    assert_eq!(there.session.login_guard().attempts_left, 2);
}

#[test]
fn law_2_a_guard_is_unblocked_for_nobody_who_is_given_another_password_since() {
    let (_, mut here, mut there) = two();
    here.pass(20 * MINUTE);
    for failed in 0..4 {
        here.is_given(&format!("guess {failed}"));
        let mut login = Actor::log_in();
        login.sends(&mut here, Purpose::LogIn);
        login.receives(&mut here, wrong_password());
        login.fails(&mut here);
    }
    here.unblocks();
    assert_eq!(here.session.login_guard().attempts_left, 1);
    there.learns();
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
    let before = store.text();
    let other = credentials_of("trillian", "towel");
    let refused = here.session.set_credentials(other);
    assert_eq!(refused, Err(OtherSession::User));
    assert!(!here.session.is_unsaved(here.now));
    here.learns();
    assert_eq!(store.text(), before);
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

/// The file of a session has a name that a file system takes, however long its user's
/// name and key are; and an old version's file is found again.
#[test]
fn a_key_that_is_too_long_for_a_file_is_shortened_in_the_same_way_in_every_version() {
    let key = |username: &str| {
        SessionBuilder::new(credentials_of(username, "IMgr8"))
            .environment(Environment::mock())
            .store_key()
    };
    // The last one that is kept as it is.
    let longest = key(&"z".repeat(148));
    assert_eq!(longest.len(), 200);
    assert!(longest.ends_with("zzz,key"), "{longest}");
    let shortened = key(&"z".repeat(300));
    assert_eq!(
        shortened,
        format!(
            "https%3A%2F%2Fmock.thingspace.verizon.com%2Fapi,{}~278811102738df75849bbd038a20de77",
            "z".repeat(119)
        )
    );
    assert_eq!(shortened.len(), 200);
    assert_ne!(key(&"z".repeat(301)), shortened);
    // No name that is short enough looks like one that was shortened.
    assert!(!key("~").contains('~'));
}

/// One process has the right password, and five others are given a wrong one in the
/// place of theirs, each as bad as can be: the same for all, or another one for each.
#[test]
fn law_2_a_wrong_password_that_is_rolled_out_never_locks_the_user_name() {
    for (is_one_for_all, most) in [(true, 2), (false, 4)] {
        let (store, mut here, _) = two();
        let mut others: Vec<_> = (0..5).map(|_| Scenario::sharing(&store)).collect();
        here.is_given("right");

        let mut failed = 0;
        for (number, other) in others.iter_mut().enumerate() {
            other.pass(20 * MINUTE);
            other.is_given(&if is_one_for_all {
                "wrong".to_owned()
            } else {
                format!("wrong {number}")
            });
            failed += tries_login(other, &unclear).0;
        }
        assert_eq!(failed, most, "of 5 that would lock the user name");
    }
}

#[test]
fn that_a_password_is_outdated_is_reported_once() {
    let (_, mut here, mut there) = two();
    Actor::reset_password().resets_to(&mut here, "new");
    there.learns();
    let reason = BlockReason::PasswordOutdated;
    assert_eq!(there.reported(), [event::logins_blocked(&reason)]);
    there.learns();
    assert_eq!(there.events(), []);
}

#[test]
fn a_call_that_waits_looks_ten_times_a_second_unless_the_store_says_otherwise() {
    struct Unhurried;
    impl Store for Unhurried {
        fn load(&self) -> Result<Option<Loaded>, StoreError> {
            Ok(None)
        }

        fn save(&self, _: Option<Revision>, _: &Snapshot) -> Result<Saved, StoreError> {
            Ok(Saved::Saved)
        }

        fn poll_interval(&self) -> Duration {
            MINUTE
        }
    }
    assert_eq!(POLL_INTERVAL, SECOND / 10);
    // Many sessions may go to one.
    assert_eq!(Store::poll_interval(&Arc::new(Unhurried)), MINUTE);

    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let slow = builder("IMgr8").shared(20 * SECOND).seed(77);
    there.session = slow.build().unwrap();
    Actor::log_in().sends(&mut here, Purpose::TokenFetch);
    let wait = Actor::log_in().waits(&mut there);
    assert_eq!(wait.until, there.now + 20 * SECOND);
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
    let (_, mut here, mut there) = two();
    Actor::reset_password().resets_to(&mut here, "new");
    there.learns();
    assert!(there.session.login_guard().blocked.is_some());
    there.unblocks();
    assert_eq!(there.session.login_guard().blocked, None);
}

#[test]
fn an_unblocking_is_carried_to_the_others_and_spent_once() {
    let (_, mut here, mut there) = one_lost_login();
    here.pass(31 * SECOND);
    let mut login = Actor::log_in();
    login.sends(&mut here, Purpose::LogIn);
    login.receives(&mut here, wrong_password());
    there.pass(31 * SECOND);
    there.learns();
    assert!(there.session.login_guard().blocked.is_some());

    here.unblocks();
    there.learns();
    assert_eq!(there.session.login_guard().attempts_left, 1);
    let mut login = Actor::log_in();
    login.sends(&mut there, Purpose::LogIn);
    login.receives(&mut there, unclear());
    here.learns();
    for s in [&here, &there] {
        let spent = Some(BlockReason::BudgetSpent);
        assert_eq!(s.session.login_guard().blocked, spent);
    }
}

/// An unblocking that nobody else has seen when a later one was saved.
#[test]
fn an_unblocking_is_not_lost_among_those_of_others() {
    let (store, mut here, mut there) = one_lost_login();
    there.learns();
    for _ in 0..3 {
        here.is_given("other");
        here.unblocks();
    }
    let before = store.text();
    there.session.unblock();
    assert_eq!(store.text(), before);
    there.learns();
    assert_eq!(there.session.login_guard().attempts_left, 1);
}

#[test]
fn law_2_unblockings_of_several_processes_do_not_add_up() {
    let (_, mut here, mut there) = one_lost_login();
    for _ in 0..2 {
        for s in [&mut here, &mut there] {
            s.pass(SECOND);
            s.unblocks();
        }
    }
    let mut login = Actor::log_in();
    login.sends(&mut there, Purpose::LogIn);
    login.receives(&mut there, lost());
    here.learns();
    for s in [&here, &there] {
        let spent = Some(BlockReason::BudgetSpent);
        assert_eq!(s.session.login_guard().blocked, spent);
    }
}

#[test]
fn one_who_only_looks_sees_what_the_next_call_would() {
    let (store, mut here, _) = two();
    Actor::reset_password().sends(&mut here, Purpose::Reset);
    let look = |after| {
        let mut seen = store.session_of("IMgr8");
        seen.expire(here.now + after);
        (
            seen.operation(),
            seen.login_guard().blocked,
            seen.opened_at().is_some(),
        )
    };
    let reset = Some(OperationKind::PasswordReset);
    let unknown = Some(BlockReason::PasswordInDoubt);
    assert_eq!(look(SECOND), (reset, unknown.clone(), true));
    assert_eq!(look(MINUTE), (None, unknown.clone(), true));
    assert_eq!(look(20 * MINUTE), (None, unknown, false));
}

/// Tokens that others have replaced while a request was on its way.
#[test]
fn law_5_a_call_is_replayed_on_tokens_that_others_replaced_three_times_at_most() {
    let (_, mut here, mut there) = two_that_know();
    let mut call = Actor::writes();
    call.sends(&mut here, Purpose::Work);
    for replay in 2..=5 {
        there.pass(6 * MINUTE);
        here.pass(6 * MINUTE);
        let mut out = Actor::log_out();
        out.sends(&mut there, Purpose::LogOut);
        out.receives(&mut there, session_expired());
        let token = format!("session-{replay}");
        let mut login = Actor::log_in();
        login.logs_in(&mut there, &token);
        login.ends(&mut there).unwrap();
        call.receives(&mut here, session_expired());
        let sent = call.sends(&mut here, Purpose::Work);
        assert_eq!(tokens(&sent).1, token);
    }
    // The fourth replay was its own.
    call.receives(&mut here, session_expired());
    let error = call.fails(&mut here);
    assert!(matches!(error.kind(), ErrorKind::SessionRefused(_)));
}

#[test]
fn law_5_the_replay_of_a_call_that_logged_in_itself_is_its_own() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut call = Actor::writes();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let error = call.fails(&mut s);
    assert!(matches!(error.kind(), ErrorKind::SessionRefused(_)));
}

#[test]
fn law_7_refused_tokens_and_ended_sessions_come_back_from_nobody() {
    let (store, mut here, mut there) = two_that_know();
    let old = store.text();
    let mut call = Actor::writes();
    call.sends(&mut here, Purpose::Work);
    call.receives(&mut here, bearer_fault());
    let mut out = Actor::log_out();
    out.fetches(&mut here, "bearer-2");
    out.sends(&mut here, Purpose::LogOut);
    out.receives(&mut here, response(200, "{}"));
    assert_eq!(
        out.ends_logged_out(&mut here).unwrap().expose(),
        "session-1"
    );

    // The other one still has the old ones, and so has a backup.
    store.is_restored_to(old);
    there.pass(10 * MINUTE);
    let mut reset = Actor::reset_password();
    reset.sends(&mut there, Purpose::Reset);
    reset.receives(&mut there, lost());
    here.pass(10 * MINUTE);
    here.learns();
    assert_eq!(here.session.session_token(), None);
    assert_eq!(here.session.bearer_token().unwrap().expose(), "bearer-2");
    there.learns();
    assert_eq!(there.session.session_token(), None);
    assert_eq!(there.session.bearer_token().unwrap().expose(), "bearer-2");
}

#[test]
fn law_2_settled_logins_come_back_from_nobody() {
    let (store, mut here, mut there) = one_lost_login();
    there.learns();
    let old = store.text();
    assert_eq!(there.session.login_guard().failed_logins, 1);
    here.pass(31 * SECOND);
    let mut login = Actor::log_in();
    login.logs_in(&mut here, "session-1");
    login.ends(&mut here).unwrap();
    assert_eq!(here.session.login_guard().failed_logins, 0);

    store.is_restored_to(old);
    here.learns();
    assert_eq!(here.session.login_guard().failed_logins, 0);
    there.learns();
    assert_eq!(there.session.login_guard().failed_logins, 0);
}

/// A late refusal of one process's login, after another one's has succeeded.
#[test]
fn law_3_a_late_refusal_that_names_the_credentials_counts_for_all() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut first = Actor::log_in();
    first.fetches(&mut here, "bearer-1");
    let login = first.begins(&mut here, Purpose::LogIn);
    there.pass(MINUTE);
    let mut other = Actor::log_in();
    other.waits_out(&mut there);
    other.logs_in(&mut there, "session-1");
    other.ends(&mut there).unwrap();
    here.pass(2 * MINUTE);
    here.receives(login, wrong_password());
    there.learns();
    for s in [&here, &there] {
        assert!(matches!(
            s.session.login_guard().blocked,
            Some(BlockReason::WrongCredentials { .. })
        ));
        assert!(s.session.session_token().is_some(), "the session goes on");
    }
}

#[test]
fn law_7_a_late_response_of_one_process_ends_nobody_elses_operation() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut first = Actor::log_in();
    first.fetches(&mut here, "bearer-1");
    let login = first.begins(&mut here, Purpose::LogIn);
    there.pass(MINUTE);
    let mut other = Actor::log_in();
    other.waits_out(&mut there);
    other.sends(&mut there, Purpose::LogIn);
    here.pass(MINUTE + 20 * SECOND);
    here.learns();
    here.receives(login, session("session-late"));
    assert_eq!(here.session.session_token(), None);
    assert_eq!(here.session.operation(), Some(OperationKind::LogIn));
    there.learns();
    assert_eq!(there.session.operation(), Some(OperationKind::LogIn));
    assert_eq!(there.session.login_guard().failed_logins, 1);
    other.receives(&mut there, session("session-1"));
    let token = other.ends_logged_in(&mut there);
    assert_eq!(token.expose(), "session-1");
}

/// A rotated secret revives those who are started with it, run by run.
#[test]
fn law_3_changed_credentials_are_recognised_across_restarts() {
    let store = Register::new();
    let run = |password: &str, hour: u32, received: &dyn Fn() -> Received| {
        let mut s = Scenario::sharing_with(&store, password);
        s.pass(hour * HOUR);
        tries_login(&mut s, received)
    };
    for hour in 1..10 {
        let (logins, result) = run("old", hour, &wrong_password);
        assert!(result.unwrap_err().is_wrong_credentials());
        assert_eq!(logins, u32::from(hour == 1));
    }
    let (logins, result) = run("new", 10, &|| session("session-1"));
    assert!(logins == 1 && result.is_ok());
    // The old one is known as wrong also after the success of the new one.
    let mut s = Scenario::sharing_with(&store, "old");
    s.pass(11 * HOUR);
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
}

#[test]
fn a_call_that_syncs_does_nothing_without_a_store() {
    let mut s = Scenario::open();
    assert!(!s.session.is_unsaved(s.now));
    s.syncs().unwrap();
    s.session.unblock();
    assert!(!s.session.is_unsaved(s.now));
    let mut sync = Actor::new(Call::sync());
    sync.ends(&mut s).unwrap().into_synced().unwrap();
    assert!(sync.fails(&mut s).to_string().contains("finished"));
}
