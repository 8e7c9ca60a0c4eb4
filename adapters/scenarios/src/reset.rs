//! A password reset in two halves: it is requested, and then confirmed.

use std::thread;

use thingspace_core::{
    ErrorKind,
    session::{self, BlockReason, Event},
};
use thingspace_simulator::{Call, Simulator};

use crate::{
    Client,
    held::HeldRequest,
    limits::SOON,
    stage::{IDLE, Stage, account, credentials, devices},
    watch::EventSender,
};

/// Asserts that the service has this password.
fn assert_password<C>(stage: &Stage<C>, password: &str) {
    let is_right = |service: &mut Simulator| service.reveal_password() == password;
    assert!(stage.server.with(is_right));
}

pub(crate) fn law_8_until_a_reset_is_confirmed_no_login_is_made_and_the_session_goes_on<
    C: Client,
>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let new = client.request_reset().unwrap();
    assert_password(&stage, new.password().expose());
    client.session(|session| {
        assert_eq!(session.new_password(), Some(&new));
        assert_ne!(session.credentials().password().unwrap(), new.password());
        let blocked = session.login_guard().blocked;
        assert_eq!(blocked, Some(BlockReason::AwaitingConfirmation));
    });
    // The open session serves calls.
    client.call(account()).unwrap();
    client.call(devices()).unwrap();
    // Another reset would need the password that is not confirmed.
    assert!(client.request_reset().unwrap_err().is_blocked());

    stage.pass(IDLE);
    let error = client.call(account()).unwrap_err();
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    let guard = error.login_guard().unwrap();
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    assert_eq!(guard.failed_logins, 0);
    assert_eq!(stage.seen(Call::LogIn), 1);

    client.confirm_reset(&new).unwrap();
    client.session(|session| {
        assert_eq!(session.new_password(), None);
        assert_eq!(session.credentials().password().unwrap(), new.password());
        assert_eq!(session.login_guard().blocked, None);
    });
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.seen(Call::ResetPassword), 1);
    assert_eq!(stage.failed_logins(), 0);
}

pub(crate) fn a_new_password_is_confirmed_again_until_another_one_is_in_use<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let new = client.request_reset().unwrap();
    for _ in 0..3 {
        client.confirm_reset(&new).unwrap();
        client.session(|session| {
            assert_eq!(session.credentials().password().unwrap(), new.password());
            assert_eq!(session.login_guard().blocked, None);
        });
    }

    // A whole reset is confirmed already.
    let password = client.reset_password().unwrap();
    assert_password(&stage, password.expose());
    client.session(|session| {
        assert_eq!(session.new_password(), None);
        assert_eq!(session.credentials().password().unwrap(), &password);
    });
    let error = client.confirm_reset(&new).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAwaited(_)), "{error}");
    client.log_out().unwrap();
    client.log_in().unwrap();
    assert_eq!(stage.failed_logins(), 0);
}

pub(crate) fn a_new_password_is_not_awaited_after_other_credentials_were_given<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let new = client.request_reset().unwrap();
    let give = |password: &str| {
        let given = credentials(password);
        client
            .session(|session| session.set_credentials(given))
            .unwrap();
    };
    give("for later");
    let error = client.confirm_reset(&new).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAwaited(_)), "{error}");
    // The new one itself needs no confirmation.
    give(new.password().expose());
    client.confirm_reset(&new).unwrap();
    stage.pass(IDLE);
    client.call(account()).unwrap();
    assert_eq!(stage.failed_logins(), 0);
}

pub(crate) fn law_8_a_reset_that_outlasts_its_call_leaves_its_new_password<C: Client>() {
    let stage = Stage::<C>::new();
    let reset = HeldRequest::reset();
    let (events, reported) = EventSender::new();
    let builder = stage.builder().observer((reset.watch, events));
    let client = builder.build().unwrap();
    client.log_in().unwrap();
    thread::scope(|scope| {
        let call = session::Call::reset_password().with_deadline(client.now() + SOON);
        let hasty = scope.spawn(|| client.run(call));
        reset.is_held.recv().unwrap();
        let error = hasty.join().unwrap().unwrap_err();
        assert!(
            error.is_timed_out() && error.is_outcome_unknown(),
            "{error}"
        );
    });
    client.session(|session| assert_eq!(session.new_password(), None));

    reset.go_on.send(|| ()).unwrap();
    assert!(reported.iter().any(|event| event == Event::PasswordReset));
    let new = client.session(|session| session.new_password().cloned());
    let new = new.unwrap();
    assert_password(&stage, new.password().expose());
    client.confirm_reset(&new).unwrap();
    stage.pass(IDLE);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::ResetPassword), 1);
    assert_eq!(stage.failed_logins(), 0);
}
