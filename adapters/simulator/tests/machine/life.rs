//! A session's life.

use std::time::Duration;

use thingspace_core::{
    Call as CoreCall, ErrorKind, Step,
    session::{BlockReason, Event, OperationKind},
};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::world::*;

#[test]
fn a_session_opens_works_expires_changes_its_password_and_ends() {
    let mut world = World::new();
    assert_eq!(world.read().unwrap().status(), 200);

    world.pass(25 * MINUTE);
    assert_eq!(world.read().unwrap().status(), 200);
    let counts = world.service.counts();
    assert_eq!(counts.done(Call::LogIn), 2);
    assert_eq!(counts.seen(Call::Account), 2, "the expiry was foreseen");

    let password = world.change_password().unwrap();
    assert_eq!(password.expose(), world.service.reveal_password());

    let ended = world.run(CoreCall::log_out()).unwrap();
    let ended = ended.into_logged_out().unwrap();
    assert!(ended.is_some());
    assert_eq!(world.service.open_sessions(world.now), 0);

    // The new password is the one that logs in.
    world.run(CoreCall::log_in()).unwrap();
    assert_eq!(world.service.counts().failed_logins, 0);
    assert_eq!(world.service.counts().misdirected, 0);
}

#[test]
fn a_session_in_use_logs_in_once_a_month() {
    let mut world = World::new();
    for _ in 0..30 * 24 * 6 {
        world.read().unwrap();
        world.pass(10 * MINUTE);
    }
    let counts = world.service.counts();
    assert_eq!(counts.done(Call::LogIn), 1);
    assert_eq!(counts.done(Call::Account), counts.seen(Call::Account));
    // Once an hour a new bearer, and once the same one again near its end.
    assert!(counts.bearers_issued <= 30 * 24 + 1);
    assert!(counts.bearers_repeated <= counts.bearers_issued);
}

#[test]
fn the_service_forgets_and_the_session_recovers() {
    let mut world = World::new();
    world.read().unwrap();
    for _ in 0..3 {
        world.pass(6 * MINUTE);
        world.service.forget_sessions();
        world.read().unwrap();
        world.pass(6 * MINUTE);
        world.service.forget_bearers();
        world.read().unwrap();
        world.service.forget_sessions();
        world.service.forget_bearers();
        world.pass(6 * MINUTE);
        world.read().unwrap();
    }
    assert_eq!(world.service.counts().failed_logins, 0);
}

#[test]
fn law_2_a_wrong_password_never_locks_the_user_name() {
    let mut world = World::new();
    world.session = session("grflbk", 7);
    for _ in 0..100 {
        assert!(world.read().unwrap_err().is_wrong_credentials());
        world.pass(HOUR);
    }
    assert_eq!(world.service.counts().failed_logins, 1);
    assert!(!world.service.is_locked());
}

#[test]
fn law_2_nor_does_a_code_that_nobody_knows() {
    let code = "UnifiedWebService.REQUEST_FAILED.Unexplained";
    let mut world = World::with(Simulator::new(7).refusal_code(code));
    world.session = session("grflbk", 7);
    for _ in 0..100 {
        assert!(world.read().is_err());
        world.pass(HOUR);
    }
    assert_eq!(world.service.counts().failed_logins, 2);
    assert!(!world.service.is_locked());
}

#[test]
fn a_password_changed_elsewhere_costs_one_login() {
    let mut world = World::new();
    world.read().unwrap();
    let elsewhere = &mut session(Simulator::PASSWORD, 8);
    let now = &mut world.now.clone();
    let reset = CoreCall::reset_password();
    let completion = run(&mut world.service, elsewhere, now, reset).unwrap();
    let new = completion.into_new_password().unwrap();

    world.pass(6 * MINUTE);
    assert!(world.read().unwrap_err().is_wrong_credentials());
    let mut credentials = world.session.credentials().clone();
    credentials = credentials.with_password(new.into_password());
    world.session.set_credentials(credentials).unwrap();
    world.read().unwrap();
    assert_eq!(world.service.counts().failed_logins, 1);
}

#[test]
fn a_session_that_survives_no_reset_is_opened_anew() {
    let mut world = World::with(Simulator::new(7).reset_ends_sessions(true));
    world.change_password().unwrap();
    world.read().unwrap();
    assert_eq!(world.service.counts().done(Call::LogIn), 2);
    assert_eq!(world.service.counts().failed_logins, 0);
}

#[test]
fn events_are_reported_in_order() {
    let mut world = World::new();
    world.read().unwrap();
    world.pass(25 * MINUTE);
    world.run(CoreCall::log_in()).unwrap();
    world.service.forget_sessions();
    world.pass(6 * MINUTE);
    world.read().unwrap();
    world.change_password().unwrap();
    world.run(CoreCall::log_out()).unwrap();

    let events: Vec<_> = std::iter::from_fn(|| world.session.poll_event()).collect();
    assert!(matches!(
        *events,
        [
            Event::BearerFetched { .. },
            Event::LoggedIn,
            Event::SessionIdle,
            Event::LoggedIn,
            Event::SessionRefused,
            Event::Replayed,
            Event::LoggedIn,
            Event::PasswordReset,
            Event::PasswordChanged,
            Event::LoggedOut,
        ]
    ));
}

