//! The login guard: no client locks its user name.

use std::{thread, time::Duration};

use http::StatusCode;
use thingspace_core::{
    AppCredentials, Credentials, Error, ErrorKind, Session, UserCredentials,
    session::{BlockReason, LoginGuard},
};
use thingspace_simulator::{Call, Fault, Part, Simulator};

use crate::{
    Client,
    stage::{IDLE, MINUTE, Stage, account, credentials, settings, settings_with_short_timeouts},
};

pub(crate) fn law_3_a_crowd_with_a_wrong_password_fails_one_login<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.builder_with("grflbk").build().unwrap();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let error = client.call(account()).unwrap_err();
                assert!(error.is_wrong_credentials(), "{error}");
                assert!(error.is_blocked() && error.is_never_sent(), "{error}");
            });
        }
    });
    assert_eq!(stage.failed_logins(), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::Account), 0);
    assert!(!stage.is_locked());
}

pub(crate) fn law_3_repeated_calls_with_a_wrong_password_fail_one_login<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.builder_with("grflbk").build().unwrap();
    for _ in 0..20 {
        assert!(client.log_in().unwrap_err().is_wrong_credentials());
        assert!(client.call(account()).unwrap_err().is_wrong_credentials());
        assert!(client.reset_password().unwrap_err().is_blocked());
        assert_eq!(client.log_out().unwrap(), None);
    }
    assert_eq!(stage.failed_logins(), 1);
    assert_eq!(stage.seen_in_all(), 2);
    assert!(!stage.is_locked());
}

/// Asserts that a login has to wait until the API responds, half an hour or more.
fn assert_waits(error: &Error) {
    assert!(
        matches!(error.kind(), ErrorKind::BackingOff { .. }),
        "{error}"
    );
    assert!(error.is_never_sent(), "{error}");
}

pub(crate) fn law_2_two_logins_may_be_lost_and_two_more_hours_apart<C: Client>() {
    let lost_responses = [
        Fault::Drop,
        Fault::Drop.after_acting(),
        Fault::Hang,
        Fault::Garbage,
        Fault::Html(StatusCode::BAD_GATEWAY),
        Fault::Empty,
        Fault::CutShort,
    ];
    for fault in lost_responses {
        let stage = Stage::<C>::new();
        let settings = match fault {
            Fault::Hang => settings_with_short_timeouts(),
            _ => settings(),
        };
        let builder = stage.builder().observer(stage.impatience());
        let client = builder.settings(settings).build().unwrap();
        stage
            .server
            .with(|service| service.begin_outage(Part::One(Call::LogIn), fault.clone()));
        // Two are lost, the second half a minute after the first.
        client.log_in().unwrap_err();
        for (logins, then) in [(2, MINUTE * 32), (3, MINUTE * 125), (4, IDLE * 1000)] {
            for _ in 0..3 {
                let error = client.call(account()).unwrap_err();
                assert_eq!(stage.seen(Call::LogIn), logins, "{fault:?}");
                assert_eq!(stage.seen(Call::Account), 0);
                let guard = client.session(|session| session.login_guard());
                assert_eq!(
                    (u64::from(guard.failed_logins), guard.attempts_left),
                    (logins, 0)
                );
                if logins < 4 {
                    assert_waits(&error);
                    assert_eq!(guard.blocked, None, "{fault:?}");
                } else {
                    assert!(error.is_blocked(), "{error}");
                    assert_eq!(guard.blocked, Some(BlockReason::BudgetSpent));
                }
            }
            // One more is lost when enough time has passed, and the API responds.
            stage.pass(then);
            client.call(account()).unwrap_err();
        }
        assert_eq!(stage.seen(Call::LogIn), 4, "{fault:?}");
        stage.server.with(Simulator::end_outages);
        client.session(Session::unblock);
        client.call(account()).unwrap();
        assert!(!stage.is_locked());
    }
}

