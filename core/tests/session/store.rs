//! Stores that fail, lag, forget and go back in time.

use std::{
    error::Error as _,
    future::ready,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use serde_json::{Value, json};
use thingspace_core::{
    Call, Error, ErrorKind, SessionBuilder, SharedStep, Step, StoreError,
    session::{
        AsyncStore, BlockReason, Loaded, OperationKind, Revision, Saved, Snapshot, SnapshotError,
        Store, StoreFuture, WaitReason,
    },
};

use crate::{
    scenario::*,
    shared::{two, two_that_know},
};

/// Checks that the error is about the store.
#[track_caller]
fn assert_store_failed(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
}

fn broken() -> StoreError {
    StoreError::new("the connection broke")
}

/// A process that is about to save that it logs in: the next step of its call is this
/// save.
fn about_to_log_in() -> (Arc<Register>, Scenario, Actor) {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    (store, s, login)
}

/// Steps alone, and is asked to save this.
#[track_caller]
fn is_to_save(actor: &mut Actor, s: &mut Scenario) -> (Option<Revision>, Snapshot) {
    match actor.step_alone(s) {
        SharedStep::Save { seen, snapshot } => (seen, snapshot),
        other => panic!("expected to save, got {other:?}"),
    }
}

/// Steps alone, and is asked to load.
#[track_caller]
fn is_to_load(actor: &mut Actor, s: &mut Scenario) {
    match actor.step_alone(s) {
        SharedStep::Load => {}
        other => panic!("expected to load, got {other:?}"),
    }
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

    // A store that failed is left alone for a second.
    store.is_mended();
    assert_store_failed(&Actor::writes().fails(&mut s));
    assert_eq!(store.loads.load(Relaxed), 0);
    s.pass(SECOND);
    Actor::writes().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn a_store_that_fails_after_an_earlier_attempt_left_does_not_hide_that() {
    let (store, mut s, _) = two();
    let (mut call, mut other) = (Actor::reads(), Actor::writes());
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, lost());
    other.sends(&mut s, Purpose::Work);
    other.receives(&mut s, session_expired());
    store.breaks();
    call.waits_out(&mut s);
    let error = call.fails(&mut s);
    assert_store_failed(&error);
    assert!(error.is_outcome_unknown(), "{error}");
}

#[test]
fn law_15_a_response_is_not_lost_with_the_store() {
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

    // It is saved as soon as it can be.
    s.pass(HOUR);
    assert!(s.session.is_unsaved(s.now));
    s.syncs().unwrap();
    assert!(!s.session.is_unsaved(s.now));
    later.learns();
    let awaited = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(later.session.login_guard().blocked, awaited);
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
        let (store, mut here, mut there) = two_that_know();
        let reset = Actor::reset_password().begins(&mut here, Purpose::Reset);
        store.breaks();
        here.receives(reset, new_password("the-only-copy"));
        let new = here.session.new_password().cloned().unwrap();
        store.is_mended();
        if lease_expires {
            here.pass(MINUTE);
            Actor::reads().works(&mut here);
            let awaited = Some(BlockReason::AwaitingConfirmation);
            assert_eq!(here.session.login_guard().blocked, awaited);
        }
        here.pass(2 * SECOND);
        here.confirms(&new);
        assert_eq!(here.session.operation(), None);
        assert_eq!(here.session.login_guard().blocked, None);
        there.learns();
        let outdated = Some(BlockReason::PasswordOutdated);
        assert_eq!(there.session.login_guard().blocked, outdated);
    }
}

#[test]
fn law_8_a_confirmation_that_could_not_be_saved_can_be_made_again() {
    let (store, mut here, mut there) = two();
    let mut reset = Actor::reset_password();
    reset.sends(&mut here, Purpose::Reset);
    reset.receives(&mut here, new_password("the-only-copy"));
    let new = reset.ends_with_password(&mut here);
    store.breaks();
    here.session.confirm(&new).unwrap();
    here.pass(SECOND);
    let mut sync = Actor::new(Call::sync());
    let error = loop {
        match sync.step(&mut here) {
            Step::Wait(wait) => here.pass_until(wait.until),
            Step::Done(result) => break result.unwrap_err(),
            other @ Step::Send(_) => panic!("{other:?}"),
        }
    };
    assert_store_failed(&error);
    assert!(!format!("{error} {error:?}").contains("the-only-copy"));
    let cause = error.source().unwrap().source().unwrap();
    assert_eq!(cause.to_string(), "the disk is full");
    assert!(here.session.is_unsaved(here.now));

    // Nobody else logs in with a password that may be wrong.
    store.is_mended();
    Actor::writes().works(&mut there);
    there.pass(HOUR);
    let error = Actor::log_in().fails(&mut there);
    let awaited = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(error.login_guard().unwrap().blocked, awaited);

    here.pass(2 * SECOND);
    here.confirms(&new);
    assert!(!here.session.is_unsaved(here.now));
    here.confirms(&new);
    let password = here.session.credentials().password().unwrap();
    assert_eq!(password.expose(), "the-only-copy");
    there.learns();
    let outdated = Some(BlockReason::PasswordOutdated);
    assert_eq!(there.session.login_guard().blocked, outdated);
}

