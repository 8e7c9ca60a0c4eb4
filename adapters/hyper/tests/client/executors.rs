//! Executors of the caller's own: whatever they do with an operation, nothing hangs.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use futures_lite::future::block_on;
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thingspace_hyper::{Operating, core::session::OperationKind};
use thingspace_scenarios::{BoxedObserver, LONG, account, settings};
use thingspace_simulator::{Call, Fault};
use tokio::{runtime, task::yield_now};

use crate::{
    asynchronous::{Stage, builder},
    memory::Memory,
    over::plain,
};

/// An executor that runs so many operations, and polls no other.
#[derive(Clone)]
pub(crate) struct Lazy {
    runs: Arc<AtomicU32>,
    left: Arc<Mutex<Vec<Operating>>>,
}

impl Lazy {
    pub(crate) fn after(runs: u32) -> Self {
        Self {
            runs: Arc::new(AtomicU32::new(runs)),
            left: Arc::default(),
        }
    }

    /// Runs all the operations that were not polled.
    fn catch_up(&self) {
        let left = std::mem::take(&mut *self.left.lock().unwrap());
        left.into_iter().for_each(block_on);
    }
}

impl Executor<Operating> for Lazy {
    fn execute(&self, operation: Operating) {
        let runs = self.runs.load(Ordering::Relaxed);
        if runs == 0 {
            self.left.lock().unwrap().push(operation);
        } else {
            self.runs.store(runs - 1, Ordering::Relaxed);
            block_on(operation);
        }
    }
}

/// The time after which the lease of an operation expires.
fn lease() -> Duration {
    settings().attempt_timeout + Duration::from_secs(5)
}

#[test]
fn law_12_a_token_fetch_that_is_never_polled_ends_with_its_lease() {
    let (memory, executor) = (Memory::new(), Lazy::after(0));
    let client = memory.client_on(memory.stack(), executor.clone());
    let start = memory.now();
    let error = block_on(client.call(account())).unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    assert_eq!(error.prerequisite(), Some(OperationKind::TokenFetch));
    // The call tries it as often as anything that may pass.
    let attempts = settings().max_attempts.get();
    assert_eq!(memory.now().since(start), lease() * attempts);
    assert_eq!(client.session(|session| session.operation()), None);

    // Whatever is polled so late is not sent any more.
    executor.catch_up();
    memory.with(|service| assert_eq!(service.counts().seen_in_all(), 0));
}

#[test]
fn law_2_a_login_that_is_never_polled_counts_until_it_certainly_was_not_sent() {
    let (memory, executor) = (Memory::new(), Lazy::after(1));
    let client = memory.client_on(memory.stack(), executor.clone());
    let start = memory.now();
    let error = block_on(client.call(account())).unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    let guard = client.session(|session| session.login_guard());
    assert_eq!((guard.failed_logins, guard.attempts_left), (2, 0));
    // The second is made half a minute after the first is lost, and the next one half an
    // hour after that.
    let second_is_lost = start + lease() * 2 + Duration::from_secs(30);
    let next = second_is_lost + Duration::from_secs(30 * 60);
    assert_eq!(guard.next_login, Some(next));
    assert!(memory.now() < next);

    executor.catch_up();
    memory.with(|service| assert_eq!(service.counts().seen(Call::LogIn), 0));
    let guard = client.session(|session| session.login_guard());
    assert!(guard.failed_logins < 2, "{guard:?}");
}

/// An executor that drops the next so many operations, as one that shuts down, and
/// runs all others.
struct Dropping(AtomicU32);

impl Executor<Operating> for Dropping {
    fn execute(&self, operation: Operating) {
        let drops = self.0.load(Ordering::Relaxed);
        if drops == 0 {
            block_on(operation);
        } else {
            self.0.store(drops - 1, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_operation_that_is_dropped_ends_at_once_and_the_call_begins_another() {
    let memory = Memory::new();
    let client = memory.client_on(memory.stack(), Dropping(AtomicU32::new(2)));
    let start = memory.now();
    block_on(client.call(account())).unwrap();
    assert_eq!(memory.now(), start);
    memory.with(|service| assert_eq!(service.counts().seen_in_all(), 3));
}

#[test]
fn an_executor_that_drops_every_operation_lets_every_call_end_at_once() {
    let memory = Memory::new();
    let client = memory.client_on(memory.stack(), Dropping(AtomicU32::new(u32::MAX)));
    let start = memory.now();
    for _ in 0..5 {
        let error = block_on(client.call(account())).unwrap_err();
        assert!(error.is_never_sent(), "{error}");
        assert_eq!(client.session(|session| session.operation()), None);
    }
    assert_eq!(memory.now(), start);
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        0
    );
}

#[test]
fn the_login_of_a_runtime_that_shuts_down_is_taken_over_by_another_runtime() {
    let stage = Stage::new();
    let mut options = stage.options();
    options.observer = BoxedObserver::new(stage.impatience());
    let builder = builder(options);
    let client = builder
        .stack(plain(), TokioTimer::new(), TokioExecutor::new())
        .build()
        .unwrap();
    stage.inject(Call::LogIn, Fault::Hang);
    let runtime = || {
        let mut builder = runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };

    let start = Instant::now();
    let first = runtime();
    first.block_on(async {
        let mut call = pin!(client.call(account()));
        while stage.seen(Call::LogIn) == 0 {
            let poll = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
            assert!(poll.is_pending());
            yield_now().await;
        }
    });
    assert_eq!(
        client.session(|session| session.operation()),
        Some(OperationKind::LogIn)
    );
    drop(first);
    client.session(|session| {
        assert_eq!(session.operation(), None);
        assert_eq!(session.login_guard().failed_logins, 1);
    });

    runtime().block_on(client.call(account())).unwrap();
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen(Call::LogIn), 2);
    client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
}
