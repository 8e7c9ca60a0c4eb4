//! Situations that were seen, and what must hold in them.

use thingspace_core::{
    Error, ErrorKind,
    session::{BlockReason, Settings},
};

use crate::{
    HOUR, MINUTE, SECOND,
    service::{Down, Row, Serving},
    store::{Fault, Storing},
    world::{Act, LEASE, POLL, Password, Task, Wish, World},
};

/// The reason why a call was blocked.
#[track_caller]
fn reason(result: Result<thingspace_core::Completion, Error>) -> BlockReason {
    let error = result.expect_err("it was not blocked");
    let guard = error.login_guard().unwrap_or_else(|| panic!("{error:?}"));
    guard.blocked.clone().unwrap_or_else(|| panic!("{error:?}"))
}

/// Three hosts that share an open session.
fn open_fleet() -> World {
    let mut fleet = World::new(&[0, 36_000, -36_000]);
    for host in 0..3 {
        fleet.call(host, Wish::Read).unwrap();
    }
    fleet
}

/// Takes acts on a call until it has posted a request of this kind.
fn drive_until(fleet: &mut World, name: usize, stop: impl Fn(&World) -> bool) {
    for _ in 0..100 {
        if stop(fleet) {
            return;
        }
        let who = fleet.find(name).expect("the call has ended");
        if !fleet.go(who) {
            fleet.now = fleet.next_moment().unwrap();
        }
    }
    panic!("it does not come to that");
}

/// The same of this call alone: what is on its way stays there.
fn drive_until_alone(fleet: &mut World, name: usize, stop: impl Fn(&World) -> bool) {
    for _ in 0..200 {
        if stop(fleet) {
            return;
        }
        let who = fleet.find(name).expect("the call has ended");
        if fleet.has_something_to_do(who) || fleet.callers[who].task() != Task::Step {
            fleet.act(Act::Go(who));
        } else {
            fleet.now += SECOND;
        }
    }
    panic!("it does not come to that");
}

fn has_login_on_its_way(fleet: &World) -> bool {
    fleet
        .messages
        .iter()
        .any(|message| message.is_login_on_its_way())
}

/// A process has posted a login, and its response is not back. Returns the call.
fn posts_login(fleet: &mut World, host: usize) -> usize {
    let name = fleet.want(host, Wish::LogIn);
    drive_until(fleet, name, has_login_on_its_way);
    name
}

#[test]
fn a_session_that_one_process_opens_serves_all() {
    let fleet = open_fleet();
    assert_eq!(fleet.service.succeeded, 1);
}

#[test]
fn law_1_hosts_whose_clocks_differ_by_36_seconds_never_overlap_nor_block_each_other() {
    let mut fleet = World::new(&[0, 36_000, -36_000]);
    let mut random = fastrand::Rng::with_seed(36);
    for _ in 0..80_000 {
        match random.u32(0..1000) {
            0..80 if fleet.callers.len() < 8 => {
                let wish = [Wish::Read, Wish::Write, Wish::LogIn][random.usize(0..3)];
                fleet.act(Act::Want(random.usize(0..3), wish));
            }
            80..84 => {
                fleet.act(Act::Want(random.usize(0..3), Wish::LogOut));
            }
            84 if random.u32(0..40) == 0 => fleet.act(Act::EndSessions),
            87..140 => fleet.act(Act::Sync(random.usize(0..3))),
            140..190 => fleet.act(Act::Carry(random.usize(..))),
            190..400 => fleet.act(Act::Pass(random.u64(0..500))),
            _ => fleet.act(Act::Go(random.usize(..))),
        }
    }
    fleet.finish_within(20 * MINUTE);
    let tally = &fleet.tally;
    assert!(tally.logins > 100, "{tally:?}");
    let amiss = [
        tally.overlaps,
        tally.stragglers,
        tally.blocked,
        tally.failed,
    ];
    assert_eq!(amiss, [0; 4], "{tally:?}");
    assert_eq!(fleet.service.succeeded, tally.logins, "{tally:?}");
}

