//! Signals of HTTP/2 that HTTP/1.1 does not have.

use hyper_util::rt::{TokioExecutor, TokioTimer};
use thingspace_hyper::{Client, core::session::SnapshotError};
use thingspace_scenarios as scenarios;
use thingspace_scenarios::{Client as _, Options, account, devices};
use thingspace_simulator::{Call, Fault};

use crate::{
    asynchronous::{Over, Waiting, builder},
    over::{Plain, http2},
};

type Stage = scenarios::Stage<Waiting<Plain>>;

impl Over for Plain {
    fn client(options: Options) -> Result<Client<Self>, SnapshotError> {
        builder(options)
            .stack(http2(), TokioTimer::new(), TokioExecutor::new())
            .build()
    }
}

#[test]
fn a_request_that_was_refused_unprocessed_is_retried_whatever_it_is() {
    for call in [Call::BearerToken, Call::LogIn, Call::Devices] {
        let stage = Stage::new();
        let client = stage.client();
        stage.inject(call, Fault::RefusedStream);
        client.call(devices()).unwrap();
        assert_eq!((stage.seen(call), stage.done(call)), (2, 1), "{call:?}");
    }
}

#[test]
fn law_2_a_login_that_was_refused_unprocessed_does_not_count() {
    let stage = Stage::new();
    let builder = stage.builder().observer(stage.impatience());
    let client = builder.build().unwrap();
    for _ in 0..5 {
        for _ in 0..3 {
            stage.inject(Call::LogIn, Fault::RefusedStream);
        }
        assert!(client.log_in().unwrap_err().is_never_sent());
    }
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        0
    );
    client.log_in().unwrap();
}

#[test]
fn law_8_a_reset_that_was_refused_unprocessed_leaves_no_doubt() {
    let stage = Stage::new();
    let client = stage.client();
    stage.inject(Call::ResetPassword, Fault::RefusedStream);
    assert!(client.reset_password().unwrap_err().is_never_sent());
    assert_eq!(
        client.session(|session| session.login_guard()).blocked,
        None
    );
    assert_eq!(stage.seen(Call::ResetPassword), 1);

    client.reset_password().unwrap();
    assert_eq!(stage.done(Call::ResetPassword), 1);
}

#[test]
fn law_6_a_stream_that_was_reset_otherwise_has_an_unknown_outcome() {
    for fault in [Fault::Drop, Fault::Drop.after_acting(), Fault::CutShort] {
        let stage = Stage::new();
        let client = stage.client();
        stage.inject(Call::Devices, fault);
        let error = client.call(devices()).unwrap_err();
        assert!(error.is_outcome_unknown(), "{error}");
        assert_eq!(stage.seen(Call::Devices), 1);
    }
}

#[test]
fn a_service_that_announces_the_end_of_a_connection_is_called_on_another() {
    let stage = Stage::new();
    let client = stage.client();
    for request in [account, devices] {
        stage.inject(Call::Account, Fault::GoAway);
        stage.inject(Call::Devices, Fault::GoAway);
        client.call(request()).unwrap();
        client.call(account()).unwrap();
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 3);
    assert_eq!(stage.done(Call::Devices), 1);
    assert_eq!(stage.seen_in_all(), 6);
}

#[test]
fn law_6_a_call_that_is_sent_as_a_connection_ends_is_not_executed_twice() {
    let stage = Stage::new();
    let client = stage.client();
    client.call(devices()).unwrap();
    stage.server.close_idle();
    let was_executed = match client.call(devices()) {
        Ok(_) => 1,
        Err(error) => {
            assert!(error.is_outcome_unknown(), "{error}");
            0
        }
    };
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::Devices), 1 + was_executed);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

/// The same scenario, for the traces of HTTP/2 itself.
mod traces {
    use super::{Plain, Waiting, scenarios};

    #[test]
    fn law_10_whatever_passes_no_secret_is_written_anywhere() {
        scenarios::scenarios::traces::law_10_whatever_passes_no_secret_is_written_anywhere::<
            Waiting<Plain>,
        >();
    }
}
