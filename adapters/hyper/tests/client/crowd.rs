//! Ten thousand calls on one session.

use std::{
    future::{Future, Pending, pending},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;
use thingspace_hyper::{Client, core::session::FlightKind};
use thingspace_scenarios::{IDLE, MINUTE, account, credentials};
use thingspace_simulator::{Call, Simulator};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    asynchronous::{Stage, builder},
    memory::Memory,
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

#[test]
fn ten_thousand_that_wait_for_a_login_are_woken_once_and_go_on_at_once() {
    let (memory, gate) = (Memory::new(), Arc::new(Semaphore::new(0)));
    let (service, hold) = (memory.clone(), Arc::clone(&gate));
    let stack = StackFn::new(move |request| {
        let (service, hold) = (service.clone(), Arc::clone(&hold));
        async move {
            if request.uri().path().ends_with("/login") {
                hold.acquire().await?.forget();
            }
            service.answer(request).await
        }
    });
    let client = Client::builder(credentials(Simulator::PASSWORD))
        .environment("http://127.0.0.1/api".parse().unwrap())
        .clock(move || memory.now())
        .stack(stack, Never)
        .build()
        .unwrap();

    let mut carrier = pin!(client.call(account()));
    let its_wakes = Arc::new(Wakes::default());
    assert!(poll(carrier.as_mut(), &its_wakes).is_pending());
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|_| (Box::pin(client.call(account())), Arc::new(Wakes::default())))
        .collect();
    for (call, wakes) in &mut crowd {
        assert!(poll(call.as_mut(), wakes).is_pending());
    }
    // Nobody holds the session while the login is out.
    let flight = client.session(|session| session.flight());
    assert_eq!(flight, Some(FlightKind::LogIn));

    gate.add_permits(1);
    assert_eq!(its_wakes.0.load(Relaxed), 1);
    assert!(poll(carrier, &its_wakes).is_ready());
    for (call, wakes) in &mut crowd {
        assert_eq!(wakes.0.load(Relaxed), 1);
        let Poll::Ready(answer) = poll(call.as_mut(), wakes) else {
            panic!("it waits once more");
        };
        assert_eq!(answer.unwrap().status(), 200);
    }
}

/// How often somebody was woken.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Arc::clone(wakes).into()))
}

/// No time passes.
struct Never;

impl Timer for Never {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Endless(pending()))
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(Duration::MAX)
    }
}

struct Endless(Pending<()>);

impl Future for Endless {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl Sleep for Endless {}