#[test]
fn law_1_a_process_that_sleeps_before_it_sends_overlaps_once_at_most() {
    let mut fleet = World::new(&[0, 36_000, -36_000]);
    // The one is told to send its login, and sleeps.
    let name = fleet.want(1, Wish::LogIn);
    drive_until(&mut fleet, name, |fleet| {
        fleet
            .messages
            .iter()
            .any(|message| message.is_login_in_hand())
    });
    let before = fleet.service.succeeded;
    fleet.now += LEASE + POLL;
    // The other takes its place, and has a login on its way.
    posts_login(&mut fleet, 2);
    let asleep = fleet
        .messages
        .iter()
        .position(|message| message.is_login_in_hand());
    fleet.act(Act::Post(asleep.unwrap()));
    assert_eq!(fleet.tally.overlaps, 1);
    fleet.finish_within(MINUTE);
    assert!(fleet.service.succeeded - before <= 2);
    for host in 0..3 {
        fleet.call(host, Wish::Read).unwrap();
        assert_eq!(fleet.host(host).session.login_guard().failed_logins, 0);
    }
}

#[test]
fn law_1_a_process_that_sleeps_between_saving_and_sending_sends_nothing() {
    let mut fleet = World::new(&[0, 36_000, -36_000]);
    let name = fleet.want(1, Wish::LogIn);
    let logins = fleet.tally.logins;
    // The last look at the deadline is the step that says what to send.
    drive_until(&mut fleet, name, |fleet| fleet.has_saved_login(name));
    fleet.act(Act::Pass(LEASE));
    posts_login(&mut fleet, 2);
    let who = fleet.find(name).unwrap();
    fleet.act(Act::Step(who));
    assert_eq!(fleet.tally.logins, logins + 1, "{:?}", fleet.messages);
    fleet.finish_within(MINUTE);
    assert_eq!(fleet.tally.overlaps, 0);
}

#[test]
fn law_1_nobody_waits_longer_than_a_lease_for_a_process_that_is_dead() {
    for offset in [-HOUR.cast_signed(), -36_000, 0, 36_000, HOUR.cast_signed()] {
        let mut fleet = World::new(&[0, offset]);
        // It dies while it fetches a token, then while it logs in.
        for (dies_at, then) in [("Bearer", 0), ("LogIn", 30 * SECOND)] {
            let name = fleet.want(0, Wish::LogIn);
            drive_until(&mut fleet, name, |fleet| {
                let mut messages = fleet.messages.iter();
                messages.any(|message| format!("{:?}", message.asked).starts_with(dies_at))
            });
            let from = fleet.now;
            fleet.act(Act::Crash(0));
            fleet.call(1, Wish::Read).unwrap();
            let waited = fleet.now - from;
            let most = LEASE + POLL + SECOND + then;
            assert!(waited <= most, "{waited} ms with a clock {offset} off");
            fleet.call(1, Wish::LogOut).unwrap();
        }
        fleet.call(0, Wish::Read).unwrap();
        assert_eq!(fleet.service.succeeded, 3);
    }
}

/// One call a minute from each host in turn, while something is down for so many
/// milliseconds. Returns the time from its end until a call works.
fn outage(fleet: &mut World, down: Down, hangs: bool, lasts: u64) -> u64 {
    let hosts = fleet.hosts.len();
    fleet.act(Act::IsDown(down));
    fleet.service.hangs = hangs;
    let end = fleet.now + lasts;
    fleet.service.down_until = end;
    for minute in 0.. {
        let began = fleet.now;
        let result = fleet.call(minute % hosts, Wish::Read);
        let failed = fleet
            .host(minute % hosts)
            .session
            .login_guard()
            .failed_logins;
        assert!(failed <= 4, "law 2: {failed} count");
        if result.is_ok() {
            return fleet.now.checked_sub(end).expect("it was down");
        }
        assert!(
            fleet.now < end + 3 * HOUR,
            "it never opens again: {result:?}"
        );
        fleet.now = fleet.now.max(began + MINUTE);
    }
    unreachable!()
}

