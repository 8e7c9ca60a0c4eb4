//! A ThingSpace without a network or a runtime, with a virtual time.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_lite::future::block_on;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::rt::{Executor, Sleep, Timer};
use thingspace_hyper::{
    Builder, Client, Config, Operating, Stack,
    core::{SessionBuilder, Timestamp},
};
use thingspace_scenarios::{credentials, settings};
use thingspace_simulator::{Reply, Simulator};

use crate::over::{BoxError, StackFn, StackResult};

/// A service in memory, and the time of it and its client. The time passes only when
/// the client can do nothing but wait.
#[derive(Clone)]
pub(crate) struct Memory {
    service: Arc<Mutex<Simulator>>,
    /// The time in milliseconds.
    time: Arc<AtomicU64>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            service: Arc::new(Mutex::new(Simulator::new(42))),
            time: Arc::default(),
        }
    }

    /// Returns the configuration of a client that knows the password.
    pub(crate) fn config(&self) -> Config {
        let session = SessionBuilder::new(credentials(Simulator::PASSWORD))
            .environment("http://127.0.0.1/api".parse().unwrap())
            .settings(settings());
        let world = self.clone();
        Config::new(session).clock(move || world.now())
    }

    /// Builds a client over this stack. Its operations run at once, before anything
    /// else goes on.
    pub(crate) fn client_over<S: Stack>(&self, stack: S) -> Client<S> {
        self.client_on(stack, self.clone())
    }

    /// Builds a client over this stack that runs its operations on this executor.
    pub(crate) fn client_on<S: Stack>(
        &self,
        stack: S,
        executor: impl Executor<Operating> + Send + Sync + 'static,
    ) -> Client<S> {
        Builder::new(self.config())
            .stack(stack, self.clone(), executor)
            .build()
            .unwrap()
    }

    /// Returns the stack that leads to the service.
    pub(crate) fn stack(&self) -> StackFn {
        let memory = self.clone();
        StackFn::new(move |request| memory.clone().respond(request))
    }

    /// Reads or changes the service.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        act(&mut self.service.lock().unwrap())
    }

    pub(crate) async fn respond(self, request: Request<Full<Bytes>>) -> StackResult {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        let now = self.now();
        match self.with(|service| service.respond(now, &request)) {
            Reply::Response(response) => Ok(response.map(Full::<Bytes>::new)),
            _ => Err(BoxError::from("no response came")),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.load(Ordering::Relaxed))
    }
}

impl Executor<Operating> for Memory {
    fn execute(&self, operation: Operating) {
        block_on(operation);
    }
}

impl Timer for Memory {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap {
            time: Arc::clone(&self.time),
            duration,
        })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(Instant::now()))
    }
}

/// A sleep that lets its time pass as soon as it is polled.
struct Nap {
    time: Arc<AtomicU64>,
    duration: Duration,
}

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let millis = std::mem::take(&mut self.duration).as_millis();
        let millis = u64::try_from(millis).unwrap();
        self.time.fetch_add(millis, Ordering::Relaxed);
        Poll::Ready(())
    }
}

impl Sleep for Nap {}
