//! Keepers of a new password that are awaited, all on one thread.

use std::{
    convert::Infallible,
    future::{Future, pending, poll_fn, ready},
    pin::pin,
    task::Poll,
    time::Duration,
};

use thingspace_hyper::{
    Client, Pooled,
    core::{ErrorKind, session::BlockReason},
};
use thingspace_scenarios::{IDLE, account};
use thingspace_simulator::Call;
use tokio::{
    sync::oneshot,
    task::{spawn_blocking, yield_now},
    time::{sleep, timeout},
};

use crate::asynchronous::{Stage, builder};

/// A time within which everything is done, even on the busiest machine.
const LONG: Duration = Duration::from_secs(60);

fn awaits_confirmation(client: &Client<Pooled>) -> bool {
    let guard = client.session(|session| session.login_guard());
    guard.blocked == Some(BlockReason::AwaitingConfirmation)
}

/// Asserts that the open session goes on, then confirms the new password and uses it.
async fn assert_goes_on(stage: &Stage, client: &Client<Pooled>) {
    assert!(awaits_confirmation(client));
    client.call(account()).await.unwrap();
    stage.pass(IDLE);
    let error = client.call(account()).await.unwrap_err();
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    assert_eq!(stage.seen(Call::LogIn), 1);

    let new = client.session(|session| session.new_password().cloned());
    client.confirm_reset(&new.unwrap()).await.unwrap();
    client.call(account()).await.unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}

#[tokio::test]
async fn law_14_a_keeper_may_await_the_timer_and_the_threads_of_its_runtime() {
    let stage = Stage::new();
    let client = builder(stage.options()).build().unwrap();
    let mut kept = None;
    let reset = client.reset_password_with(async |new| {
        sleep(Duration::from_millis(1)).await;
        kept = Some(spawn_blocking(|| new).await.unwrap());
        sleep(Duration::from_millis(1)).await;
        Ok::<_, Infallible>(())
    });
    let new = timeout(LONG, reset).await.expect("it hangs").unwrap();
    assert_eq!(kept.as_ref(), Some(&new));
    client.log_out().await.unwrap();
    client.log_in().await.unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
}

#[tokio::test]
async fn law_14_a_keeper_may_call_the_client_that_it_keeps_the_password_of() {
    let stage = Stage::new();
    let client = builder(stage.options()).build().unwrap();
    let token = client.log_in().await.unwrap();
    let reset = client.reset_password_with(async |_| {
        assert_eq!(client.log_in().await.unwrap(), token);
        client.call(account()).await.unwrap();
        // On a task of its own, too.
        let other = client.clone();
        let call = tokio::spawn(async move { other.call(account()).await });
        call.await.unwrap().map(drop)
    });
    timeout(LONG, reset).await.expect("it hangs").unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.seen(Call::Account)), (1, 2));
}

#[tokio::test]
async fn law_14_a_reset_whose_keeper_never_returns_may_be_dropped() {
    let stage = Stage::new();
    let client = builder(stage.options()).build().unwrap();
    client.log_in().await.unwrap();
    let mut reset = Box::pin(client.reset_password_with(|_| pending::<Result<(), Infallible>>()));
    while !awaits_confirmation(&client) {
        let poll = poll_fn(|context| Poll::Ready(reset.as_mut().poll(context))).await;
        assert!(poll.is_pending());
        yield_now().await;
    }
    let poll = poll_fn(|context| Poll::Ready(reset.as_mut().poll(context))).await;
    assert!(poll.is_pending());
    // It holds up nobody, and takes nothing with it.
    client.call(account()).await.unwrap();
    drop(reset);
    assert_goes_on(&stage, &client).await;
}

#[tokio::test]
async fn law_14_a_keeper_that_panics_on_its_task_harms_that_task_alone() {
    let stage = Stage::new();
    let client = builder(stage.options()).build().unwrap();
    client.log_in().await.unwrap();
    let unlucky = client.clone();
    let reset = tokio::spawn(async move {
        let keep = async |_| -> Result<(), Infallible> { panic!("on purpose") };
        unlucky.reset_password_with(keep).await
    });
    assert!(reset.await.unwrap_err().is_panic());
    assert_goes_on(&stage, &client).await;
}

#[tokio::test]
async fn a_new_password_that_could_not_be_kept_is_in_the_error() {
    let stage = Stage::new();
    let client = builder(stage.options()).build().unwrap();
    let reset = client.reset_password_with(|_| ready(Err("the vault is closed")));
    let error = reset.await.unwrap_err();
    let ErrorKind::NotConfirmed { new, .. } = error.kind() else {
        panic!("{error:?}");
    };
    let is_right = stage
        .server
        .with(|service| service.reveal_password() == new.password().expose());
    assert!(is_right);
    assert_goes_on(&stage, &client).await;
}

#[tokio::test]
async fn law_14_a_password_is_confirmed_while_a_slow_keeper_is_at_work() {
    let stage = Stage::new();
    let client = builder(stage.options()).build().unwrap();
    client.log_in().await.unwrap();
    let (go_on, waits) = oneshot::channel::<()>();
    let mut reset = pin!(client.reset_password_with(async |_| waits.await));
    while !awaits_confirmation(&client) {
        let poll = poll_fn(|context| Poll::Ready(reset.as_mut().poll(context))).await;
        assert!(poll.is_pending());
        yield_now().await;
    }
    assert_goes_on(&stage, &client).await;
    go_on.send(()).unwrap();
    // Once more does no harm.
    let new = reset.await.unwrap();
    client.session(|session| assert_eq!(session.credentials().password().unwrap(), &new));
}
