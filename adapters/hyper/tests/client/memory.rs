//! A ThingSpace without a network or a runtime, in a time of its own.

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
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::rt::{Sleep, Timer};
use thingspace_hyper::{Client, Stack, core::Timestamp};
use thingspace_scenarios::{credentials, settings};
use thingspace_simulator::{Reply, Simulator};

use crate::over::{Answer, BoxError};

/// A service in memory, and the time that passes for it and its client: none,
/// but where the client has nothing to do but wait.
#[derive(Clone)]
pub(crate) struct Memory {
    service: Arc<Mutex<Simulator>>,
    /// In milliseconds.
    time: Arc<AtomicU64>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            service: Arc::new(Mutex::new(Simulator::new(42))),
            time: Arc::default(),
        }
    }

    /// A client that knows the password, over this stack.
    pub(crate) fn client_over<S: Stack>(&self, stack: S) -> Client<S> {
        let world = self.clone();
        Client::builder(credentials(Simulator::PASSWORD))
            .environment("http://127.0.0.1/api".parse().unwrap())
            .settings(settings())
            .clock(move || world.now())
            .stack(stack, self.clone())
            .build()
            .unwrap()
    }

    /// Looks at the service, or does something to it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        act(&mut self.service.lock().unwrap())
    }

    pub(crate) async fn answer(self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        let now = self.now();
        match self.with(|service| service.respond(now, &request)) {
            Reply::Response(answer) => Ok(answer.map(Full::<Bytes>::new)),
            _ => Err(BoxError::from("no answer came")),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.load(Ordering::Relaxed))
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

/// Lets its time pass as soon as somebody waits for it.
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
