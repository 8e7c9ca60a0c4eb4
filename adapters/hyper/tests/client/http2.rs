//! Signals of HTTP/2 that HTTP/1.1 does not have.

use std::sync::atomic::Ordering;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use thingspace_hyper::{Client, core::session::SnapshotError};
use thingspace_scenarios as scenarios;
use thingspace_scenarios::{Client as _, Options, account, devices};
use thingspace_simulator::{Call, Fault};

use crate::{
    asynchronous::{Over, Waiting, builder},
    frames::{Frames, NO_ERROR, REFUSED_STREAM, begin, end, goaway, reset, server},
    over::{Plain, StackFn, http2, over},
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
    for fault in [
        Fault::Drop,
        Fault::Drop.after_acting(),
        Fault::CutShort,
        Fault::RefusedMidway,
    ] {
        let stage = Stage::new();
        let client = stage.client();
        stage.inject(Call::Devices, fault);
        let error = client.call(devices()).unwrap_err();
        assert!(error.is_outcome_unknown(), "{error}");
        assert_eq!(stage.seen(Call::Devices), 1);
    }
}

/// A stack that reads the whole body before it has a response to give.
#[test]
fn law_6_a_stack_that_reads_the_body_does_not_hide_that_a_response_had_begun() {
    let stage = scenarios::Stage::<Waiting<StackFn>>::new();
    let client = stage.client();
    stage.inject(Call::Devices, Fault::RefusedMidway);
    let error = client.call(devices()).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(stage.seen(Call::Devices), 1);

    // The same stack, where nothing had begun.
    stage.inject(Call::Devices, Fault::RefusedStream);
    client.call(devices()).unwrap();
    assert_eq!(
        (stage.seen(Call::Devices), stage.done(Call::Devices)),
        (3, 2)
    );
}

impl Over for StackFn {
    fn client(options: Options) -> Result<Client<Self>, SnapshotError> {
        let http2 = http2();
        let reads = Self::new(move |request| over(http2.clone(), request));
        builder(options)
            .stack(reads, TokioTimer::new(), TokioExecutor::new())
            .build()
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

/// Makes a call over HTTP/2 that is first responded to by `first`, and any other time
/// by a success. Returns its result and the number of requests that arrived.
fn call_that_meets(first: impl Fn(u32) -> Frames + Send + Sync + 'static) -> (bool, u64) {
    let stage = Stage::new();
    let client = stage.client();
    client.log_in().unwrap();
    let (elsewhere, arrived) = server(first);
    let result = stage.moved(&client, elsewhere).call(devices());
    if let Err(error) = &result {
        assert!(error.is_outcome_unknown(), "{error}");
    }
    (result.is_ok(), arrived.load(Ordering::Relaxed))
}

#[test]
fn law_6_a_stream_that_is_refused_before_any_response_is_retried() {
    assert_eq!(call_that_meets(|id| reset(id, REFUSED_STREAM)), (true, 2));
}

#[test]
fn law_6_a_stream_that_is_refused_after_its_status_has_an_unknown_outcome() {
    let refused = |id| [begin(id, b""), reset(id, REFUSED_STREAM)].concat();
    assert_eq!(call_that_meets(refused), (false, 1));
}

#[test]
fn law_6_a_stream_that_is_refused_after_a_byte_of_its_body_has_an_unknown_outcome() {
    let refused = |id| [begin(id, b"{"), reset(id, REFUSED_STREAM)].concat();
    assert_eq!(call_that_meets(refused), (false, 1));
}

#[test]
fn law_6_a_response_that_ends_before_its_length_is_not_taken_for_a_whole_one() {
    for part in [b"".as_slice(), b"{"] {
        let ended = |id| [begin(id, part), reset(id, NO_ERROR)].concat();
        assert_eq!(call_that_meets(ended), (false, 1));
    }
}

#[test]
fn law_6_a_stream_beyond_the_last_that_a_service_will_process_is_retried() {
    assert_eq!(call_that_meets(|id| goaway(id - 1)), (true, 2));
}

#[test]
fn law_6_the_last_stream_that_a_service_will_process_has_an_unknown_outcome() {
    let lost = |id| [goaway(id), end()].concat();
    assert_eq!(call_that_meets(lost), (false, 1));
}

#[test]
fn law_6_a_stream_whose_response_has_begun_is_not_unprocessed_whatever_is_said_then() {
    let lost = |id| [begin(id, b"{"), goaway(id - 1)].concat();
    assert_eq!(call_that_meets(lost), (false, 1));
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