#[test]
fn law_14_the_login_of_a_dropped_call_serves_the_next_one() {
    let mut world = World::new();
    for kind in [OperationKind::TokenFetch, OperationKind::LogIn] {
        let (transmit, result) = world.send_and_drop(account());
        let operation = transmit.attempt.operation().unwrap();
        assert_eq!(operation.kind(), kind);
        assert_eq!(world.session.operation(), Some(kind));
        world.session.receive(world.now, operation, result);
        assert_eq!(world.session.operation(), None);
    }
    world.read().unwrap();
    let counts = world.service.counts();
    assert_eq!(counts.seen(Call::BearerToken), 1);
    assert_eq!(counts.seen(Call::LogIn), 1);
}

#[test]
fn law_14_a_deadline_ends_the_call_and_not_its_login() {
    let mut world = World::new();
    world.run(CoreCall::log_in()).unwrap();
    world.service.forget_sessions();
    world.run(CoreCall::log_out()).unwrap();

    world
        .service
        .inject(Call::LogIn, Fault::Delay(Duration::from_secs(9)));
    let start = world.now;
    let mut call = account().with_deadline(start + Duration::from_secs(3));
    let Step::Send(transmit) = call.step(&mut world.session, start) else {
        panic!("no login");
    };
    assert!(transmit.deadline > start + Duration::from_secs(9));
    let reply = world.service.respond(start, &transmit.request);
    let (from, result) = result_of(reply, start, transmit.deadline, transmit.read_limit);
    world.pass(Duration::from_secs(3));
    let Step::Done(Err(error)) = call.step(&mut world.session, world.now) else {
        panic!("the call outlives its deadline");
    };
    assert!(error.is_timed_out() && error.is_never_sent());

    world.now = from;
    call.receive(&mut world.session, from, transmit.attempt, result);
    world.read().unwrap();
    assert_eq!(world.service.counts().seen(Call::LogIn), 2);
}

#[test]
fn law_8_a_new_password_survives_the_call_that_asked_for_it() {
    let mut world = World::new();
    world.read().unwrap();
    let (transmit, result) = world.send_and_drop(CoreCall::reset_password());
    let operation = transmit.attempt.operation().unwrap();
    world.session.receive(world.now, operation, result);

    // The open session goes on, and no login is made with a password that is wrong.
    world.read().unwrap();
    world.pass(HOUR);
    let error = world.read().unwrap_err();
    let ErrorKind::Blocked { guard, .. } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    assert_eq!(world.service.counts().seen(Call::LogIn), 1);

    let new = world.session.new_password().unwrap().clone();
    assert_eq!(new.password().expose(), world.service.reveal_password());
    world.session.confirm(&new).unwrap();
    // Once more does no harm.
    world.session.confirm(&new).unwrap();
    world.read().unwrap();
    assert_eq!(world.service.counts().failed_logins, 0);
}

#[test]
fn law_8_a_late_new_password_does_not_hide_the_one_that_is_awaited() {
    let mut world = World::new();
    world.read().unwrap();
    let (late, late_result) = world.send_and_drop(CoreCall::reset_password());
    world.pass(MINUTE);
    world.session.expire(world.now);
    let right = credentials(world.service.reveal_password());
    world.session.set_credentials(right).unwrap();

    let (transmit, result) = world.send_and_drop(CoreCall::reset_password());
    for (transmit, result) in [(transmit, result), (late, late_result)] {
        let operation = transmit.attempt.operation().unwrap();
        world.session.receive(world.now, operation, result);
    }
    let new = world.session.new_password().unwrap().clone();
    assert_eq!(new.password().expose(), world.service.reveal_password());
    world.session.confirm(&new).unwrap();
    world.pass(HOUR);
    world.read().unwrap();
    assert_eq!(world.service.counts().failed_logins, 0);
}

#[test]
fn law_2_a_login_that_is_abandoned_stays_counted() {
    let mut world = World::new();
    world.run(CoreCall::log_in()).unwrap();
    world.run(CoreCall::log_out()).unwrap();
    let mut last = world.now;
    for failed in 1..=2 {
        last = world.now;
        let (transmit, _) = world.send_and_drop(account());
        let operation = transmit.attempt.operation().unwrap();
        world.session.abandon(world.now, operation);
        assert_eq!(world.session.login_guard().failed_logins, failed);
        assert_eq!(world.session.operation(), None);
        world.pass(MINUTE / 2);
    }
    // Nobody knows what became of them. One more is made half an hour after the last.
    let error = world.read().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::BackingOff { .. }),
        "{error}"
    );
    assert_eq!(world.service.counts().seen(Call::LogIn), 3);
    let next_login = world.session.login_guard().next_login;
    assert_eq!(next_login, Some(last + MINUTE * 30));
    world.pass(MINUTE * 30);
    world.read().unwrap();
    assert_eq!(world.service.counts().seen(Call::LogIn), 4);
}