pub(crate) fn law_2_a_crowd_loses_no_more_than_two_logins<C: Client>() {
    let stage = Stage::<C>::new();
    let mut settings = settings();
    settings.longest_wait = Duration::ZERO;
    let client = stage.builder().settings(settings).build().unwrap();
    for _ in 0..10 {
        stage.inject(Call::LogIn, Fault::Drop);
    }
    for logins in [1, 2, 2, 2] {
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| client.call(account()).unwrap_err());
            }
        });
        assert_eq!(stage.seen(Call::LogIn), logins);
        assert_waits(&client.log_in().unwrap_err());
        stage.pass(MINUTE);
    }
}

pub(crate) fn law_4_a_stale_bearer_is_not_held_against_the_password<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    stage.pass(IDLE);
    stage.server.with(Simulator::forget_bearers);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 3);
    assert_eq!(stage.done(Call::LogIn), 2);
    assert_eq!(stage.failed_logins(), 0);
    assert_eq!(
        client
            .session(|session| session.login_guard())
            .failed_logins,
        0
    );
}

pub(crate) fn law_3_other_credentials_open_the_login_guard<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.builder_with("grflbk").build().unwrap();
    client.log_in().unwrap_err();
    // Equal credentials are not other credentials.
    client
        .session(|session| session.set_credentials(credentials("grflbk")))
        .unwrap();
    client.log_in().unwrap_err();
    assert_eq!(stage.seen(Call::LogIn), 1);

    client
        .session(|session| session.set_credentials(credentials(Simulator::PASSWORD)))
        .unwrap();
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
}

pub(crate) fn law_3_unblocking_opens_the_login_guard<C: Client>() {
    let stage = Stage::<C>::new();
    let builder = stage.builder().observer(stage.impatience());
    let client = builder.build().unwrap();
    for _ in 0..2 {
        stage.inject(Call::LogIn, Fault::Drop);
    }
    client.log_in().unwrap_err();
    assert_waits(&client.log_in().unwrap_err());
    client.session(Session::unblock);
    client.log_in().unwrap();
    assert_eq!(stage.seen(Call::LogIn), 3);
}

pub(crate) fn law_2_a_successful_login_clears_the_count_of_failed_ones<C: Client>() {
    let stage = Stage::<C>::new();
    let builder = stage.builder().observer(stage.impatience());
    let client = builder.build().unwrap();
    // One login is lost each time. That would be too many if they added up.
    for _ in 0..5 {
        stage.inject(Call::LogIn, Fault::Drop);
        client.log_in().unwrap();
        let LoginGuard {
            failed_logins,
            attempts_left,
            blocked,
            ..
        } = client.session(|session| session.login_guard());
        assert_eq!((failed_logins, attempts_left, blocked), (0, 2, None));
        client.log_out().unwrap();
    }
    assert_eq!(stage.done(Call::LogIn), 5);
}

pub(crate) fn a_user_name_that_others_locked_is_used_again_once_it_is_unlocked<C: Client>() {
    let stage = Stage::<C>::new();
    for _ in 0..5 {
        let careless = stage.builder_with("grflbk").build().unwrap();
        careless.log_in().unwrap_err();
    }
    assert!(stage.is_locked());
    let client = stage.client();
    for _ in 0..5 {
        assert!(client.log_in().unwrap_err().is_wrong_credentials());
    }
    stage
        .server
        .with(|service| assert_eq!(service.counts().locked_logins, 1));

    stage.server.with(Simulator::unlock);
    client.session(Session::unblock);
    client.log_in().unwrap();
    assert_eq!(
        client
            .session(|session| session.login_guard())
            .failed_logins,
        0
    );
    stage
        .server
        .with(|service| assert_eq!(service.consecutive_failures(), 0));
}

pub(crate) fn a_wrong_application_is_not_held_against_the_user<C: Client>() {
    let stage = Stage::<C>::new();
    let app = AppCredentials::new(Simulator::KEY, "grflbk").unwrap();
    let user = UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD).unwrap();
    let client = stage.client();
    client
        .session(|session| session.set_credentials(Credentials::new(app, user)))
        .unwrap();
    assert!(client.log_in().unwrap_err().is_wrong_app());
    assert_eq!(stage.seen(Call::BearerToken), 1);

    client
        .session(|session| session.set_credentials(credentials(Simulator::PASSWORD)))
        .unwrap();
    client.log_in().unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
}