/// No login is made a second time, and no call waits, since a save failed after the
/// response: the tokens are used at once, and saved later.
#[test]
fn law_15_a_login_that_could_not_be_saved_is_used_at_once_and_saved_later() {
    for says_so in [true, false] {
        let store = Register::new();
        let mut s = Scenario::sharing(&store);
        let mut login = Actor::log_in();
        login.fetches(&mut s, "bearer-1");
        login.sends(&mut s, Purpose::LogIn);
        let mut other = Actor::reads();
        other.waits(&mut s);
        if says_so {
            store.breaks();
        } else {
            store.forgets_to_say();
        }
        login.receives(&mut s, session("session-1"));
        assert!(s.session.is_unsaved(s.now));
        // Every call of the process that waited for it goes on.
        login.ends(&mut s).unwrap();
        other.works(&mut s);
        s.pass(MINUTE);
        Actor::writes().works(&mut s);

        // For the others it stays counted until it is saved.
        store.is_mended();
        if says_so {
            let mut there = Scenario::sharing(&store);
            there.pass(MINUTE);
            Actor::log_in().waits(&mut there);
            assert_eq!(there.session.login_guard().failed_logins, 1);
        }
        s.syncs().unwrap();
        let mut there = Scenario::sharing(&store);
        Actor::writes().works(&mut there);
        assert_eq!(there.session.login_guard().failed_logins, 0);
    }
}

