//! Ten thousand calls on one session.

use std::sync::Arc;

use hyper_util::rt::TokioTimer;
use thingspace_scenarios::{IDLE, MINUTE, account};
use thingspace_simulator::Call;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    asynchronous::{Stage, builder},
    over::{StackFn, http2, over},
};

const CROWD: u32 = 10_000;

#[tokio::test]
async fn law_1_ten_thousand_calls_on_a_session_that_is_over_make_one_login() {
    let stage = Stage::new();
    let first = builder(stage.options()).build().unwrap();
    first.log_in().await.unwrap();
    // The hour of the bearer token is over, too.
    stage.pass(IDLE * 3);

    // All of them on one connection.
    let (all, http2) = (Arc::new(Semaphore::new(0)), http2());
    let everybody = Arc::clone(&all);
    let stack = StackFn::new(move |request| {
        let (everybody, http2) = (Arc::clone(&everybody), http2.clone());
        async move {
            // Not before everybody waits for it.
            if request.uri().path().ends_with("/token") {
                everybody.acquire_many(CROWD).await?.forget();
            }
            over(http2, request).await
        }
    });
    let mut options = stage.options();
    options.snapshot = Some(first.session(|session| session.snapshot()));
    // However slow the machine, nobody's time is up.
    options.settings.attempt_timeout = MINUTE * 60;
    let client = builder(options).stack(stack, TokioTimer::new());
    let client = client.build().unwrap();

    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (client, all) = (client.clone(), Arc::clone(&all));
        crowd.spawn(async move {
            all.add_permits(1);
            client.call(account()).await
        });
    }
    while let Some(answer) = crowd.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 200);
    }
    assert_eq!(stage.seen(Call::BearerToken), 2);
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.done(Call::Account), u64::from(CROWD));
    assert_eq!(stage.seen(Call::Account), u64::from(CROWD));
}
