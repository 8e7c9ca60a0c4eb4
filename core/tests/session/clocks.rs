//! Processes whose clocks differ, and jump. The store has a clock of its own.

use std::time::Duration;

use thingspace_core::{
    Step,
    session::{BlockReason, OperationKind, WaitReason},
};

use crate::{
    scenario::*,
    shared::{two, two_that_know},
};

/// The ways in which a clock is wrong: ahead, or behind, by this.
const WRONG: [(bool, Duration); 6] = [
    (true, SECOND),
    (true, Duration::from_secs(36)),
    (true, Duration::from_secs(5 * 3600)),
    (false, SECOND),
    (false, Duration::from_secs(36)),
    (false, Duration::from_secs(5 * 3600)),
];

fn jumps(s: &mut Scenario, (is_ahead, by): (bool, Duration)) {
    if is_ahead {
        s.jumps_ahead(by);
    } else {
        s.jumps_back(by);
    }
}

/// Two processes of which one has begun to log in, and the clock of the other is
/// wrong.
fn one_logs_in(wrong: (bool, Duration)) -> (Scenario, Scenario, Actor) {
    let store = Register::new();
    let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
    jumps(&mut there, wrong);
    let mut login = Actor::log_in();
    login.fetches(&mut here, "bearer-1");
    login.sends(&mut here, Purpose::LogIn);
    (here, there, login)
}

/// Steps until there is something else to do than to wait, for this long at most.
/// Returns the step and the time that it took.
#[track_caller]
fn waits_out(call: &mut Actor, s: &mut Scenario, longest: Duration) -> (Step, Duration) {
    let begun = s.now;
    loop {
        match call.step(s) {
            Step::Wait(wait) => s.pass_until(wait.until),
            step => return (step, s.now.since(begun)),
        }
        assert!(s.now.since(begun) <= longest, "it waits for longer");
    }
}

#[test]
fn law_1_a_lease_lasts_as_long_for_a_process_whose_clock_is_wrong() {
    for wrong in WRONG {
        let (_, mut there, _) = one_logs_in(wrong);
        there.pass(10 * SECOND);
        let mut other = Actor::log_in();
        let waits_for = WaitReason::Operation(OperationKind::LogIn);
        let begun = there.now;
        while there.now < begun + 25 * SECOND {
            let wait = other.waits(&mut there);
            assert_eq!(wait.reason, waits_for, "{wrong:?}");
            assert_eq!(there.session.operation(), Some(OperationKind::LogIn));
            there.pass_until(wait.until);
        }
        // It is over, and counts; the next login is due half a minute later.
        let wait = other.waits(&mut there);
        assert_eq!(wait.reason, WaitReason::Backoff, "{wrong:?}");
        assert_eq!(wait.until, begun + 55 * SECOND, "{wrong:?}");
        assert_eq!(there.session.login_guard().failed_logins, 1);
    }
}

#[test]
fn what_one_process_brings_the_others_use_whatever_their_clocks_say() {
    for wrong in WRONG {
        let (mut here, mut there, mut login) = one_logs_in(wrong);
        let mut other = Actor::writes();
        other.waits(&mut there);
        here.pass(5 * SECOND);
        login.receives(&mut here, session("session-1"));
        there.pass(6 * SECOND);
        other.works(&mut there);
        assert_eq!(there.session.login_guard().blocked, None);

        // Idle for as long, and no longer: here and there.
        there.pass(18 * MINUTE);
        Actor::writes().works(&mut there);
        there.saves_what_is_unsaved();
        here.pass(30 * MINUTE);
        Actor::writes().works(&mut here);
        there.pass(20 * MINUTE);
        Actor::writes().sends(&mut there, Purpose::LogIn);
    }
}

#[test]
fn a_bearer_token_is_renewed_when_it_is_time_whatever_a_clock_says() {
    for wrong in WRONG {
        let (mut here, mut there, mut login) = one_logs_in(wrong);
        login.receives(&mut here, session("session-1"));
        there.pass(SECOND);
        let begun = there.now;
        while there.now < begun + 58 * MINUTE {
            Actor::writes().works(&mut there);
            there.pass(MINUTE);
        }
        there.pass(MINUTE);
        Actor::writes().sends(&mut there, Purpose::TokenFetch);
    }
}

#[test]
fn law_2_the_time_to_the_next_login_passes_as_fast_for_a_process_whose_clock_is_wrong() {
    for wrong in WRONG {
        let (mut here, mut there, mut login) = one_logs_in(wrong);
        login.receives(&mut here, unclear());
        there.pass(10 * SECOND);
        let mut other = Actor::log_in();
        let (step, time) = waits_out(&mut other, &mut there, 20 * SECOND);
        assert!(matches!(step, Step::Send(_)), "{step:?}");
        assert_eq!(time, 20 * SECOND, "{wrong:?}");
    }
}

#[test]
fn law_12_a_backoff_that_the_service_asks_for_is_as_long_for_all() {
    for wrong in WRONG {
        let store = Register::new();
        let (mut here, mut there) = (Scenario::sharing(&store), Scenario::sharing(&store));
        jumps(&mut there, wrong);
        let mut call = Actor::log_in();
        call.sends(&mut here, Purpose::TokenFetch);
        call.receives(&mut here, throttled("50"));
        call.waits(&mut here);
        there.pass(20 * SECOND);
        let mut other = Actor::log_in();
        let (_, time) = waits_out(&mut other, &mut there, 31 * SECOND);
        assert!(time >= 30 * SECOND, "{time:?} with {wrong:?}");
    }
}