#[test]
fn a_sync_is_tried_again_as_long_as_it_may_take() {
    let (store, mut s, _) = two();
    store.breaks();
    s.session.unblock();
    let begun = s.now;
    let mut sync = Actor::new(Call::sync()).until(begun + HOUR);
    while s.now < begun + 30 * MINUTE {
        let wait = sync.waits(&mut s);
        assert!(wait.until <= s.now + 30 * SECOND);
        s.pass_until(wait.until);
    }
    store.is_mended();
    sync.ends(&mut s).unwrap();
    assert!(!s.session.is_unsaved(s.now));

    // One that has no deadline ends after a few failures.
    store.breaks();
    s.session.unblock();
    s.pass(SECOND);
    let mut sync = Actor::new(Call::sync());
    sync.waits_out(&mut s);
    sync.waits_out(&mut s);
    assert_store_failed(&sync.fails(&mut s));
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
fn law_15_a_store_that_is_down_stops_logins_logouts_and_resets_and_no_call_of_an_open_session() {
    let (store, mut s, _) = two();
    store.breaks();
    let mut fetched = 0;
    for _ in 0..180 {
        s.pass(MINUTE);
        let mut call = Actor::writes();
        // The bearer token is renewed all the same.
        if s.session.bearer_renewal().unwrap() <= s.now {
            call.fetches(&mut s, "bearer-next");
            fetched += 1;
        }
        call.works(&mut s);
        for call in [Actor::log_out(), Actor::reset_password()] {
            let mut call = call;
            let error = call.fails(&mut s);
            assert_store_failed(&error);
            assert!(error.is_never_sent());
        }
    }
    assert_eq!(fetched, 3);
    // Without a session there is nothing to go on with.
    s.pass(20 * MINUTE);
    for call in [Actor::log_in(), Actor::writes(), Actor::reset_password()] {
        let mut call = call;
        assert_store_failed(&call.fails(&mut s));
    }
    assert_eq!(s.session.login_guard().failed_logins, 0);

    store.is_mended();
    s.pass(SECOND);
    Actor::writes().logs_in(&mut s, "session-2");
}

#[test]
fn law_15_a_session_that_ends_while_the_store_is_down_is_opened_when_it_is_back() {
    let (store, mut s, _) = two();
    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    store.breaks();
    call.receives(&mut s, session_expired());
    assert_store_failed(&call.fails(&mut s));
    store.is_mended();
    s.pass(SECOND);
    let mut call = Actor::writes();
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
}

#[test]
fn law_15_a_process_that_starts_while_the_store_is_down_works_when_it_is_back() {
    let (store, mut here, _) = two();
    Actor::reset_password().resets_to(&mut here, "new");
    store.breaks();
    let mut later = Scenario::sharing_with(&store, "new");
    for _ in 0..10 {
        assert_store_failed(&Actor::writes().fails(&mut later));
        later.pass(SECOND);
    }
    store.is_mended();
    Actor::writes().works(&mut later);
    later.pass(HOUR);
    let mut login = Actor::log_in();
    login.fetches(&mut later, "bearer-2");
    login.logs_in(&mut later, "session-2");
    login.ends(&mut later).unwrap();
}

/// Of the calls of one process, one accesses the store at a time.
#[test]
fn the_calls_of_one_process_wait_for_the_one_that_loads_or_saves() {
    let (store, mut here, _) = two();
    here.pass(20 * MINUTE);
    let (mut first, mut second) = (Actor::writes(), Actor::writes());
    is_to_load(&mut first, &mut here);
    let wait = second.waits(&mut here);
    assert_eq!(wait.reason, WaitReason::Store);
    assert_eq!(wait.until, here.now + 2 * SECOND);
    // A call that waits is woken by the version.
    let version = here.session.version();
    let loaded = store.loads(here.store_time());
    first.call.loaded(&mut here.session, here.now, loaded);
    assert!(here.session.version() > version);
    let (seen, snapshot) = is_to_save(&mut first, &mut here);
    assert_eq!(second.waits(&mut here).reason, WaitReason::Store);
    let saved = store.saves(here.store_time(), seen, &snapshot);
    first.call.saved(&mut here.session, here.now, saved);
    first.sends(&mut here, Purpose::LogIn);
    let waits_for = WaitReason::Operation(OperationKind::LogIn);
    assert_eq!(second.waits(&mut here).reason, waits_for);
}

#[test]
fn law_14_a_call_that_is_gone_while_it_loads_delays_the_others_by_two_seconds_at_most() {
    for is_abandoned in [false, true] {
        let (_, mut here, _) = two();
        here.pass(20 * MINUTE);
        let (mut first, mut second) = (Actor::writes(), Actor::writes());
        is_to_load(&mut first, &mut here);
        second.waits(&mut here);
        if is_abandoned {
            first.call.abandon(&mut here.session);
        } else {
            drop(first);
            here.pass(2 * SECOND);
        }
        second.logs_in(&mut here, "session-2");
    }
}

#[test]
fn law_14_a_call_that_is_gone_while_it_saves_delays_the_others_by_a_lease_at_most() {
    for (is_abandoned, is_saved) in [(false, false), (false, true), (true, false), (true, true)] {
        let (store, mut s, mut first) = about_to_log_in();
        let (seen, snapshot) = is_to_save(&mut first, &mut s);
        if is_saved {
            store.saves(s.store_time(), seen, &snapshot).unwrap();
        }
        let mut second = Actor::writes();
        assert_eq!(second.waits(&mut s).reason, WaitReason::Store);
        let begun = s.now;
        if is_abandoned {
            first.call.abandon(&mut s.session);
            s.saves_what_is_unsaved();
        } else {
            drop(first);
        }
        while let Step::Wait(wait) = second.step(&mut s) {
            s.pass_until(wait.until);
            assert!(s.now <= begun + 66 * SECOND);
        }
        let count = s.session.login_guard().failed_logins;
        let (delay, counted) = match (is_abandoned, is_saved) {
            (true, _) => (0, 1),
            (false, false) => (2, 1),
            // It counts as lost, since nobody can know.
            (false, true) => (65, 2),
        };
        assert_eq!((s.now, count), (begun + delay * SECOND, counted));
    }
}

/// A call that was taken for gone, and comes back with what it had asked for.
#[test]
fn law_1_a_call_that_comes_back_after_others_took_over_begins_nothing_beside_them() {
    for is_saved_first in [false, true] {
        let (store, mut s, mut first) = about_to_log_in();
        let mut second = Actor::writes();
        let (seen, snapshot) = is_to_save(&mut first, &mut s);
        let mut saved = Ok(Saved::Conflict);
        if is_saved_first {
            saved = store.saves(s.store_time(), seen, &snapshot);
        }
        s.pass(3 * SECOND);
        if is_saved_first {
            second.waits(&mut s);
        } else {
            second.sends(&mut s, Purpose::LogIn);
            saved = store.saves(s.store_time(), seen, &snapshot);
        }
        first.call.saved(&mut s.session, s.now, saved);
        if is_saved_first {
            first.sends(&mut s, Purpose::LogIn);
        } else {
            first.waits(&mut s);
        }
        assert_eq!(s.session.login_guard().failed_logins, 1);
    }
}

#[test]
fn a_step_that_is_asked_for_twice_is_the_same() {
    let (_, mut here, _) = two();
    here.pass(20 * MINUTE);
    let mut call = Actor::writes();
    is_to_load(&mut call, &mut here);
    is_to_load(&mut call, &mut here);
    let (_, mut s, mut login) = about_to_log_in();
    let first = is_to_save(&mut login, &mut s);
    assert!(first == is_to_save(&mut login, &mut s));
    // What nobody asked for is dropped.
    login.call.loaded(&mut s.session, s.now, Ok(None));
    assert!(first == is_to_save(&mut login, &mut s));
    let mut idle = Actor::writes();
    idle.call.saved(&mut s.session, s.now, Ok(Saved::Saved));
    idle.call.loaded(&mut s.session, s.now, Err(broken()));
    assert_eq!(idle.waits(&mut s).reason, WaitReason::Store);
}

#[test]
fn a_conflict_means_to_look_what_the_others_did() {
    let (store, mut s, mut login) = about_to_log_in();
    let mut there = Scenario::sharing(&store);
    store.has_somebody_faster(move || {
        let mut login = Actor::log_in();
        login.logs_in(&mut there, "session-1");
    });
    // It has nothing to do any more.
    assert_eq!(login.ends_logged_in(&mut s).expose(), "session-1");
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

#[test]
fn law_12_a_store_with_conflicts_without_end_is_given_up() {
    let store = Register::new();
    store.is_always_overtaken();
    let mut s = Scenario::sharing(&store);
    assert_store_failed(&Actor::log_in().fails(&mut s));
    assert_eq!(store.saves.load(Relaxed), 0);
}

/// A save that took place, and whose caller does not know.
#[test]
fn law_15_a_save_of_unknown_outcome_that_took_place_is_found_by_its_nonce() {
    for somebody_saves_on_top in [false, true] {
        let (store, mut s, mut login) = about_to_log_in();
        let (seen, snapshot) = is_to_save(&mut login, &mut s);
        store.saves(s.store_time(), seen, &snapshot).unwrap();
        if somebody_saves_on_top {
            let mut there = Scenario::sharing(&store);
            there.unblocks();
        }
        login.call.saved(&mut s.session, s.now, Err(broken()));
        login.logs_in(&mut s, "session-1");
        login.ends(&mut s).unwrap();
        assert_eq!(s.session.login_guard().failed_logins, 0);
    }
}

#[test]
fn law_15_a_save_of_unknown_outcome_that_did_not_take_place_ends_the_call_and_counts_nothing() {
    let (store, mut s, mut login) = about_to_log_in();
    is_to_save(&mut login, &mut s);
    login.call.saved(&mut s.session, s.now, Err(broken()));
    let error = login.fails(&mut s);
    assert_store_failed(&error);
    assert!(error.is_never_sent());
    assert_eq!(s.session.login_guard().failed_logins, 0);
    s.pass(SECOND);
    let mut login = Actor::log_in();
    login.sends(&mut s, Purpose::LogIn);
    let counted = store.session_of("IMgr8").login_guard();
    assert_eq!(counted.failed_logins, 1);
}

/// The draft arrives although its caller was told that the store is down.
#[test]
fn law_15_a_save_of_unknown_outcome_that_cannot_be_looked_up_was_never_sent() {
    for is_saved in [false, true] {
        let (store, mut s, mut login) = about_to_log_in();
        let (seen, snapshot) = is_to_save(&mut login, &mut s);
        if is_saved {
            store.saves(s.store_time(), seen, &snapshot).unwrap();
        }
        login.call.saved(&mut s.session, s.now, Err(broken()));
        store.breaks();
        let error = login.fails(&mut s);
        assert_store_failed(&error);
        assert!(error.is_never_sent());
        assert_eq!(s.session.login_guard().failed_logins, 0);

        // Whether it is there or not: this process knows that it was never sent.
        store.is_mended();
        s.pass(SECOND);
        let mut login = Actor::log_in();
        login.sends(&mut s, Purpose::LogIn);
        let counted = store.session_of("IMgr8").login_guard();
        assert_eq!(counted.failed_logins, 1);
        assert_eq!(s.session.login_guard().failed_logins, 1);
    }
}

#[test]
fn law_8_a_reset_whose_save_had_an_unknown_outcome_leaves_no_doubt() {
    let (store, mut s, mut there) = two();
    s.pass(SECOND);
    let mut reset = Actor::reset_password();
    is_to_load(&mut reset, &mut s);
    let loaded = store.loads(s.store_time());
    reset.call.loaded(&mut s.session, s.now, loaded);
    let (seen, snapshot) = is_to_save(&mut reset, &mut s);
    store.saves(s.store_time(), seen, &snapshot).unwrap();
    reset.call.saved(&mut s.session, s.now, Err(broken()));
    store.breaks();
    let error = reset.fails(&mut s);
    assert_store_failed(&error);
    assert!(!error.is_password_in_doubt());
    store.is_mended();
    s.pass(SECOND);
    s.syncs().unwrap();
    there.learns();
    for s in [&s, &there] {
        assert_eq!(s.session.login_guard().blocked, None);
        assert_eq!(s.session.operation(), None);
    }
}

#[test]
fn law_1_a_draft_whose_save_took_longer_than_its_operation_may_is_not_sent() {
    for (seconds, is_sent) in [(29, true), (30, false), (36, false), (600, false)] {
        let (store, mut s, mut login) = about_to_log_in();
        let (seen, snapshot) = is_to_save(&mut login, &mut s);
        let saved = store.saves(s.store_time(), seen, &snapshot);
        s.pass(seconds * SECOND);
        login.call.saved(&mut s.session, s.now, saved);
        let before = s.now;
        login.sends(&mut s, Purpose::LogIn);
        assert_eq!(s.now, before, "nobody waits for what was never sent");
        let counted = s.session.login_guard();
        assert_eq!(counted.failed_logins, 1);
        let was_drafted = store.session_of("IMgr8").operation();
        assert_eq!(was_drafted, Some(OperationKind::LogIn));
        let drafts = store.saves.load(Relaxed);
        assert_eq!(drafts == 3, is_sent, "{drafts} saves");
    }
}

#[test]
fn law_1_a_process_that_pauses_after_its_draft_was_saved_sends_nothing_late() {
    let (store, mut s, mut login) = about_to_log_in();
    let (seen, snapshot) = is_to_save(&mut login, &mut s);
    let saved = store.saves(s.store_time(), seen, &snapshot);
    login.call.saved(&mut s.session, s.now, saved);
    s.pass(40 * SECOND);

    // Another one has taken over.
    let mut there = Scenario::sharing(&store);
    there.pass(40 * SECOND);
    let mut other = Actor::log_in();
    other.waits_out(&mut there);
    other.sends(&mut there, Purpose::LogIn);
    s.pass_until(there.now);
    login.waits(&mut s);
    other.receives(&mut there, session("session-1"));
    s.pass(Register::POLL);
    assert_eq!(login.ends_logged_in(&mut s).expose(), "session-1");
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

#[test]
fn law_1_a_draft_that_is_too_late_to_be_sent_within_its_lease_is_made_anew() {
    let (store, mut s, mut login) = about_to_log_in();
    let (seen, snapshot) = is_to_save(&mut login, &mut s);
    let saved = store.saves(s.store_time(), seen, &snapshot);
    login.call.saved(&mut s.session, s.now, saved);
    s.pass(32 * SECOND);
    let step = login.step_alone(&mut s);
    assert!(!matches!(step, SharedStep::Send(_)), "{step:?}");
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

#[test]
fn law_2_credentials_that_are_given_during_a_draft_are_the_ones_that_are_sent() {
    for is_saved_before in [false, true] {
        let (store, mut s, mut login) = about_to_log_in();
        let (seen, snapshot) = is_to_save(&mut login, &mut s);
        let give = |s: &mut Scenario| {
            s.watch(|session, _| session.set_credentials(credentials("right")))
                .unwrap();
        };
        let saved = store.saves(s.store_time(), seen, &snapshot);
        if !is_saved_before {
            give(&mut s);
        }
        login.call.saved(&mut s.session, s.now, saved);
        if is_saved_before {
            give(&mut s);
        }
        let sent = login.sends(&mut s, Purpose::LogIn);
        assert!(body(&sent).contains("right"), "the old one was sent");
        assert_eq!(s.session.login_guard().failed_logins, 1);
        assert_eq!(store.session_of("right").login_guard().failed_logins, 1);
    }
}

#[test]
fn a_secret_of_the_application_that_is_given_during_a_draft_is_the_one_that_is_sent() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    is_to_load(&mut login, &mut s);
    login.call.loaded(&mut s.session, s.now, Ok(None));
    let (seen, snapshot) = is_to_save(&mut login, &mut s);
    let saved = store.saves(s.store_time(), seen, &snapshot);
    let mut other = credentials("IMgr8");
    other.app = thingspace_core::AppCredentials::new("key", "other").unwrap();
    s.session.set_credentials(other).unwrap();
    login.call.saved(&mut s.session, s.now, saved);
    let sent = login.sends(&mut s, Purpose::TokenFetch);
    assert_eq!(tokens(&sent).0, "Basic a2V5Om90aGVy");
}

#[test]
fn what_the_store_has_lost_is_saved_there_again() {
    let (store, mut here, mut there) = two_that_know();
    store.is_restored_to(None);
    here.learns();
    assert!(store.text().is_some());
    assert!(here.session.session_token().is_some());
    assert!(store.session_of("IMgr8").session_token().is_some());
    there.learns();
    assert!(there.session.session_token().is_some());
}

/// The store loses what one process has spent. The process knows it, and says so to
/// the others.
#[test]
fn law_15_no_process_logs_in_beyond_what_it_knows_whatever_the_store_forgets() {
    for (forgets, name) in [
        (Forgets::All, "emptied"),
        (Forgets::Back, "restored"),
        (Forgets::Fork, "forked"),
    ] {
        let store = Register::new();
        let mut s = Scenario::sharing(&store);
        let mut login = Actor::log_in();
        login.fetches(&mut s, "bearer-1");
        let old = store.text();
        let mut logins = 0;
        for _ in 0..50 {
            let mut call = Actor::log_in();
            for _ in 0..10 {
                match call.step(&mut s) {
                    Step::Send(transmit) => match Purpose::of(&transmit.request) {
                        Purpose::TokenFetch => call.receives(&mut s, bearer("bearer")),
                        Purpose::Check => call.receives(&mut s, response(503, "")),
                        Purpose::LogIn => {
                            logins += 1;
                            call.receives(&mut s, unclear());
                        }
                        other => panic!("{other:?}"),
                    },
                    Step::Wait(wait) => s.pass_until(wait.until),
                    Step::Done(_) => break,
                }
                match forgets {
                    Forgets::All => store.is_restored_to(None),
                    Forgets::Back => store.is_restored_to(old.clone()),
                    Forgets::Fork => {
                        store.is_restored_to(old.clone());
                        let mut there = Scenario::sharing(&store);
                        there.pass_until(s.now);
                        there.is_given("other");
                        there.is_given("IMgr8");
                    }
                }
            }
            s.pass(10 * MINUTE);
        }
        assert_eq!(logins, 2, "with a store that is {name}");
        // Those who start now learn of it.
        s.learns();
        let known = store.session_of("IMgr8").login_guard();
        assert_eq!(known.failed_logins, 2, "with a store that is {name}");
    }
}

/// The way in which a store forgets.
#[derive(Clone, Copy)]
enum Forgets {
    All,
    Back,
    Fork,
}

#[test]
fn law_1_a_store_that_forgets_a_lease_lets_nobody_begin_who_saw_it() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut first = Actor::log_in();
    first.fetches(&mut here, "bearer-1");
    let old = store.text();
    first.sends(&mut here, Purpose::LogIn);
    let mut other = Actor::writes();
    other.waits(&mut there);
    let begun = there.now;
    for text in [None, old] {
        store.is_restored_to(text);
        for _ in 0..10 {
            other.waits_out(&mut there);
        }
    }
    // Nobody waits for longer than a lease.
    while there.now < begun + 35 * SECOND {
        other.waits_out(&mut there);
    }
    other.waits_out(&mut there);
    assert_eq!(there.now, begun + 65 * SECOND);
    other.sends(&mut there, Purpose::LogIn);
    assert_eq!(there.session.login_guard().failed_logins, 2);
}

#[test]
fn law_2_two_processes_that_start_apart_count_what_both_have_spent() {
    let (store, other) = (Register::new(), Register::new());
    let mut processes = [Scenario::sharing(&store), Scenario::sharing(&other)];
    // Seeds differ, as everywhere.
    let builder = builder("IMgr8").shared(Register::POLL).seed(1000);
    processes[1].session = builder.build().unwrap();
    for s in &mut processes {
        let mut login = Actor::log_in();
        login.fetches(s, "bearer");
        login.loses_login(s);
    }
    // One store takes the place of the other.
    let [here, there] = &mut processes;
    there.store = Some(store.clone());
    there.learns();
    here.learns();
    for s in [here, there] {
        assert_eq!(s.session.login_guard().failed_logins, 2);
        assert_eq!(s.session.login_guard().attempts_left, 0);
    }
    assert_eq!(store.session_of("IMgr8").login_guard().failed_logins, 2);
}

#[test]
fn law_3_a_refusal_that_comes_after_another_history_was_loaded_blocks_the_password() {
    let (store, mut s, mut login) = about_to_log_in();
    login.sends(&mut s, Purpose::LogIn);
    // The store is emptied, and somebody else begins anew, with other tags.
    store.is_restored_to(None);
    let mut there = Scenario::sharing(&store);
    there.unblocks();
    s.learns();
    login.receives(&mut s, wrong_password());
    assert!(login.fails(&mut s).is_wrong_credentials());
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    let known = store.session_of("IMgr8").login_guard().blocked;
    assert!(matches!(known, Some(BlockReason::WrongCredentials { .. })));
}

#[test]
fn law_3_an_unblocking_is_not_spent_by_a_login_that_was_never_sent() {
    let (store, mut s, mut login) = about_to_log_in();
    login.sends(&mut s, Purpose::LogIn);
    login.receives(&mut s, wrong_password());
    s.unblocks();
    let mut login = Actor::log_in();
    let (seen, snapshot) = is_to_save(&mut login, &mut s);
    store.saves(s.store_time(), seen, &snapshot).unwrap();
    login.call.saved(&mut s.session, s.now, Err(broken()));
    store.breaks();
    assert_store_failed(&login.fails(&mut s));
    store.is_mended();
    let mut there = Scenario::sharing(&store);
    for s in [&mut s, &mut there] {
        s.pass(SECOND);
        s.syncs().unwrap();
        assert_eq!(s.session.login_guard().attempts_left, 1);
    }
    Actor::log_in().sends(&mut s, Purpose::LogIn);
}

/// Two processes were refused the same password, each unseen by the other.
#[test]
fn law_3_a_password_that_is_right_after_all_stays_so_although_two_had_it_refused() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut first = Actor::log_in();
    first.fetches(&mut here, "bearer-1");
    let late = first.begins(&mut here, Purpose::LogIn);
    there.pass(MINUTE);
    let mut second = Actor::log_in();
    second.waits_out(&mut there);
    second.sends(&mut there, Purpose::LogIn);
    store.breaks();
    second.receives(&mut there, wrong_password());
    here.pass(2 * MINUTE);
    here.receives(late, wrong_password());
    store.is_mended();
    here.learns();
    there.pass(2 * MINUTE);
    there.learns();
    here.learns();
    here.unblocks();
    let mut login = Actor::log_in();
    login.logs_in(&mut here, "session-1");
    for _ in 0..2 {
        there.learns();
        here.learns();
        for s in [&here, &there] {
            assert_eq!(s.session.login_guard().blocked, None);
        }
    }
}

/// The text of a store with one part of it changed.
fn with(text: &str, part: &str, change: &Value) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    let part = value.pointer_mut(&format!("/{FORMAT}/{part}"));
    *part.unwrap() = change.clone();
    value.to_string()
}

