//! The cost of many threads, or many tasks, that share one session.

use std::{
    iter,
    sync::{Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_lite::future::block_on;
use http::Response;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use thingspace_core::{Call, Environment, Session, SessionBuilder, Step};
use thingspace_hyper::{Builder, Client, Stack};
use tokio::runtime;

use crate::{
    median,
    memory::{Memory, NOW, account, credentials, open, response},
    service::Service,
};

/// Calls in a round, by all together.
const CALLS: usize = 400_000;
const ROUNDS: usize = 9;
const TASKS: usize = 10_000;

pub(crate) fn show() {
    println!("| on one session | ns per call | with one session each | throughput |");
    println!("| --- | ---: | ---: | ---: |");
    compare("one thread", 1, threads);
    for number in [2, 8, 64] {
        compare(&format!("{number} threads"), number, threads);
    }
    compare(&format!("{TASKS} tasks on two threads"), TASKS, tasks);
    compare_over_connections(64);
    println!(
        "\nThe lock is held for {:.0} ns per call, in three parts.\n",
        locked()
    );
}

/// As many threads or tasks, with a service in memory.
fn compare(who: &str, number: usize, run: fn(Vec<Client<Memory>>, usize) -> Duration) {
    let clients = |number| (0..number).map(|_| Memory::default().client()).collect();
    show_rounds(who, number, CALLS, clients, run);
}

/// As many tasks, over connections that all of them share.
fn compare_over_connections(number: usize) {
    let service = Service::start();
    let clients = |number| {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let stack: Pooled = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let client = |_| {
            let session = SessionBuilder::new(credentials("zbeeblebrox"))
                .environment(service.base().parse().unwrap());
            Builder::new(session)
                .stack(stack.clone(), TokioTimer::new(), TokioExecutor::new())
                .build()
                .unwrap()
        };
        (0..number).map(client).collect()
    };
    let who = format!("{number} tasks on two threads, over connections");
    show_rounds(&who, number, CALLS / 10, clients, tasks);
}

type Pooled = legacy::Client<HttpConnector, Full<Bytes>>;

/// Shows what a call takes if as many share one of these clients, and if each has
/// its own; round by round, so that what disturbs one disturbs the other too.
fn show_rounds<S: Stack>(
    who: &str,
    number: usize,
    calls: usize,
    clients: impl Fn(usize) -> Vec<Client<S>>,
    run: fn(Vec<Client<S>>, usize) -> Duration,
) {
    let (mut shared, mut own, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let per_call = |clients| run(clients, calls).as_secs_f64() * 1e9 / to_float(calls);
        let together = per_call(iter::repeat_n(clients(1).remove(0), number).collect());
        let each = per_call(clients(number));
        shared.push(together);
        own.push(each);
        ratios.push(each / together);
    }
    println!(
        "| {who} | {:.0} | {:.0} | × {:.2} |",
        median(shared),
        median(own),
        median(ratios)
    );
}

/// As many threads as clients make all the calls; how long that takes.
fn threads<S: Stack>(clients: Vec<Client<S>>, calls: usize) -> Duration {
    let calls = calls / clients.len();
    for client in &clients {
        block_on(client.log_in()).unwrap();
    }
    let start = Instant::now();
    thread::scope(|scope| {
        for client in clients {
            scope.spawn(move || block_on(make(client, calls)));
        }
    });
    start.elapsed()
}

/// As many tasks as clients make all the calls; how long that takes.
fn tasks<S: Stack + 'static>(clients: Vec<Client<S>>, calls: usize) -> Duration {
    let calls = calls / clients.len();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        for client in &clients {
            client.log_in().await.unwrap();
        }
        let start = Instant::now();
        let tasks = clients
            .into_iter()
            .map(|client| tokio::spawn(make(client, calls)));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        start.elapsed()
    })
}

async fn make<S: Stack>(client: Client<S>, calls: usize) {
    let account = account();
    for _ in 0..calls {
        let response = client.call(account.clone()).await.unwrap();
        assert!(!response.body().is_empty());
        // Where a connection would be waited for.
        tokio::task::yield_now().await;
    }
}

/// For how many nanoseconds a call holds the lock.
fn locked() -> f64 {
    const CALLS: usize = 100_000;
    let session = Mutex::new(open(Environment::production(), credentials("zbeeblebrox")));
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (mut held, mut clock) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..CALLS {
            let mut call = Call::to(account(), &Environment::production()).unwrap();
            let step = within(&session, &mut held, |session| call.step(session, NOW));
            let Step::Send(transmit) = step else {
                panic!("nothing to send");
            };
            let response = Response::new(response(transmit.request.uri().path()));
            within(&session, &mut held, |session| {
                call.receive(session, NOW, transmit.attempt, Ok(response));
            });
            let step = within(&session, &mut held, |session| call.step(session, NOW));
            assert!(matches!(step, Step::Done(Ok(_))));
            // What it takes to look at the clock alone.
            for _ in 0..3 {
                within(&session, &mut clock, |_| ());
            }
        }
        let held = held.saturating_sub(clock);
        rounds.push(held.as_secs_f64() * 1e9 / to_float(CALLS));
    }
    median(rounds)
}

fn within<R>(
    session: &Mutex<Session>,
    held: &mut Duration,
    act: impl FnOnce(&mut MutexGuard<'_, Session>) -> R,
) -> R {
    let mut session = session.lock().unwrap();
    let start = Instant::now();
    let result = act(&mut session);
    *held += start.elapsed();
    result
}

/// Exact for all that is counted here.
#[allow(clippy::cast_precision_loss)]
fn to_float(count: usize) -> f64 {
    count as f64
}
