//! A service, and the time of its clients: it passes when all of their tasks wait.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Display,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_lite::future::{block_on, or};
use http::{Request, Response};
use serde_json::{Value, json};
use thingspace_core::{
    AppCredentials, Credentials, Environment, SessionBuilder, Timestamp, TransportError,
    UserCredentials,
    asynchronous::AsynchronousRequest,
    callback::CallbackMessage,
    model::{AccountDeviceList, DeviceId, FromJson, RequestId},
    session::{OperationKind, Transmit},
};
use thingspace_driver::{Client, Config, Operating, Runtime, event_listener::EventListener};

pub(crate) const ACCOUNT: &str = "0000123456-00001";

/// The time that a request of a call's own takes.
const ROUND_TRIP: u64 = 50;

/// The result of a request.
pub(crate) type Served = Result<Response<Bytes>, TransportError>;

/// A service's way to respond.
type Serve = dyn Fn(&Request<Bytes>) -> Served + Send + Sync;

#[derive(Clone)]
pub(crate) struct World(Arc<Inside>);

struct Inside {
    /// The time, in milliseconds.
    time: AtomicU64,
    timers: Mutex<Timers>,
    serve: Box<Serve>,
    served: AtomicU64,
    is_stuck: AtomicBool,
}

#[derive(Default)]
struct Timers {
    wakers: BTreeMap<(u64, u64), Waker>,
    next: u64,
}

impl World {
    /// A world whose service responds so to requests of a call's own.
    pub(crate) fn new(serve: impl Fn(&Request<Bytes>) -> Served + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inside {
            time: AtomicU64::new(1_700_000_000_000),
            timers: Mutex::default(),
            serve: Box::new(serve),
            served: AtomicU64::new(0),
            is_stuck: AtomicBool::new(false),
        }))
    }

    pub(crate) fn client(&self) -> Client<Self> {
        self.client_of(|config| config)
    }

    pub(crate) fn client_of(&self, change: impl FnOnce(Config) -> Config) -> Client<Self> {
        let credentials = Credentials::new(
            AppCredentials::new("key", "secret").unwrap(),
            UserCredentials::new("zbeeblebrox", "IMgr8").unwrap(),
        );
        let session = SessionBuilder::new(credentials).environment(Environment::mock());
        let world = self.clone();
        let config = Config::new(session).clock(move || world.now());
        Client::new(change(config), |_| self.clone()).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.time.load(Relaxed))
    }

    /// The number of requests of calls' own so far.
    pub(crate) fn served(&self) -> u64 {
        self.0.served.load(Relaxed)
    }

    /// From now on, the service responds to no request of a call's own, or does again.
    pub(crate) fn be_stuck(&self, is_stuck: bool) {
        self.0.is_stuck.store(is_stuck, Relaxed);
    }

    /// Waits for a time to come.
    pub(crate) async fn sleep_until(&self, at: u64) {
        let mut entry = None;
        poll_fn(|context| {
            let mut timers = self.0.timers.lock().unwrap();
            if let Some(entry) = entry.take() {
                timers.wakers.remove(&entry);
            }
            if self.0.time.load(Relaxed) >= at {
                return Poll::Ready(());
            }
            timers.next += 1;
            let number = (at, timers.next);
            timers.wakers.insert(number, context.waker().clone());
            entry = Some(number);
            Poll::Pending
        })
        .await;
    }

    pub(crate) async fn sleep(&self, length: Duration) {
        self.sleep_until((self.now() + length).as_millis()).await;
    }

    /// Runs tasks to their end. Time passes when none of them can go on.
    pub(crate) fn run<T>(&self, tasks: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
        let ready = Arc::new(Mutex::new((0..tasks.len()).collect::<VecDeque<_>>()));
        let wakers: Vec<Waker> = (0..tasks.len())
            .map(|task| {
                let ready = Arc::clone(&ready);
                Waker::from(Arc::new(Task { task, ready }))
            })
            .collect();
        let mut results: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        let mut tasks: Vec<_> = tasks.into_iter().map(Some).collect();
        let mut left = tasks.len();
        while left > 0 {
            let next = ready.lock().unwrap().pop_front();
            let Some(next) = next else {
                self.pass();
                continue;
            };
            let Some(task) = &mut tasks[next] else {
                continue;
            };
            let context = &mut Context::from_waker(&wakers[next]);
            if let Poll::Ready(result) = task.as_mut().poll(context) {
                results[next] = Some(result);
                tasks[next] = None;
                left -= 1;
            }
        }
        results.into_iter().map(Option::unwrap).collect()
    }

    /// Runs one task to its end.
    pub(crate) fn run_one<T>(&self, task: impl Future<Output = T>) -> T {
        self.run(vec![Box::pin(task)]).pop().unwrap()
    }

    /// Lets the time pass until the first timer.
    fn pass(&self) {
        let mut timers = self.0.timers.lock().unwrap();
        let ((at, _), waker) = timers.wakers.pop_first().expect("all wait for nothing");
        drop(timers);
        self.0.time.fetch_max(at, Relaxed);
        waker.wake();
    }
}

struct Task {
    task: usize,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().push_back(self.task);
    }
}

impl Runtime for World {
    async fn send(&self, transmit: &mut Transmit, timeout: Duration) -> Served {
        let operation = transmit.attempt.operation();
        let body = match operation.map(|operation| operation.kind()) {
            Some(OperationKind::TokenFetch) => r#"{"access_token":"cf1b","expires_in":3600}"#,
            Some(_) => r#"{"sessionToken":"d2c4"}"#,
            None => {
                self.0.served.fetch_add(1, Relaxed);
                if self.0.is_stuck.load(Relaxed) {
                    self.sleep(timeout).await;
                    return Err(TransportError::unknown("no response in time"));
                }
                self.sleep(Duration::from_millis(ROUND_TRIP)).await;
                return (self.0.serve)(&transmit.request);
            }
        };
        Ok(Response::new(Bytes::from(body)))
    }

    async fn wait(&self, changed: EventListener, timeout: Duration) {
        or(changed, self.sleep(timeout)).await;
    }

    fn spawn(&self, operation: Operating) -> Result<(), TransportError> {
        // Operations take no time here.
        block_on(operation);
        Ok(())
    }
}

pub(crate) fn json(body: &Value) -> Response<Bytes> {
    Response::new(body.to_string().into())
}

/// The response to a status call.
pub(crate) fn status(status: &str) -> Response<Bytes> {
    json(&json!({"status": status}))
}

pub(crate) fn request_id(id: impl Display) -> RequestId {
    RequestId::new(&id.to_string()).unwrap()
}

/// A request with the id `id`, about as many devices.
pub(crate) fn request(id: impl Display, devices: u64) -> AsynchronousRequest {
    let devices: Vec<_> = (0..devices)
        .map(imei)
        .map(AccountDeviceList::from)
        .collect();
    AsynchronousRequest::new(ACCOUNT, request_id(id)).with_devices(devices)
}

pub(crate) fn imei(number: u64) -> DeviceId {
    DeviceId::imei(format!("{number:015}"))
}

/// A callback about one device of this request.
pub(crate) fn message(id: impl Display, device: u64, success: bool) -> CallbackMessage {
    let mut message = json!({
        "requestId": id.to_string(),
        "deviceIds": [{"id": imei(device).id, "kind": "IMEI"}],
        "status": if success { "Success" } else { "Failed" },
    });
    if !success {
        message["faultResponse"] = json!({"faultcode": "E", "faultstring": device.to_string()});
    }
    CallbackMessage::from_json(message).unwrap()
}