#[test]
fn law_15_values_that_cannot_be_are_refused_by_a_new_process_and_replaced_by_one_that_knows() {
    let store = Register::new();
    let mut here = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    let mut out = Actor::log_out();
    login.logs_in(&mut here, "session-1");
    login.ends(&mut here).unwrap();
    out.sends(&mut here, Purpose::LogOut);
    let text = store.text().unwrap();
    let beyond = 1_u64 << 53;
    let later = here.now.as_millis() + 1;
    let two_days = 2 * 24 * 3600 * 1000;
    for (part, change) in [
        ("revision/version", json!(beyond)),
        ("revision/version", json!(u64::MAX)),
        ("memory/operations", json!(beyond)),
        ("memory/operations", json!(u64::MAX)),
        ("memory/operations", json!(1)),
        ("memory/password_epoch", json!(beyond)),
        ("memory/settled/number", json!(4)),
        ("memory/ended_bearer/number", json!(beyond)),
        ("memory/ended_session/number", json!(4)),
        ("memory/bearer/generation/number", json!(4)),
        ("memory/open/generation/number", json!(beyond)),
        ("memory/lease/operation/number", json!(4)),
        ("memory/lease/span/millis", json!(two_days + 1)),
        ("memory/lease/span/millis", json!(u64::MAX)),
        ("memory/lease/span/from", json!(later)),
        ("memory/open/used", json!(later)),
        ("memory/open/since", json!(later)),
        ("memory/guard/salt", json!(0)),
        (
            "memory/guard/checks/pause",
            json!({"from": later, "millis": 1}),
        ),
        (
            "memory/guard/unblocked",
            json!({"id": {"number": 5, "nonce": 1}, "tag": 1, "login": null}),
        ),
        (
            "memory/guard/counted",
            json!([{"id": {"number": 1, "nonce": 1}, "tag": 1, "verdict": "Uncertain", "at": later}]),
        ),
        (
            "memory/guard/counted",
            json!([{"id": {"number": 9, "nonce": 1}, "tag": 1, "verdict": "Uncertain", "at": 0}]),
        ),
        (
            "memory/guard/doubts",
            json!([{"reset": {"number": 9, "nonce": 1}, "awaits_confirmation": true}]),
        ),
        (
            "memory/guard/last_failure",
            json!({"operation": "LogIn", "at": later, "reason": "Unknown"}),
        ),
        (
            "memory/failed",
            json!({"operation": {"number": 1, "nonce": 1}, "password": 1, "failure": {"operation": "LogIn", "at": later, "reason": "Unknown"}}),
        ),
        (
            "memory/delay",
            json!({"Backoff": {"span": {"from": 0, "millis": u64::MAX}, "because": {"operation": "LogIn", "at": 0, "reason": "Unknown"}}}),
        ),
    ] {
        store.is_restored_to(Some(with(&text, part, &change)));
        let case = format!("{part}: {change}");
        let mut new = Scenario::sharing(&store);
        let error = Actor::log_in().fails(&mut new);
        assert_store_failed(&error);
        let root = error.source().unwrap().source().unwrap();
        let damaged = Some(&SnapshotError::Damaged);
        assert_eq!(root.downcast_ref(), damaged, "{case}: {root}");

        let mut knows = here.clone();
        knows.learns();
        let mut new = Scenario::sharing(&store);
        let wait = Actor::writes().waits(&mut new);
        let waits_for = WaitReason::Operation(OperationKind::LogOut);
        assert_eq!(wait.reason, waits_for, "{case}");
        let seen = store.session_of("IMgr8");
        assert!(seen.session_token().is_some(), "{case}");
    }
}

