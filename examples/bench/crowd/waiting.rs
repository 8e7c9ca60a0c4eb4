//! The cost of many calls that wait for one login.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use futures_lite::future::block_on;
use http::Response;
use thingspace_core::{
    Call, Environment, Session, Step,
    session::{Observer, Wait},
};
use thingspace_hyper::Client;
use tokio::runtime;

use crate::{
    median,
    memory::{Memory, NOW, account, credentials, response},
};

/// The time from the login's response until the last of so many calls is done, or sent
/// where there is the machine alone.
pub(crate) fn table(rounds: usize) -> String {
    let mut table = String::from(
        "| calls that wait for one login | each begins to wait | last is sent, the machine alone | last is done, tasks on 2 threads | last is done, a thread each |\n| ---: | ---: | ---: | ---: | ---: |\n",
    );
    for number in [100, 1_000, 10_000] {
        let all = |round: fn(u32) -> f64| median((0..rounds).map(|_| round(number)).collect());
        let row = format!(
            "| {number} | {:.0} ns | {:.2} ms | {:.2} ms | {} |\n",
            all(begin_to_wait) * 1e9,
            all(machine) * 1e3,
            all(tasks) * 1e3,
            // More are threads that nobody starts.
            if number > 1_000 {
                String::new()
            } else {
                format!("{:.2} ms", all(threads) * 1e3)
            },
        );
        table += &row;
    }
    table
}

/// The seconds that it takes each of so many calls to find that it has to wait.
fn begin_to_wait(number: u32) -> f64 {
    let memory = Memory::default();
    let client = memory.client();
    memory.hold_logins(true);
    let context = &mut Context::from_waker(Waker::noop());
    let mut carrier = pin!(client.call(account()));
    assert!(carrier.as_mut().poll(context).is_pending());
    let mut calls: Vec<_> = (0..number)
        .map(|_| Box::pin(client.call(account())))
        .collect();
    let start = Instant::now();
    for call in &mut calls {
        assert!(call.as_mut().poll(context).is_pending());
    }
    let took = start.elapsed().as_secs_f64() / f64::from(number);
    memory.hold_logins(false);
    // Each goes on the first time that it is polled after the login.
    for call in &mut calls {
        assert!(matches!(call.as_mut().poll(context), Poll::Ready(Ok(_))));
    }
    took
}

/// The machine alone, without a lock, a clock and wake-ups.
fn machine(number: u32) -> f64 {
    let environment = Environment::production();
    let session = &mut Session::new(environment.clone(), credentials("zbeeblebrox"), 0);
    let call = || Call::to(account(), &environment).unwrap();
    let mut first = call();
    let login = loop {
        let Step::Send(transmit) = first.step(session, NOW) else {
            panic!("nothing to send");
        };
        let path = transmit.request.uri().path();
        if path.ends_with("/login") {
            break transmit;
        }
        let response = Response::new(response(path));
        first.receive(session, NOW, transmit.attempt, Ok(response));
    };
    let mut calls: Vec<Call> = (0..number).map(|_| call()).collect();
    for call in &mut calls {
        assert!(matches!(call.step(session, NOW), Step::Wait(_)));
    }
    let response = Response::new(response(login.request.uri().path()));
    let start = Instant::now();
    first.receive(session, NOW, login.attempt, Ok(response));
    for call in &mut calls {
        assert!(matches!(call.step(session, NOW), Step::Send(_)));
    }
    start.elapsed().as_secs_f64()
}

/// Tasks on a runtime of two threads.
fn tasks(number: u32) -> f64 {
    let crowd = Crowd::new();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    let runtime = runtime.unwrap();
    let tasks: Vec<_> = (0..number)
        .map(|_| runtime.spawn(crowd.clone().call()))
        .collect();
    let start = crowd.log_in(number);
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    crowd.took(start)
}

/// A thread for each, which blocks until its call is done.
fn threads(number: u32) -> f64 {
    let crowd = Crowd::new();
    let start = thread::scope(|scope| {
        for _ in 0..number {
            scope.spawn(|| block_on(crowd.clone().call()));
        }
        crowd.log_in(number)
    });
    crowd.took(start)
}

/// A crowd of calls by one client, whose service holds the login.
#[derive(Clone)]
struct Crowd {
    memory: Memory,
    client: Client<Memory>,
    waiting: Arc<Waiting>,
    /// The time when the last was done.
    last: Arc<Mutex<Option<Instant>>>,
}

impl Crowd {
    fn new() -> Self {
        let (memory, waiting) = (Memory::default(), Arc::new(Waiting::default()));
        memory.hold_logins(true);
        Self {
            client: memory.observed_client(Arc::clone(&waiting)),
            memory,
            waiting,
            last: Arc::default(),
        }
    }

    async fn call(self) {
        self.client.call(account()).await.unwrap();
        *self.last.lock().unwrap() = Some(Instant::now());
    }

    /// Lets the login have its response, once so many wait. Returns the time of it.
    fn log_in(&self, number: u32) -> Instant {
        while self.waiting.0.load(SeqCst) < number {
            thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        self.memory.hold_logins(false);
        start
    }

    /// The seconds from this time until the last was done.
    fn took(&self, start: Instant) -> f64 {
        let last = self.last.lock().unwrap().unwrap();
        last.saturating_duration_since(start).as_secs_f64()
    }
}

/// The number of calls that have begun to wait.
#[derive(Default)]
struct Waiting(AtomicU32);

impl Observer for Waiting {
    fn waiting(&self, _: &Wait) {
        self.0.fetch_add(1, SeqCst);
    }
}