/// Law 2: no two logins come within half a minute, and no more than four.
fn assert_logins_are_few_and_far_between(fleet: &World) {
    let logins = &fleet.service.logins;
    let before = fleet.service.succeeded;
    assert!(logins.len() <= 4 + before, "{logins:?}");
    let mut pairs = logins.windows(2);
    let are_far = pairs.all(|pair| pair[1] - pair[0] >= 30 * SECOND);
    assert!(are_far, "{logins:?}");
}

#[test]
fn law_2_the_api_is_down_for_eight_hours_and_the_session_opens_ten_minutes_later() {
    for hangs in [false, true] {
        for hosts in [&[0][..], &[0, 36_000, -36_000]] {
            for lasts in [0, 2, 5, 7].map(|more| 8 * HOUR + more * MINUTE) {
                let mut fleet = World::new(hosts);
                let after = outage(&mut fleet, Down::Api, hangs, lasts);
                // The last check may hang until after the end.
                let most = 10 * MINUTE + if hangs { 30 * SECOND } else { 0 };
                assert!(after <= most + SECOND, "{after} ms, hanging: {hangs}");
                assert_logins_are_few_and_far_between(&fleet);
            }
        }
    }
}

#[test]
fn law_2_the_login_alone_is_down_for_two_hours_and_the_session_opens_35_minutes_later() {
    for hangs in [false, true] {
        for hosts in [&[0][..], &[0, 36_000, -36_000]] {
            for lasts in [0, 2, 5, 7].map(|more| 2 * HOUR + more * MINUTE) {
                let mut fleet = World::new(hosts);
                let after = outage(&mut fleet, Down::LoginAlone, hangs, lasts);
                assert!(after <= 35 * MINUTE, "{after} ms, hanging: {hangs}");
                assert_logins_are_few_and_far_between(&fleet);
            }
        }
    }
}

#[test]
fn law_2_processes_that_restart_with_every_call_bear_an_outage_as_well() {
    for (down, most) in [
        (Down::Api, 10 * MINUTE + SECOND),
        (Down::LoginAlone, 35 * MINUTE),
    ] {
        let mut fleet = World::new(&[0, 36_000]);
        fleet.act(Act::IsDown(down));
        let end = fleet.now + 2 * HOUR;
        fleet.service.down_until = end;
        for minute in 0.. {
            let began = fleet.now;
            fleet.act(Act::Crash(minute % 2));
            let result = fleet.call(minute % 2, Wish::Read);
            if result.is_ok() {
                assert!(fleet.now >= end, "it was down");
                break;
            }
            assert!(fleet.now <= end + most, "{result:?}");
            fleet.now = fleet.now.max(began + MINUTE);
        }
        assert_logins_are_few_and_far_between(&fleet);
    }
}

#[test]
fn law_3_one_stale_host_and_an_operator_who_unblocks_the_right_one_as_often_as_he_likes() {
    for names_credentials in [true, false] {
        for restarts in [false, true] {
            let mut fleet = World::with(&[(0, "p~0"), (36_000, "old")], Settings::default());
            fleet.service.names_credentials = names_credentials;
            let mut spent = 0;
            for round in 0..60 {
                fleet.service.end_sessions();
                if restarts {
                    fleet.act(Act::Crash(round % 2));
                }
                let before = fleet.service.logins.len();
                let stale = fleet.call(1, Wish::Read);
                if names_credentials && round > 0 {
                    let logins = fleet.service.logins.len();
                    assert_eq!(logins, before, "the stale host spends a login: {stale:?}");
                }
                spent += fleet.service.logins.len() - before;
                fleet.act(Act::Unblock(0));
                fleet.call(0, Wish::Read).unwrap();
                fleet.act(Act::Unblock(0));
                fleet.now += 40 * MINUTE;
            }
            assert!(!fleet.service.is_locked);
            let most = if names_credentials { 1 } else { 120 };
            assert!(spent <= most, "the stale host spends {spent} logins");
        }
    }
}