#[test]
fn law_15_a_new_process_that_was_given_credentials_does_not_know_better_than_a_damaged_store() {
    let (store, ..) = two();
    let text = with(&store.text().unwrap(), "memory/guard/salt", &json!(0));
    store.is_restored_to(Some(text.clone()));
    let mut new = Scenario::sharing(&store);
    new.is_given("other");
    assert_store_failed(&Actor::log_in().ends(&mut new).unwrap_err());
    assert_eq!(store.text(), Some(text));
}

/// A snapshot at the end of its range.
#[test]
fn law_2_numbers_at_the_end_of_their_range_let_nobody_log_in_more_often() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    let end = (1_u64 << 53) - 1;
    let text = store.text().unwrap();
    let text = with(&text, "memory/operations", &json!(end));
    let text = with(&text, "revision/version", &json!(end));
    store.is_restored_to(Some(text));
    let mut logins = 0;
    for _ in 0..200 {
        match login.step(&mut s) {
            Step::Send(transmit) if Purpose::of(&transmit.request) == Purpose::LogIn => {
                logins += 1;
                login.receives(&mut s, lost());
            }
            Step::Send(_) => login.receives(&mut s, response(503, "")),
            Step::Wait(wait) => s.pass_until(wait.until),
            Step::Done(_) => {
                login = Actor::log_in();
                s.pass(MINUTE);
            }
        }
    }
    assert!(logins <= 4, "{logins} logins");
}

