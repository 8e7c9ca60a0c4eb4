//! Keepers of a new password: whatever they do, they harm no other call.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use thingspace_core::{
    ErrorKind, Password,
    session::{BlockReason, LoginGuard},
};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{
    BoxError, Client,
    stage::{IDLE, Stage, account, devices, settings_with_short_timeouts},
};

/// Asserts that the service has this password.
#[track_caller]
fn assert_password<C>(stage: &Stage<C>, password: &Password) {
    let is_right = |service: &mut Simulator| service.reveal_password() == password.expose();
    assert!(stage.server.with(is_right));
}

fn guard<C: Client>(client: &C) -> LoginGuard {
    client.session(|session| session.login_guard())
}

/// Asserts that the open session goes on, and that no login is made when it has ended.
#[track_caller]
fn assert_blocked_and_alive<C: Client>(stage: &Stage<C>, client: &C) {
    let awaits = Some(BlockReason::AwaitingConfirmation);
    assert_eq!(guard(client).blocked, awaits);
    client.call(account()).unwrap();
    client.call(devices()).unwrap();
    stage.pass(IDLE);
    let error = client.call(account()).unwrap_err();
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    assert_eq!(error.login_guard().unwrap().blocked, awaits);
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (1, 0));
}

/// Confirms the new password that a keeper has left, and asserts that it is used.
fn confirm<C: Client>(stage: &Stage<C>, client: &C) {
    let new = client.session(|session| session.new_password().cloned());
    let new = new.unwrap();
    assert_password(stage, new.password());
    client.confirm_reset(&new).unwrap();
    client.call(account()).unwrap();
    assert_eq!(guard(client).blocked, None);
    assert_eq!(stage.seen(Call::ResetPassword), 1);
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

pub(crate) fn a_new_password_is_used_as_soon_as_it_is_kept<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let mut kept = None;
    let new = client.reset_password_with(|new| {
        // It is not in use yet.
        client.session(|session| assert_ne!(session.credentials().password().unwrap(), &new));
        kept = Some(new);
        Ok(())
    });
    let new = new.unwrap();
    assert_eq!(kept.as_ref(), Some(&new));
    assert_password(&stage, &new);
    client.session(|session| {
        assert_eq!(session.credentials().password().unwrap(), &new);
        assert_eq!(session.new_password(), None);
    });
    stage.pass(IDLE);
    client.call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

pub(crate) fn law_14_a_keeper_that_fails_or_panics_harms_its_own_call_alone<C: Client>() {
    let fail = |_| Err(BoxError::from("the vault is closed"));
    let panic = |_| panic!("on purpose");
    for panics in [false, true] {
        let stage = Stage::<C>::new();
        let client = stage.client();
        client.log_in().unwrap();
        if panics {
            let reset = || client.reset_password_with(panic);
            assert!(catch_unwind(AssertUnwindSafe(reset)).is_err());
        } else {
            let error = client.reset_password_with(fail).unwrap_err();
            let shown = format!("{error} {error:?}");
            let ErrorKind::NotConfirmed { new, .. } = error.kind() else {
                panic!("{shown}");
            };
            assert_password(&stage, new.password());
            assert!(!shown.contains(new.password().expose()));
        }
        assert_blocked_and_alive(&stage, &client);
        confirm(&stage, &client);
    }
}

pub(crate) fn law_14_a_keeper_may_call_the_client<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let token = client.log_in().unwrap();
    let new = client.reset_password_with(|_| {
        assert_eq!(client.log_in().unwrap(), token);
        client.call(account()).unwrap();
        client.call(devices()).unwrap();
        client.sync().unwrap();
        let error = client.reset_password().unwrap_err();
        assert!(error.is_blocked(), "{error}");
        // A login would need the password that is being kept.
        stage.pass(IDLE);
        let error = client.log_in().unwrap_err();
        assert!(error.is_blocked() && error.is_never_sent(), "{error}");
        assert_eq!(stage.seen(Call::LogIn), 1);
        Ok(())
    });
    assert_password(&stage, &new.unwrap());
    client.call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}

pub(crate) fn law_14_a_keeper_that_does_not_return_holds_up_nobody<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    let (keeps, keeping) = mpsc::channel();
    let (ends, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let keeps_for_ever = client.clone();
        let reset = scope.spawn(move || {
            keeps_for_ever.reset_password_with(move |_| {
                keeps.send(()).unwrap();
                // For as long as this scenario takes.
                ended.recv().unwrap_err();
                Err("too late".into())
            })
        });
        keeping.recv().unwrap();
        assert_blocked_and_alive(&stage, &client);
        confirm(&stage, &client);
        drop(ends);
        let error = reset.join().unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotConfirmed { .. }));
    });
    // The keeper's failure takes back nothing.
    stage.pass(IDLE);
    client.call(account()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (3, 0));
}

pub(crate) fn law_8_a_new_password_that_breaks_off_is_given_as_far_as_it_came<C: Client>() {
    for fault in [Fault::CutShort, Fault::Stall] {
        let stage = Stage::<C>::new();
        let settings = settings_with_short_timeouts();
        let client = stage.builder().settings(settings).build().unwrap();
        client.log_in().unwrap();
        stage.inject(Call::ResetPassword, fault.clone());
        let error = client.reset_password().unwrap_err();
        assert!(error.is_password_in_doubt(), "{error}");
        assert!(error.is_outcome_unknown(), "{error}");

        let part = error.response().unwrap();
        assert_eq!(part.status(), 200, "{fault:?}");
        assert_eq!(part.headers()["content-type"], "application/json");
        let password = stage
            .server
            .with(|service| service.reveal_password().to_owned());
        let whole = format!(r#"{{"newPassword":"{password}"}}"#);
        let (half, _) = whole.as_bytes().split_at(whole.len() / 2);
        assert_eq!(part.body(), half, "{fault:?}");

        // Nobody knows the password, so no login is made. The open session goes on.
        let doubt = Some(BlockReason::PasswordInDoubt);
        assert_eq!(guard(&client).blocked, doubt);
        client.call(account()).unwrap();
        stage.pass(IDLE);
        let error = client.call(account()).unwrap_err();
        assert_eq!(error.login_guard().unwrap().blocked, doubt);
        assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (1, 0));
        assert_eq!(stage.seen(Call::ResetPassword), 1);
    }
}