#[test]
fn law_3_a_script_that_tries_ten_passwords_is_stopped_after_four() {
    for restarts in [false, true] {
        let mut fleet = World::new(&[0]);
        for number in 0..10 {
            if restarts {
                fleet.act(Act::Crash(0));
            }
            fleet.act(Act::Give(0, Password::Wrong));
            let error = fleet.call(0, Wish::LogIn).unwrap_err();
            assert!(error.is_blocked(), "{error:?}");
            assert_eq!(fleet.service.logins.len(), (number + 1).min(4));
            fleet.now += HOUR;
        }
        // Not even the right one is tried, unless somebody says so.
        fleet.act(Act::Give(0, Password::Right));
        assert_eq!(reason(fleet.call(0, Wish::LogIn)), BlockReason::BudgetSpent);
        fleet.act(Act::Unblock(0));
        fleet.call(0, Wish::LogIn).unwrap();
    }
}

#[test]
fn law_3_a_refusal_that_comes_after_its_lease_still_counts_for_all() {
    let mut fleet = World::with(&[(0, "old"), (0, "old"), (0, "p~0")], Settings::default());
    let late = posts_login(&mut fleet, 0);
    fleet.now += LEASE + POLL;
    // Another one has begun meanwhile.
    let other = fleet.want(2, Wish::Read);
    drive_until(&mut fleet, other, |fleet| {
        fleet
            .messages
            .iter()
            .any(|message| message.is_login_in_hand())
    });
    let first = fleet
        .messages
        .iter()
        .position(|message| message.is_login_on_its_way());
    fleet.act(Act::Serve(first.unwrap(), Serving::Honestly));
    fleet.act(Act::Deliver(first.unwrap()));
    fleet.act(Act::Sync(0));
    fleet.finish_within(5 * MINUTE);
    assert!(fleet.find(late).is_none());
    fleet.service.end_sessions();
    fleet.now += HOUR;
    let before = fleet.service.logins.len();
    for host in 0..2 {
        let blocked = reason(fleet.call(host, Wish::LogIn));
        let names = matches!(blocked, BlockReason::WrongCredentials { .. });
        assert!(names, "{blocked:?}");
    }
    assert_eq!(fleet.service.logins.len(), before);
}

#[test]
fn law_14_a_call_that_waits_for_the_login_of_a_stale_host_does_not_fail_with_it() {
    for names_credentials in [true, false] {
        let mut fleet = World::with(&[(0, "old"), (36_000, "p~0")], Settings::default());
        fleet.service.names_credentials = names_credentials;
        let stale = posts_login(&mut fleet, 0);
        let waiting = fleet.want(1, Wish::Read);
        for _ in 0..10 {
            fleet.now += POLL;
            let who = fleet.find(waiting).expect("it does not wait");
            fleet.go(who);
        }
        fleet.keeps_results = true;
        fleet.finish_within(5 * MINUTE);
        for (name, result) in std::mem::take(&mut fleet.results) {
            assert_eq!(result.is_err(), name == stale, "{result:?}");
        }
    }
}

#[test]
fn law_8_no_process_logs_in_while_a_reset_is_in_doubt() {
    for crashes in [false, true] {
        let mut fleet = open_fleet();
        let reset = fleet.want(0, Wish::Reset);
        drive_until(&mut fleet, reset, World::has_reset_on_its_way);
        fleet.act(Act::Serve(0, Serving::LostAfter));
        if crashes {
            fleet.act(Act::Crash(0));
        } else {
            fleet.act(Act::Deliver(0));
        }
        fleet.service.end_sessions();
        fleet.finish_within(5 * MINUTE);
        for host in 0..3 {
            let blocked = reason(fleet.call(host, Wish::Read));
            assert_eq!(blocked, BlockReason::PasswordInDoubt);
        }
        // Who is given the right one goes on, and the others are outdated.
        fleet.act(Act::Give(1, Password::Right));
        fleet.call(1, Wish::Read).unwrap();
        fleet.service.end_sessions();
        let blocked = reason(fleet.call(2, Wish::Read));
        assert_eq!(blocked, BlockReason::PasswordOutdated);
        fleet.act(Act::Give(2, Password::Right));
        fleet.call(2, Wish::Read).unwrap();
    }
}