#[test]
fn what_a_store_cannot_read_is_no_session_that_is_not_open() {
    let (store, mut here, _) = two();
    store.is_restored_to(Some("{}".into()));
    let mut new = Scenario::sharing(&store);
    assert_store_failed(&Actor::log_in().fails(&mut new));
    // The session that is open goes on.
    here.pass(MINUTE);
    Actor::writes().works(&mut here);
}

/// A store may hold a snapshot that was saved by nobody.
#[test]
fn a_store_that_is_filled_from_a_session_without_one_is_taken_over() {
    let mut alone = Scenario::open();
    alone.events();
    let store = Register::new();
    let text = serde_json::to_string(&alone.session.snapshot(alone.now)).unwrap();
    assert_eq!(store.loads(alone.now).unwrap(), None);
    store.is_restored_to(Some(text));
    let mut s = Scenario::sharing(&store);
    Actor::writes().works(&mut s);
    s.unblocks();
    assert_eq!(store.saves.load(Relaxed), 1);

    // And a process that has one fills an empty store.
    let store = Register::new();
    let snapshot = alone.session.snapshot(alone.now);
    let builder: SessionBuilder = builder("IMgr8").shared(Register::POLL).seed(9);
    let mut s = Scenario::of(builder.snapshot(snapshot, Duration::ZERO, alone.now));
    s.store = Some(store.clone());
    s.learns();
    assert!(store.session_of("IMgr8").session_token().is_some());
}

