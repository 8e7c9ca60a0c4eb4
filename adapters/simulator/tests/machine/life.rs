//! A session's life.

use thingspace_core::{
    Password,
    session::{ChangePassword, EndSession, Event, OpenSession},
};
use thingspace_simulator::{Call, Simulator};

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

    let password = world.run(ChangePassword).unwrap();
    assert_eq!(password.expose(), world.service.reveal_password());

    let ended = world.run(EndSession).unwrap();
    assert!(ended.is_some());
    assert_eq!(world.service.open_sessions(world.now), 0);

    // The new password is the one that logs in.
    world.run(OpenSession).unwrap();
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
    let password = run(&mut world.service, elsewhere, now, ChangePassword).unwrap();

    world.pass(6 * MINUTE);
    assert!(world.read().unwrap_err().is_wrong_credentials());
    let mut credentials = world.session.credentials().clone();
    credentials.user = credentials.user.with_password(Password::clone(&password));
    world.session.set_credentials(credentials);
    world.read().unwrap();
    assert_eq!(world.service.counts().failed_logins, 1);
}

#[test]
fn a_session_that_survives_no_reset_is_opened_anew() {
    let mut world = World::with(Simulator::new(7).reset_ends_sessions(true));
    world.run(ChangePassword).unwrap();
    world.read().unwrap();
    assert_eq!(world.service.counts().done(Call::LogIn), 2);
    assert_eq!(world.service.counts().failed_logins, 0);
}

#[test]
fn what_happens_is_told_in_order() {
    let mut world = World::new();
    world.read().unwrap();
    world.pass(25 * MINUTE);
    world.run(OpenSession).unwrap();
    world.service.forget_sessions();
    world.pass(6 * MINUTE);
    world.read().unwrap();
    world.run(ChangePassword).unwrap();
    world.run(EndSession).unwrap();

    let told: Vec<_> = std::iter::from_fn(|| world.session.poll_event()).collect();
    assert!(matches!(
        *told,
        [
            Event::BearerFetched { .. },
            Event::LoggedIn,
            Event::SessionIdle,
            Event::LoggedIn,
            Event::SessionRefused,
            Event::LoggedIn,
            Event::PasswordChanged,
            Event::LoggedOut,
        ]
    ));
}