#[test]
fn law_8_a_process_that_dies_before_it_confirms_leaves_the_guard_blocked() {
    let mut fleet = open_fleet();
    fleet.call(0, Wish::Reset).unwrap();
    fleet.service.end_sessions();
    let from = fleet.now;
    fleet.act(Act::Crash(0));
    let blocked = reason(fleet.call(1, Wish::Read));
    assert_eq!(blocked, BlockReason::AwaitingConfirmation);
    assert!(fleet.now - from <= LEASE + POLL + SECOND);
    assert_eq!(fleet.service.logins.len(), 2, "a login and a reset");
}

#[test]
fn law_8_others_wait_for_a_confirmation_and_are_outdated_after_it() {
    let mut fleet = open_fleet();
    fleet.call(0, Wish::Reset).unwrap();
    fleet.service.end_sessions();
    let waiting = fleet.want(1, Wish::Read);
    for _ in 0..20 {
        let who = fleet.find(waiting).expect("it does not wait");
        if !fleet.go(who) {
            fleet.now += SECOND;
        }
    }
    fleet.act(Act::Confirm(0));
    fleet.act(Act::Sync(0));
    fleet.keeps_results = true;
    fleet.finish_within(MINUTE);
    let ended = fleet.results.drain(..).find(|(name, _)| *name == waiting);
    assert_eq!(reason(ended.unwrap().1), BlockReason::PasswordOutdated);
    fleet.call(0, Wish::Read).unwrap();
    assert!(!fleet.service.is_locked);
}

#[test]
fn law_14_callers_that_drop_abandon_or_panic_harm_nobody() {
    let acts: [fn(&mut World, usize); 4] = [
        |fleet, who| fleet.act(Act::Drop(who)),
        |fleet, who| fleet.act(Act::Vanish(who)),
        |fleet, _| fleet.act(Act::Abandon(0)),
        |fleet, _| fleet.act(Act::Crash(0)),
    ];
    for (kind, act) in acts.into_iter().enumerate() {
        for steps in 0..40 {
            for kept in [None, Some(0)] {
                let mut fleet = World::new(&[0, 36_000, -36_000]);
                let first = fleet.want(0, Wish::Read);
                let others = [fleet.want(0, Wish::Read), fleet.want(1, Wish::LogIn)];
                for _ in 0..steps {
                    if let Some(who) = fleet.find(first) {
                        fleet.go(who);
                    }
                }
                // The others are at it too.
                for name in others {
                    if let Some(who) = fleet.find(name) {
                        fleet.go(who);
                    }
                }
                if let Some(who) = fleet.find(first) {
                    act(&mut fleet, who);
                }
                if kept.is_none() {
                    // What was on its way never comes.
                    fleet.messages.clear();
                }
                let from = fleet.now;
                fleet.finish_within(LEASE + 35 * SECOND + 2 * SECOND + POLL);
                let waited = fleet.now - from;
                let most = LEASE + 30 * SECOND + 2 * SECOND + POLL;
                assert!(waited <= most, "{waited} ms, {kind} after {steps} steps");
                for host in 0..3 {
                    fleet.call(host, Wish::Read).unwrap();
                }
            }
        }
    }
}

#[test]
fn law_15_a_store_that_is_down_stops_no_open_session() {
    let mut fleet = open_fleet();
    fleet.act(Act::StoreIsDown(true));
    for minute in 0..120 {
        fleet.call(minute % 3, Wish::Read).unwrap();
        fleet.now += MINUTE;
    }
    assert_eq!(fleet.service.succeeded, 1);
    // What would spend fails, and says why.
    fleet.service.end_sessions();
    let _ = fleet.call(0, Wish::Read).unwrap_err();
    for wish in [Wish::LogIn, Wish::Read] {
        let error = fleet.call(0, wish).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
    }
    for wish in [Wish::LogOut, Wish::Reset] {
        let mut fleet = open_fleet();
        fleet.act(Act::StoreIsDown(true));
        fleet.now += SECOND;
        let error = fleet.call(0, wish).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Store(_)),
            "{wish:?}: {error:?}"
        );
    }
    fleet.act(Act::StoreIsDown(false));
    fleet.now += 2 * SECOND;
    for host in 0..3 {
        fleet.call(host, Wish::Read).unwrap();
    }
}