#[test]
fn an_age_that_cannot_be_harms_nobody() {
    for age in [DAY * 365 * 100, Duration::MAX] {
        let (store, mut s, _) = two();
        Actor::reset_password().sends(&mut s, Purpose::Reset);
        let mut new = Scenario::sharing(&store);
        let mut call = Actor::log_in();
        is_to_load(&mut call, &mut new);
        let loaded = store.loads(new.store_time()).unwrap().unwrap();
        let loaded = Loaded { age, ..loaded };
        call.call
            .loaded(&mut new.session, new.now, Ok(Some(loaded)));
        let error = call.fails(&mut new);
        let in_doubt = Some(BlockReason::PasswordInDoubt);
        assert_eq!(error.login_guard().unwrap().blocked, in_doubt);
    }
}

#[test]
fn law_1_that_something_is_saved_says_nothing_of_how_long_a_lease_lasts() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    login.sends(&mut here, Purpose::LogIn);
    there.learns();
    there.session.unblock();
    let mut sync = Actor::new(Call::sync());
    let (seen, snapshot) = is_to_save(&mut sync, &mut there);
    let saved = store.saves(there.store_time(), seen, &snapshot);
    there.jumps_ahead(36 * SECOND);
    sync.call.saved(&mut there.session, there.now, saved);
    Actor::log_in().waits(&mut there);
    assert_eq!(there.session.operation(), Some(OperationKind::LogIn));
}

#[test]
fn law_1_a_token_fetch_that_began_without_the_store_hides_no_lease_of_others() {
    let (store, mut here, mut there) = two_that_know();
    let mut third = Scenario::sharing(&store);
    third.learns();
    store.breaks();
    let fetches = |there: &mut Scenario| {
        let mut alone = Actor::reads();
        alone.sends(there, Purpose::Work);
        alone.receives(there, bearer_fault());
        alone.begins(there, Purpose::TokenFetch)
    };
    let first = fetches(&mut there);
    there.receives(first, bearer("bearer-2"));
    let second = fetches(&mut there);
    store.is_mended();
    let mut out = Actor::log_out();
    out.sends(&mut here, Purpose::LogOut);
    there.pass(SECOND);
    there.learns();
    assert_eq!(there.session.operation(), Some(OperationKind::TokenFetch));
    there.receives(second, bearer("bearer-3"));
    there.learns();
    for other in [&mut there, &mut third] {
        Actor::reset_password().waits(other);
        other.learns();
        let log_out = Some(OperationKind::LogOut);
        assert_eq!(other.session.operation(), log_out);
    }
}

#[test]
fn law_15_a_call_that_read_the_time_a_moment_before_another_one_costs_no_save() {
    let (store, mut here, _) = two();
    let before = here.clone().now;
    here.pass(5 * MILLISECOND);
    Actor::reads().works(&mut here);
    here.now = before;
    Actor::reads().works(&mut here);
    here.pass(5 * MILLISECOND);
    Actor::reads().works(&mut here);
    assert!(!here.session.is_unsaved(here.now));
    assert_eq!(here.session.last_used(), Some(here.now));
    drop(store);
}

#[test]
fn what_a_load_brings_is_reported_once() {
    let (store, mut here, mut there) = two_that_know();
    let out = Actor::log_out().begins(&mut here, Purpose::LogOut);
    there.learns();
    there.pass(40 * SECOND);
    store.breaks();
    for _ in 0..5 {
        there.pass(SECOND);
        let mut call = Actor::writes();
        call.sends(&mut there, Purpose::Work);
    }
    store.is_mended();
    for _ in 0..5 {
        there.learns();
        Actor::writes().works(&mut there);
    }
    let expired = event::lease_expired(OperationKind::LogOut);
    assert_eq!(there.reported(), [event::store_failed(), expired]);
    here.receives(out, lost());
}