/// The clock of one process jumps while another one's operation is in progress.
#[test]
fn law_1_a_clock_that_jumps_ends_nobody_elses_operation() {
    for wrong in WRONG {
        let (mut here, mut there, mut login) = one_logs_in((true, SECOND));
        let mut other = Actor::log_in();
        other.waits(&mut there);
        jumps(&mut there, wrong);
        for _ in 0..50 {
            let wait = other.waits(&mut there);
            let waits_for = WaitReason::Operation(OperationKind::LogIn);
            assert_eq!(wait.reason, waits_for, "{wrong:?}");
            there.pass(SECOND / 10);
        }
        assert_eq!(there.events(), []);
        login.receives(&mut here, session("session-1"));
        there.pass(Register::POLL);
        assert_eq!(other.ends_logged_in(&mut there).expose(), "session-1");
        assert_eq!(there.session.login_guard().blocked, None);
    }
}

#[test]
fn law_1_with_a_store_that_is_down_a_lease_ends_by_the_clock_here() {
    let (here, mut there, _) = one_logs_in((true, HOUR));
    let mut other = Actor::log_in();
    other.waits(&mut there);
    here.store().breaks();
    let (step, time) = waits_out(&mut other, &mut there, 36 * SECOND);
    assert!(matches!(step, Step::Done(Err(_))), "{step:?}");
    assert!(time <= 36 * SECOND, "{time:?}");
}

#[test]
fn law_1_a_lease_that_ended_by_the_clock_here_goes_on_if_the_store_says_so() {
    let (here, mut there, _login) = one_logs_in((true, SECOND));
    there.learns();
    there.jumps_ahead(36 * SECOND);
    here.store().breaks();
    for _ in 0..2 {
        Actor::log_in().fails(&mut there);
    }
    here.store().is_mended();
    there.pass(SECOND);
    Actor::log_in().waits(&mut there);
    assert_eq!(there.session.operation(), Some(OperationKind::LogIn));
}

#[test]
fn law_8_a_clock_that_jumps_blocks_nobody_during_a_reset() {
    for wrong in WRONG {
        let (_, mut here, mut there) = two_that_know();
        let mut reset = Actor::reset_password();
        reset.sends(&mut here, Purpose::Reset);
        there.learns();
        jumps(&mut there, wrong);
        there.learns();
        there.session.expire(there.now);
        assert_eq!(there.events(), [], "{wrong:?}");
        let reset_in_progress = Some(OperationKind::PasswordReset);
        assert_eq!(there.session.operation(), reset_in_progress);
        reset.receives(&mut here, new_password("new"));
        let new = reset.ends_with_password(&mut here);
        here.confirms(&new);
        there.learns();
        let outdated = Some(BlockReason::PasswordOutdated);
        assert_eq!(there.session.login_guard().blocked, outdated);
    }
}

/// The clock of a process that is logging in jumps: it takes its own login for lost,
/// which stays counted until the response is there.
#[test]
fn law_1_a_process_that_pauses_for_longer_than_its_lease_overlaps_by_what_it_had_in_hand() {
    let (mut here, mut there, mut login) = one_logs_in((true, SECOND));
    here.pass(20 * MINUTE);
    there.pass(20 * MINUTE);
    let mut other = Actor::log_in();
    let (step, _) = waits_out(&mut other, &mut there, MINUTE);
    assert!(matches!(step, Step::Send(_)));
    assert_eq!(there.session.login_guard().failed_logins, 2);
    here.pass(MINUTE);
    login.receives(&mut here, session("session-late"));
    there.pass(MINUTE);
    there.learns();
    assert_eq!(there.session.login_guard().failed_logins, 1);
}

#[test]
fn law_15_a_clock_that_is_set_back_makes_no_snapshot_that_others_refuse() {
    let (store, mut here, mut there) = two();
    Actor::writes().works(&mut here);
    let mut login = Actor::log_in();
    let mut out = Actor::log_out();
    out.sends(&mut here, Purpose::LogOut);
    out.receives(&mut here, session_expired());
    login.sends(&mut here, Purpose::LogIn);
    login.receives(&mut here, throttled("40"));
    here.jumps_back(5 * HOUR);
    here.unblocks();
    let guard = store.session_of("IMgr8").login_guard();
    assert_eq!(guard.failed_logins, 1);
    there.pass(SECOND);
    there.learns();
    assert_eq!(there.session.login_guard().failed_logins, 1);
    // It waits no longer than it had to.
    let mut other = Actor::log_in();
    let (step, time) = waits_out(&mut other, &mut here, 41 * SECOND);
    assert!(matches!(step, Step::Send(_)), "{step:?} after {time:?}");
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_last_use_from_being_saved() {
    let (store, mut here, _) = two();
    Actor::writes().works(&mut here);
    here.jumps_back(5 * HOUR);
    for _ in 0..18 {
        here.pass(MINUTE);
        Actor::writes().works(&mut here);
        here.saves_what_is_unsaved();
    }
    here.pass(MINUTE);
    let mut new = Scenario::sharing(&store);
    new.pass(19 * MINUTE + 30 * SECOND);
    Actor::writes().works(&mut new);
}

#[test]
fn a_session_alone_whose_clock_is_set_back_can_be_restored() {
    let mut s = Scenario::open();
    Actor::writes().works(&mut s);
    let before = s.now;
    s.jumps_back(HOUR);
    s.restart("IMgr8");
    Actor::writes().works(&mut s);
    assert!(s.session.opened_at().unwrap() < before);
}
