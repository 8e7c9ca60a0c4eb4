//! Calls that are dropped at every point at which they can be: no operation ends with
//! them.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use thingspace_hyper::{
    Client, Pooled,
    core::{
        Completion, Error, Session,
        session::{self, MaxFailedLogins, OperationKind},
    },
};
use thingspace_scenarios::account;
use thingspace_simulator::{Call, Fault};
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

use crate::asynchronous::{Stage, builder};

const OTHERS: usize = 100;

/// A time within which everything is done, even on the busiest machine.
const LONG: Duration = Duration::from_secs(60);

/// Polls a future so many times, then drops it. Returns its output if it was done
/// before that.
async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn law_14_a_call_may_be_dropped_at_any_point_and_the_login_for_a_hundred_goes_on() {
    for polls in 0.. {
        let stage = Stage::new();
        let mut options = stage.options();
        options.settings.max_failed_logins = MaxFailedLogins::new(1).unwrap();
        let client = builder(options).build().unwrap();
        let mut others = JoinSet::new();
        let mut first = pin!(client.call(account()));

        // The first call begins the operation that the others wait for.
        let mut done = polls > 0 && dropped_after(1, first.as_mut()).await.is_some();
        for _ in 0..OTHERS {
            let client = client.clone();
            others.spawn(async move { client.call(account()).await });
        }
        yield_now().await;
        if polls > 0 && !done {
            done = dropped_after(polls - 1, first.as_mut()).await.is_some();
        }
        if !done {
            // Nothing of it is left from here on.
            first.set(client.call(account()));
            client.session(|session| {
                // A login that is in progress is counted until it has succeeded.
                let in_progress = session.operation() == Some(OperationKind::LogIn);
                let guard = session.login_guard();
                assert_eq!(guard.failed_logins, u32::from(in_progress));
                assert_eq!(guard.last_failure, None);
            });
        }

        let all = timeout(LONG, async {
            while let Some(response) = others.join_next().await {
                assert_eq!(
                    response.unwrap().unwrap().status(),
                    200,
                    "dropped after {polls} polls"
                );
            }
        });
        all.await.expect("the others hang");
        assert_eq!(
            (stage.seen(Call::BearerToken), stage.seen(Call::LogIn)),
            (1, 1),
            "dropped after {polls} polls"
        );
        assert_eq!(stage.failed_logins(), 0);
        client.session(|session| {
            assert_eq!(session.operation(), None);
            assert_eq!(session.login_guard().failed_logins, 0);
        });
        if done {
            assert!(
                polls > 3,
                "a call of three requests has more points than {polls}"
            );
            return;
        }
    }
}

/// Waits until no operation is in progress, but for a reset that had its response and
/// awaits its confirmation.
async fn operation_ends(client: &Client<Pooled>) {
    let is_in_progress =
        |session: &mut Session| session.operation().is_some() && session.new_password().is_none();
    let ends = timeout(LONG, async {
        while client.session(is_in_progress) {
            yield_now().await;
        }
    });
    ends.await.expect("the operation hangs");
}

#[tokio::test]
async fn law_8_a_reset_may_be_dropped_at_any_point_and_leaves_its_new_password() {
    for polls in 0.. {
        let stage = Stage::new();
        let client = builder(stage.options()).build().unwrap();
        client.log_in().await.unwrap();
        let reset = client.run(session::Call::reset_password());
        let result = dropped_after(polls, reset).await;
        operation_ends(&client).await;

        assert_eq!(stage.seen(Call::ResetPassword), u64::from(polls > 0));
        let new = client.session(|session| session.new_password().cloned());
        assert_eq!(new.is_some(), polls > 0);
        if let Some(new) = new {
            stage
                .server
                .with(|service| assert_eq!(service.reveal_password(), new.password().expose()));
            client.confirm_reset(&new).await.unwrap();
        }
        client.log_out().await.unwrap();
        client.log_in().await.unwrap();
        assert_eq!(stage.failed_logins(), 0);
        if result.is_some() {
            assert!(polls > 1, "it needs a request, which is sent first");
            return;
        }
    }
}

#[tokio::test]
async fn law_14_a_logout_may_be_dropped_at_any_point_and_goes_on() {
    for polls in 0.. {
        let stage = Stage::new();
        let client = builder(stage.options()).build().unwrap();
        client.log_in().await.unwrap();
        let result = dropped_after(polls, client.log_out()).await;
        operation_ends(&client).await;
        assert_eq!(stage.done(Call::LogOut), u64::from(polls > 0));
        let is_open = client.session(|session| session.session_token().is_some());
        assert_eq!(is_open, polls == 0);
        if result.is_some() {
            return;
        }
    }
}

#[tokio::test]
async fn law_14_a_thousand_calls_that_are_dropped_or_give_up_early_harm_no_login() {
    let stage = Stage::new();
    let login = Fault::Delay(Duration::from_millis(1500));
    stage.inject(Call::LogIn, login);
    let client = builder(stage.options()).build().unwrap();
    let hasty_call = || {
        let deadline = client.now() + Duration::from_millis(100);
        let call = stage.call(account()).with_deadline(deadline);
        let client = client.clone();
        async move { client.run(call).await }
    };
    // Only once the session is open may a call do anything but wait.
    let assert_harmless = |result: Result<Completion, Error>| {
        let has_waited =
            matches!(&result, Err(error) if error.is_timed_out() && error.is_never_sent());
        let is_open = client.session(|session| session.session_token().is_some());
        assert!(has_waited || is_open, "{result:?}");
    };

    let mut calls = JoinSet::new();
    for number in 0..1000_usize {
        // As good as random, and the same each time.
        let polls = number.wrapping_mul(2_654_435_761) / 1024 % 6;
        let call = hasty_call();
        calls.spawn(async move { dropped_after(polls, call).await });
        if number % 10 == 0 {
            yield_now().await;
        }
    }
    while let Some(result) = calls.join_next().await {
        if let Some(result) = result.unwrap() {
            assert_harmless(result);
        }
    }
    // On a slow machine all of them may have been late. Others are as hasty.
    while client.session(|session| session.session_token().is_none()) {
        assert_harmless(hasty_call().await);
    }

    client.call(account()).await.unwrap();
    assert_eq!(
        (stage.seen(Call::BearerToken), stage.seen(Call::LogIn)),
        (1, 1)
    );
    assert_eq!(stage.failed_logins(), 0);
    client.session(|session| {
        assert_eq!(session.operation(), None);
        let guard = session.login_guard();
        assert_eq!((guard.failed_logins, guard.last_failure), (0, None));
    });
}
