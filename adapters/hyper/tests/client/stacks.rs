//! Stacks of the caller's own: any tower service is one, and its errors may say what
//! became of a request.

use std::{
    error::Error,
    fmt,
    future::Ready,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_lite::future::block_on;
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thingspace_hyper::{Builder, core::TransportError};
use thingspace_scenarios::{EventSender, account, devices, unused_address};
use thingspace_simulator::Call;
use tower_service::Service;

use crate::{
    asynchronous::{Stage, builder},
    memory::Memory,
    over::{BoxError, StackFn, StackResult, over, plain},
};

#[tokio::test]
async fn every_request_goes_through_the_stack_of_the_caller() {
    let stage = Stage::new();
    let (sent, plain) = (Arc::new(AtomicU64::new(0)), plain());
    let counted = Arc::clone(&sent);
    let count = StackFn::new(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        over(plain.clone(), request)
    });
    let builder = builder(stage.options()).stack(count, TokioTimer::new(), TokioExecutor::new());
    let client = builder.build().unwrap();
    client.call(account()).await.unwrap();
    client.reset_password().await.unwrap();
    client.log_out().await.unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), 5);
    assert_eq!(stage.seen_in_all(), 5);
}

#[tokio::test]
async fn a_stack_of_the_caller_can_change_a_response() {
    let stage = Stage::new();
    let plain = plain();
    let mark = StackFn::new(move |request| {
        let response = over(plain.clone(), request);
        async {
            let mut response = response.await?;
            let mark = HeaderValue::from_static("through here");
            response.headers_mut().insert("x-came", mark);
            Ok(response)
        }
    });
    let builder = builder(stage.options()).stack(mark, TokioTimer::new(), TokioExecutor::new());
    let client = builder.build().unwrap();
    let response = client.call(account()).await.unwrap();
    assert_eq!(response.headers()["x-came"], "through here");
}

#[tokio::test]
async fn the_pooled_client_of_hyper_util_is_a_stack_like_any_other() {
    let stage = Stage::new();
    let own = |options| builder(options).stack(plain(), TokioTimer::new(), TokioExecutor::new());
    let client = own(stage.options()).build().unwrap();
    client.call(account()).await.unwrap();
    client.log_out().await.unwrap();
    assert_eq!(stage.seen_in_all(), 4);

    let (nowhere, _held) = unused_address();
    let mut options = stage.options();
    options.environment = format!("http://{nowhere}/api").parse().unwrap();
    let error = own(options).build().unwrap().log_in().await.unwrap_err();
    assert!(error.is_never_sent(), "{error}");
}

#[test]
fn a_stack_needs_no_network_and_no_runtime() {
    let memory = Memory::new();
    let client = memory.client_over(memory.stack());
    block_on(client.call(account())).unwrap();
    block_on(client.reset_password()).unwrap();
    block_on(client.log_out()).unwrap();
    memory.with(|service| assert_eq!(service.counts().seen_in_all(), 5));
}

/// A stack that loses the first request for devices, for this reason, and sends all
/// others to the service in memory.
fn lossy(memory: &Memory, why: fn() -> BoxError) -> StackFn {
    let memory = memory.clone();
    let is_first = Arc::new(AtomicBool::new(true));
    StackFn::new(move |request| {
        let (memory, is_first) = (memory.clone(), Arc::clone(&is_first));
        async move {
            let is_list = request.uri().path().ends_with("/list");
            if is_list && is_first.swap(false, Ordering::Relaxed) {
                return Err(why());
            }
            memory.respond(request).await
        }
    })
}

/// An error that has its reason deep inside.
#[derive(Debug)]
struct Wrapped(BoxError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the middleware failed")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

fn wrapped(error: impl Into<BoxError>) -> BoxError {
    Wrapped(Wrapped(error.into()).into()).into()
}

#[test]
fn a_stack_that_says_that_nothing_was_sent_is_believed() {
    let reasons: [fn() -> BoxError; 2] = [
        || TransportError::not_sent("the queue is full").into(),
        || wrapped(TransportError::not_sent("the queue is full")),
    ];
    for why in reasons {
        let memory = Memory::new();
        let client = memory.client_over(lossy(&memory, why));
        block_on(client.call(devices())).unwrap();
        memory.with(|service| assert_eq!(service.counts().done(Call::Devices), 1));
    }
}

#[test]
fn law_6_a_request_whose_outcome_a_stack_does_not_know_is_not_retried() {
    let reasons: [fn() -> BoxError; 3] = [
        || "something broke".into(),
        || wrapped("something broke"),
        || wrapped(TransportError::unknown("not sent, or perhaps it was")),
    ];
    for why in reasons {
        let memory = Memory::new();
        let client = memory.client_over(lossy(&memory, why));
        let error = block_on(client.call(devices())).unwrap_err();
        assert!(error.is_outcome_unknown(), "{error}");
        memory.with(|service| assert_eq!(service.counts().seen(Call::Devices), 0));
    }
}

/// A stack that is never ready.
#[derive(Clone)]
struct Broken;

impl Service<Request<Full<Bytes>>> for Broken {
    type Response = http::Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Ready<StackResult>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Err("out of order".into()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Ready<StackResult> {
        unreachable!("it is not ready")
    }
}

#[test]
fn a_request_that_a_stack_was_not_ready_for_was_never_sent() {
    let memory = Memory::new();
    let client = memory.client_over(Broken);
    for _ in 0..5 {
        let error = block_on(client.log_in()).unwrap_err();
        assert!(error.is_never_sent(), "{error}");
    }
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        0
    );
}

/// A stack that panics at the first request to a path with this end.
fn breaks_once(memory: &Memory, end: &'static str) -> StackFn {
    let memory = memory.clone();
    let is_first = AtomicBool::new(true);
    StackFn::new(move |request| {
        let is_due = request.uri().path().ends_with(end);
        assert!(!is_due || !is_first.swap(false, Ordering::Relaxed));
        memory.clone().respond(request)
    })
}

#[test]
fn a_stack_that_panics_during_the_login_loses_that_login_and_no_call() {
    let memory = Memory::new();
    let (events, reported) = EventSender::new();
    let client = Builder::new(memory.config().observer(events));
    let client = client
        .stack(
            breaks_once(&memory, "/login"),
            memory.clone(),
            memory.clone(),
        )
        .build()
        .unwrap();
    block_on(client.call(account())).unwrap();
    memory.with(|service| assert_eq!(service.counts().seen(Call::LogIn), 1));
    // It may have been sent, so it counted until the next one succeeded.
    let lost = reported
        .try_iter()
        .any(|event| event.name() == "login_lost");
    assert!(lost);
    client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
}

#[test]
fn a_stack_that_panics_during_a_call_ends_that_call_alone() {
    let memory = Memory::new();
    let client = memory.client_over(breaks_once(&memory, "/list"));
    let unlucky = catch_unwind(AssertUnwindSafe(|| block_on(client.call(devices()))));
    assert!(unlucky.is_err());
    block_on(client.call(devices())).unwrap();
    memory.with(|service| {
        let counts = service.counts();
        assert_eq!(
            (counts.seen(Call::LogIn), counts.seen(Call::Devices)),
            (1, 1)
        );
    });
}