#[test]
fn law_15_a_client_that_starts_while_its_store_is_down_works_when_it_is_back() {
    let mut fleet = open_fleet();
    fleet.call(0, Wish::Reset).unwrap();
    fleet.act(Act::Confirm(0));
    fleet.act(Act::Sync(0));
    fleet.finish_within(MINUTE);
    let password = fleet.service.password.clone();
    fleet.act(Act::StoreIsDown(true));
    fleet.add_host(5000, &password);
    let error = fleet.call(3, Wish::Read).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
    fleet.act(Act::StoreIsDown(false));
    fleet.now += 2 * SECOND;
    fleet.call(3, Wish::Read).unwrap();
    fleet.service.end_sessions();
    fleet.call(3, Wish::Read).unwrap();
}

#[test]
fn law_15_a_response_is_not_lost_when_its_saving_fails() {
    for storing in [Storing::FailsBefore, Storing::FailsAfter] {
        let mut fleet = World::new(&[0, 36_000]);
        let login = posts_login(&mut fleet, 0);
        fleet.act(Act::Serve(0, Serving::Honestly));
        fleet.act(Act::Deliver(0));
        // Everything that is to be saved now fails, for as long as the lease.
        for _ in 0..LEASE / 100 {
            fleet.act(Act::Sync(0));
            for who in 0..fleet.callers.len() {
                fleet.act(Act::Step(who));
                fleet.act(Act::Store(who, storing));
                fleet.act(Act::Tell(who));
            }
            fleet.act(Act::Pass(100));
        }
        assert!(fleet.find(login).is_none(), "the call waits for its store");
        fleet.act(Act::Pass(2 * SECOND));
        fleet.finish_within(MINUTE);
        for _ in 0..3 {
            fleet.call(0, Wish::Read).unwrap();
            fleet.now += MINUTE;
        }
        fleet.call(1, Wish::Read).unwrap();
        fleet.call(0, Wish::Read).unwrap();
        assert_eq!(fleet.service.succeeded, 1, "{storing:?}");
    }
}

#[test]
fn law_15_a_store_that_forgets_in_the_midst_makes_nobody_forget() {
    let faults = [
        Fault::Emptied,
        Fault::RolledBack(1),
        Fault::RolledBack(4),
        Fault::Impossible(0),
        Fault::Impossible(1),
        Fault::Impossible(2),
        Fault::Impossible(3),
        Fault::Impossible(4),
    ];
    for fault in faults {
        let mut fleet = World::with(&[(0, "old"), (36_000, "old")], Settings::default());
        fleet.service.names_credentials = false;
        for round in 0..40 {
            let host = round % 2;
            // A call sees the fault at every one of its points.
            let name = fleet.want(host, Wish::LogIn);
            for _ in 0..round {
                if let Some(who) = fleet.find(name) {
                    fleet.go(who);
                }
            }
            fleet.act(Act::Break(0, fault));
            fleet.act(Act::Break(1, fault));
            fleet.finish_within(5 * MINUTE);
            fleet.now += 40 * MINUTE;
        }
        let (logins, hosts) = (fleet.service.logins.len(), fleet.hosts.len());
        assert!(logins <= 4 * hosts, "{fault:?}: {logins} logins");
        fleet.assert_works_again();
    }
}

#[test]
fn law_15_a_store_that_shows_two_faces_costs_each_its_own_four() {
    let mut fleet = World::with(&[(0, "old"), (0, "old")], Settings::default());
    fleet.service.names_credentials = false;
    fleet.call(0, Wish::LogIn).unwrap_err();
    fleet.act(Act::Break(0, Fault::Forked));
    for round in 0..20 {
        let _ = fleet.call(round % 2, Wish::LogIn).unwrap_err();
        fleet.now += 3 * HOUR;
    }
    fleet.act(Act::Break(0, Fault::Joined(1)));
    // Each has what the other knew.
    for host in [0, 1, 0] {
        fleet.now += MINUTE;
        let _ = fleet.call(host, Wish::LogIn).unwrap_err();
    }
    let counted = [0, 1].map(|host| fleet.host(host).session.login_guard().failed_logins);
    assert_eq!(counted[0], counted[1]);
    assert!(fleet.service.logins.len() <= 4);
}