#[test]
fn who_ends_a_backoff_by_name_ends_it_for_all_who_share_the_session() {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    let mut call = Actor::reads();
    call.sends(&mut here, Purpose::TokenFetch);
    call.receives(&mut here, throttled("600"));
    call.fails(&mut here);
    there.learns();
    assert!(Actor::reads().fails(&mut there).retry_at().is_some());

    // Another process has saved something since, with the backoff.
    there.unblocks();
    here.watch(|session, _| session.retry_now());
    here.saves_what_is_unsaved();
    there.learns();
    Actor::reads().fetches(&mut there, "bearer-1");
    here.learns();
    Actor::log_in().logs_in(&mut here, "session-1");
}

#[test]
fn who_ends_a_cooldown_by_name_ends_it_for_all_who_share_the_session() {
    let (_, mut here, mut there) = two_that_know();
    for round in 0..3 {
        let mut call = Actor::reads();
        call.sends(&mut here, Purpose::Work);
        call.receives(&mut here, session_expired());
        if round < 2 {
            call.logs_in(&mut here, "another");
            call.works(&mut here);
        }
    }
    there.learns();
    assert_eq!(
        Actor::reads().waits(&mut there).reason,
        WaitReason::Cooldown
    );
    there.watch(|session, _| session.retry_now());
    there.saves_what_is_unsaved();
    here.learns();
    let mut call = Actor::reads();
    call.logs_in(&mut here, "session-9");
    call.works(&mut here);
}

#[test]
fn law_12_what_is_loaded_is_gone_on_with_however_slow_the_driver_is() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut call = Actor::log_in();
    is_to_load(&mut call, &mut s);
    s.pass(MINUTE);
    call.call.loaded(&mut s.session, s.now, Ok(None));
    s.pass(MINUTE);
    is_to_save(&mut call, &mut s);
}

#[test]
fn a_sync_loads_what_may_have_changed_and_saves_at_once_what_has_not() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    s.syncs().unwrap();
    s.session.set_credentials(credentials("another")).unwrap();
    let mut sync = Call::sync();
    let step = sync.step_shared(&mut s.session, s.now);
    assert!(matches!(step, SharedStep::Save { .. }), "{step:?}");
    sync.abandon(&mut s.session);
    s.pass(MINUTE);
    let mut later = Call::sync();
    let step = later.step_shared(&mut s.session, s.now);
    assert!(matches!(step, SharedStep::Load), "{step:?}");
}

#[test]
fn law_14_a_call_that_is_gone_while_it_saves_or_looks_a_save_up_delays_nobody() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    s.syncs().unwrap();
    s.session.set_credentials(credentials("another")).unwrap();
    for _ in 0..2 {
        let mut sync = Call::sync();
        let step = sync.step_shared(&mut s.session, s.now);
        assert!(matches!(step, SharedStep::Save { .. }), "{step:?}");
        sync.abandon(&mut s.session);
    }

    let (_, mut s, mut first) = about_to_log_in();
    is_to_save(&mut first, &mut s);
    first.call.saved(&mut s.session, s.now, Err(broken()));
    is_to_load(&mut first, &mut s);
    let mut second = Actor::log_in();
    assert_eq!(second.waits(&mut s).reason, WaitReason::Store);
    first.call.abandon(&mut s.session);
    second.logs_in(&mut s, "session-1");
}

#[test]
fn the_greatest_numbers_that_can_be_are_taken_and_no_greater_ones() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    login.logs_in(&mut s, "session-1");
    let text = store.text().unwrap();
    let end = (1_u64 << 53) - 1;
    for part in [
        "memory/operations",
        "memory/password_epoch",
        "revision/version",
    ] {
        for (number, can_be) in [(end, true), (end + 1, false)] {
            store.is_restored_to(Some(with(&text, part, &json!(number))));
            let mut there = Scenario::sharing(&store);
            let step = Actor::reads().step(&mut there);
            assert_eq!(matches!(step, Step::Send(_)), can_be, "{part}: {step:?}");
        }
    }
}

#[test]
fn a_revision_counts_the_saves() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    s.is_given("another");
    let version = || {
        let value: Value = serde_json::from_str(&store.text().unwrap()).unwrap();
        value[FORMAT]["revision"]["version"].as_u64().unwrap()
    };
    let before = version();
    for password in ["one", "two", "three"] {
        s.is_given(password);
    }
    assert_eq!(version(), before + 3);
}

/// A store that is always behind, and asks for patience.
struct Behind;

impl Store for Behind {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Err(broken())
    }

    fn save(&self, _: Option<Revision>, _: &Snapshot) -> Result<Saved, StoreError> {
        Ok(Saved::Conflict)
    }

    fn poll_interval(&self) -> Duration {
        MINUTE
    }
}

impl AsyncStore for Behind {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(ready(Store::load(self)))
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(ready(Store::save(self, seen, snapshot)))
    }

    fn poll_interval(&self) -> Duration {
        MINUTE
    }
}

#[test]
fn a_store_that_several_hold_is_the_same_store() {
    let store = Arc::new(Behind);
    assert!(Store::load(&store).is_err());
    let snapshot = Scenario::new().saved();
    assert!(matches!(
        Store::save(&store, None, &snapshot),
        Ok(Saved::Conflict)
    ));
    assert_eq!(Store::poll_interval(&store), MINUTE);
    assert_eq!(AsyncStore::poll_interval(&store), MINUTE);
}
