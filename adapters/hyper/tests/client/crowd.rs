//! Ten thousand calls on one session.

use std::{
    future::{Future, Pending, pending},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake},
    time::{Duration, Instant},
};

use hyper::rt::{Executor, Sleep, Timer};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thingspace_hyper::{Builder, Operating, core::session::OperationKind};
use thingspace_scenarios::{IDLE, MINUTE, account};
use thingspace_simulator::Call;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    asynchronous::{Stage, builder},
    memory::Memory,
    over::{StackFn, http2, over},
};

const CROWD: u32 = 10_000;

#[tokio::test]
async fn law_1_ten_thousand_calls_on_a_session_that_has_ended_make_one_login() {
    let stage = Stage::new();
    let first = builder(stage.options()).build().unwrap();
    first.log_in().await.unwrap();
    // The hour of the bearer token has passed, too.
    stage.pass(IDLE * 3);

    // All of them use one connection.
    let (all, http2) = (Arc::new(Semaphore::new(0)), http2());
    let all_of_them = Arc::clone(&all);
    let stack = StackFn::new(move |request| {
        let (all_of_them, http2) = (Arc::clone(&all_of_them), http2.clone());
        async move {
            // Not before all of them wait for it.
            if request.uri().path().ends_with("/token") {
                all_of_them.acquire_many(CROWD).await?.forget();
            }
            over(http2, request).await
        }
    });
    let mut options = stage.options();
    options.snapshot = Some(first.session(|session| session.snapshot(first.now())));
    // However slow the machine, no deadline passes.
    options.settings.attempt_timeout = MINUTE * 60;
    let client = builder(options).stack(stack, TokioTimer::new(), TokioExecutor::new());
    let client = client.build().unwrap();

    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (client, all) = (client.clone(), Arc::clone(&all));
        crowd.spawn(async move {
            all.add_permits(1);
            client.call(account()).await
        });
    }
    while let Some(response) = crowd.join_next().await {
        assert_eq!(response.unwrap().unwrap().status(), 200);
    }
    assert_eq!(stage.seen(Call::BearerToken), 2);
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.done(Call::Account), u64::from(CROWD));
    assert_eq!(stage.seen(Call::Account), u64::from(CROWD));
}

#[test]
fn ten_thousand_that_wait_for_a_login_are_woken_once_and_go_on_at_once() {
    let (memory, permits) = (Memory::new(), Arc::new(Semaphore::new(0)));
    let (service, hold) = (memory.clone(), Arc::clone(&permits));
    let stack = StackFn::new(move |request| {
        let (service, hold) = (service.clone(), Arc::clone(&hold));
        async move {
            if request.uri().path().ends_with("/login") {
                hold.acquire().await?.forget();
            }
            service.respond(request).await
        }
    });
    let operations = Operations::default();
    let client = Builder::new(memory.config())
        .stack(stack, Never, operations.clone())
        .build()
        .unwrap();

    let mut first = pin!(client.call(account()));
    let its_wakes = Arc::new(Wakes::default());
    assert!(poll(first.as_mut(), &its_wakes).is_pending());
    let fetch_wakes = Arc::new(Wakes::default());
    assert!(poll(operations.take().as_mut(), &fetch_wakes).is_ready());
    assert_eq!(its_wakes.0.load(Relaxed), 1);
    assert!(poll(first.as_mut(), &its_wakes).is_pending());
    let (mut login, login_wakes) = (operations.take(), Arc::new(Wakes::default()));
    assert!(poll(login.as_mut(), &login_wakes).is_pending());

    let mut crowd: Vec<_> = (0..CROWD)
        .map(|_| (Box::pin(client.call(account())), Arc::new(Wakes::default())))
        .collect();
    for (call, wakes) in &mut crowd {
        assert!(poll(call.as_mut(), wakes).is_pending());
    }
    // The session is not locked while the login is in progress.
    let operation = client.session(|session| session.operation());
    assert_eq!(operation, Some(OperationKind::LogIn));
    assert_eq!(its_wakes.0.load(Relaxed), 1);

    permits.add_permits(1);
    assert_eq!(login_wakes.0.load(Relaxed), 1);
    assert!(poll(login.as_mut(), &login_wakes).is_ready());
    assert_eq!(its_wakes.0.load(Relaxed), 2);
    assert!(poll(first, &its_wakes).is_ready());
    for (call, wakes) in &mut crowd {
        assert_eq!(wakes.0.load(Relaxed), 1);
        let Poll::Ready(response) = poll(call.as_mut(), wakes) else {
            panic!("it waits once more");
        };
        assert_eq!(response.unwrap().status(), 200);
    }
}

/// An executor whose operations are polled by hand.
#[derive(Clone, Default)]
struct Operations(Arc<Mutex<Vec<Operating>>>);

impl Operations {
    /// Takes the operation that has begun.
    fn take(&self) -> Operating {
        let mut begun = self.0.lock().unwrap();
        assert_eq!(begun.len(), 1);
        begun.remove(0)
    }
}

impl Executor<Operating> for Operations {
    fn execute(&self, operation: Operating) {
        self.0.lock().unwrap().push(operation);
    }
}

/// The number of wakes of a task.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Arc::clone(wakes).into()))
}

/// A timer of a world in which no time passes.
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
