//! A service in memory, and its callers.

use std::{
    convert::Infallible,
    future::{Future, Pending, pending},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::rt::{Executor, Sleep, Timer};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, UserCredentials,
    session::Observer,
};
use thingspace_hyper::{Builder, Client, Config, Operating, Own};
use tower_service::Service;

use crate::service;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A service that responds to every request at once, but for logins while it holds
/// them, and the executor of its clients' operations.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    holds_logins: Arc<AtomicBool>,
    held: Arc<Mutex<Vec<Operating>>>,
}

impl Memory {
    pub(crate) fn client(&self) -> Client<Self> {
        self.client_of(|builder| builder)
    }

    /// A client whose builder is completed by `complete`.
    pub(crate) fn client_of(
        &self,
        complete: impl FnOnce(Builder<Own<Self>>) -> Builder<Own<Self>>,
    ) -> Client<Self> {
        complete(self.builder(|config| config)).build().unwrap()
    }

    /// A client that is observed.
    pub(crate) fn observed_client(&self, observer: impl Observer + 'static) -> Client<Self> {
        let builder = self.builder(|config| config.observer(observer));
        builder.build().unwrap()
    }

    fn builder(&self, complete: impl FnOnce(Config) -> Config) -> Builder<Own<Self>> {
        let config = Config::new(credentials("zbeeblebrox")).clock(|| NOW);
        Builder::new(complete(config)).stack(self.clone(), Never, self.clone())
    }

    pub(crate) fn hold_logins(&self, hold: bool) {
        self.holds_logins.store(hold, Relaxed);
        for operation in std::mem::take(&mut *self.held.lock().unwrap()) {
            self.execute(operation);
        }
    }
}

/// Runs an operation at once, as far as it goes.
impl Executor<Operating> for Memory {
    fn execute(&self, mut operation: Operating) {
        let context = &mut Context::from_waker(Waker::noop());
        if operation.as_mut().poll(context).is_pending() {
            self.held.lock().unwrap().push(operation);
        }
    }
}

impl Service<Request<Full<Bytes>>> for Memory {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Responding;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Responding {
        let path = request.uri().path();
        let held = path
            .ends_with("/login")
            .then(|| Arc::clone(&self.holds_logins));
        let response = Full::new(response(path));
        Responding { held, response }
    }
}

pub(crate) struct Responding {
    held: Option<Arc<AtomicBool>>,
    response: Full<Bytes>,
}

impl Future for Responding {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let held = self.held.as_ref();
        if held.is_some_and(|held| held.load(Relaxed)) {
            return Poll::Pending;
        }
        Poll::Ready(Ok(Response::new(self.response.clone())))
    }
}

/// A timer whose time never comes.
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

pub(crate) fn account() -> Request<Bytes> {
    let account = "/m2m/v1/accounts/0000123456-00001";
    Request::get(account).body(Bytes::new()).unwrap()
}

pub(crate) fn credentials(username: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new("7ae3a5f2-9d4c-4f0e-b1c7", "0d8a1f6e-52b3-4c8f-a4d0").unwrap(),
        UserCredentials::new(username, "IMgr8-42-heart-of-gold").unwrap(),
    )
}

/// A session that is open.
pub(crate) fn open(environment: Environment, credentials: Credentials) -> Session {
    let mut session = Session::new(environment, credentials, 0);
    let mut call = Call::log_in();
    loop {
        match call.step(&mut session, NOW) {
            Step::Send(transmit) => {
                let response = Response::new(response(transmit.request.uri().path()));
                call.receive(&mut session, NOW, transmit.attempt, Ok(response));
            }
            step @ Step::Wait(_) => panic!("{step:?}"),
            Step::Done(result) => {
                result.unwrap();
                return session;
            }
        }
    }
}

pub(crate) fn response(path: &str) -> Bytes {
    Bytes::from_static(service::response(path).as_bytes())
}
