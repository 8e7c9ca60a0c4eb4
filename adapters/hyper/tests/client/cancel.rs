//! A call is dropped at every point at which it can be, while it carries the
//! login for a hundred others.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use thingspace_hyper::core::session::{FlightKind, MaxFailedLogins};
use thingspace_scenarios::account;
use thingspace_simulator::Call;
use tokio::{task::JoinSet, time::timeout};

use crate::asynchronous::{Stage, builder};

const OTHERS: usize = 100;

/// Polls a future so many times, then drops it; whether it was done before that.
async fn dropped_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn a_call_may_be_dropped_at_any_point_while_it_carries_the_login_for_a_hundred() {
    for polls in 0.. {
        let stage = Stage::new();
        let mut options = stage.options();
        options.settings.max_failed_logins = MaxFailedLogins::new(4).unwrap();
        let client = builder(options).build().unwrap();
        let mut others = JoinSet::new();
        let mut carrier = pin!(client.call(account()));

        // The carrier is first, so that it is the one that the others wait for.
        let mut done = polls > 0 && dropped_after(1, carrier.as_mut()).await;
        for _ in 0..OTHERS {
            let client = client.clone();
            others.spawn(async move { client.call(account()).await });
        }
        tokio::task::yield_now().await;
        if polls > 0 && !done {
            done = dropped_after(polls - 1, carrier.as_mut()).await;
        }
        if !done {
            let under_way = client.session(|session| session.flight());
            // Nothing of it is left from here on.
            carrier.set(client.call(account()));
            // A login that had left, by whoever carried it, stays counted.
            let unknown = u32::from(under_way == Some(FlightKind::LogIn));
            client.session(|session| assert_eq!(session.gate().failed_logins, unknown));
        }

        let all = timeout(Duration::from_secs(60), async {
            while let Some(answer) = others.join_next().await {
                assert_eq!(
                    answer.unwrap().unwrap().status(),
                    200,
                    "dropped after {polls} polls"
                );
            }
        });
        all.await.expect("the others hang");
        assert!(
            stage.seen(Call::BearerToken) <= 2,
            "dropped after {polls} polls"
        );
        assert!(stage.seen(Call::LogIn) <= 2, "dropped after {polls} polls");
        assert_eq!(stage.failed_logins(), 0);
        client.session(|session| {
            assert_eq!(session.flight(), None);
            assert_eq!(session.gate().failed_logins, 0);
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