#[test]
fn law_2_a_process_that_restarts_after_every_step_spends_no_more() {
    for password in ["old", "p~0"] {
        for row in [None, Some(Row::Outage), Some(Row::Unclear)] {
            let mut fleet = World::with(&[(0, password), (36_000, password)], Settings::default());
            fleet.service.names_credentials = false;
            let mut began = 0;
            for steps in (0..30).cycle().take(300) {
                let host = steps % 2;
                let name = fleet.want(host, Wish::LogIn);
                for _ in 0..steps {
                    let message = fleet.messages.iter().position(|m| m.is_login_on_its_way());
                    if let (Some(which), Some(row)) = (message, row) {
                        let instead = Serving::Instead(row, crate::service::Judged::Yes);
                        fleet.act(Act::Serve(which, instead));
                    } else if let Some(who) = fleet.find(name) {
                        if !fleet.go(who) {
                            fleet.now += SECOND;
                        }
                    }
                }
                began = began.max(fleet.tally.logins);
                fleet.act(Act::Crash(host));
                fleet.now += MINUTE;
            }
            assert!(!fleet.service.is_locked);
            fleet.now += 3 * HOUR;
            if row.is_none() && password == "p~0" {
                // Nobody unblocks anything: those that were lost may be too many.
                let result = fleet.call(0, Wish::Read);
                let is_lawful = result.as_ref().is_ok_and(|_| true)
                    || result.as_ref().is_err_and(Error::is_blocked);
                assert!(is_lawful, "{result:?}");
            }
            fleet.assert_works_again();
        }
    }
}

#[test]
fn law_3_a_refusal_that_comes_while_the_next_login_is_drafted_stops_that_one() {
    let mut fleet = World::with(&[(0, "old")], Settings::default());
    posts_login(&mut fleet, 0);
    fleet.now += LEASE + POLL;
    // The login is taken for lost, and half a minute later the next one is drafted.
    let next = fleet.want(0, Wish::Read);
    drive_until_alone(&mut fleet, next, |fleet| fleet.has_saved_login(next));
    fleet.act(Act::Serve(0, Serving::Honestly));
    fleet.act(Act::Deliver(0));
    fleet.finish_within(5 * MINUTE);
    assert_eq!(fleet.service.logins.len(), 1);
}

#[test]
fn law_3_unblocking_again_and_again_allows_one_login() {
    let mut fleet = World::with(&[(0, "old"), (36_000, "old")], Settings::default());
    for logins in 1..5 {
        for host in [0, 1, 0, 0] {
            fleet.act(Act::Unblock(host % 2));
        }
        for host in [0, 1, 0, 1] {
            fleet.act(Act::Sync(host));
            fleet.finish_within(MINUTE);
        }
        for host in [0, 1, 0, 1] {
            let error = fleet.call(host, Wish::LogIn).unwrap_err();
            assert!(error.is_blocked(), "{error:?}");
            fleet.now += HOUR;
        }
        assert_eq!(fleet.service.logins.len(), logins);
    }
}

#[test]
fn law_15_a_store_that_goes_back_takes_no_session_away() {
    for saves in 1..8 {
        let mut fleet = open_fleet();
        fleet.call(0, Wish::LogOut).unwrap();
        for host in 0..3 {
            fleet.call(host, Wish::Read).unwrap();
        }
        fleet.act(Act::Break(0, Fault::RolledBack(saves)));
        for host in [0, 1, 2, 0] {
            fleet.act(Act::Want(host, Wish::Sync));
            fleet.finish_within(MINUTE);
            fleet.call(host, Wish::Read).unwrap();
        }
        assert_eq!(fleet.service.succeeded, 2, "after {saves} saves less");
    }
}
