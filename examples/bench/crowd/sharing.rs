//! The cost of many threads, or many tasks, that share one session.

use std::{
    fmt::Write,
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
const TASKS: usize = 10_000;

/// The throughput of all that share one session, and of as many with one each.
pub(crate) fn table(rounds: usize) -> String {
    let mut rows = Vec::new();
    for number in [1, 2, 4, 8, 64] {
        let run = Run::new(rounds, number, CALLS, in_memory, |clients, calls| {
            threads(clients, calls)
        });
        let threads = if number == 1 { "thread" } else { "threads" };
        rows.push((format!("{number} {threads}"), run));
    }
    let run = |threads| {
        Run::new(rounds, TASKS, CALLS, in_memory, |clients, calls| {
            tasks(threads, clients, calls)
        })
    };
    rows.push((format!("{TASKS} tasks on 2 threads"), run(2)));
    let service = Service::start();
    let connected = |threads| {
        let clients = |number| over_connections(&service, number);
        Run::new(rounds, 64, CALLS / 10, clients, |clients, calls| {
            tasks(threads, clients, calls)
        })
    };
    let [one, two] = [1, 2].map(connected);
    let grown = two.shared / one.shared;
    for (threads, run) in [("1 thread", one), ("2 threads", two)] {
        rows.push((format!("64 tasks on {threads}, over connections"), run));
    }

    let alone = rows.first().map(|(_, run)| (run.shared, run.own));
    let (shared, own) = alone.unwrap_or_default();
    let mut table = String::from(
        "| who | on one session, calls per second | × one thread | with one session each | × one thread | one of each |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (who, run) in rows {
        let is_connected = who.ends_with("connections");
        let ratio = |now: f64, alone: f64| {
            if is_connected {
                String::new()
            } else {
                format!("{:.2}", now / alone)
            }
        };
        writeln!(
            table,
            "| {who} | {:.0} | {} | {:.0} | {} | {:.2} |",
            run.shared,
            ratio(run.shared, shared),
            run.own,
            ratio(run.own, own),
            run.ratio
        )
        .unwrap();
    }
    format!(
        "{table}\nOver connections, the second thread makes it × {grown:.2}. The lock is held for {:.0} ns per call, in three parts.\n",
        locked(rounds)
    )
}

/// Clients of a service in memory.
fn in_memory(number: usize) -> Vec<Client<Memory>> {
    (0..number).map(|_| Memory::default().client()).collect()
}

/// Clients of a service on the loopback, over connections that all of them share.
fn over_connections(service: &Service, number: usize) -> Vec<Client<Pooled>> {
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
}

type Pooled = legacy::Client<HttpConnector, Full<Bytes>>;

/// The calls per second if as many share one client, and if each has its own.
struct Run {
    shared: f64,
    own: f64,
    ratio: f64,
}

impl Run {
    /// Measures both round by round, so that what disturbs one disturbs the other too.
    fn new<S: Stack>(
        rounds: usize,
        number: usize,
        calls: usize,
        clients: impl Fn(usize) -> Vec<Client<S>>,
        run: impl Fn(Vec<Client<S>>, usize) -> Duration,
    ) -> Self {
        let (mut shared, mut own, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let per_second = |clients| to_float(calls) / run(clients, calls).as_secs_f64();
            let together = per_second(iter::repeat_n(clients(1).remove(0), number).collect());
            let each = per_second(clients(number));
            shared.push(together);
            own.push(each);
            ratios.push(together / each);
        }
        Self {
            shared: median(shared),
            own: median(own),
            ratio: median(ratios),
        }
    }
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
fn tasks<S: Stack>(threads: usize, clients: Vec<Client<S>>, calls: usize) -> Duration {
    let calls = calls / clients.len();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(threads)
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
fn locked(rounds: usize) -> f64 {
    const CALLS: usize = 100_000;
    let session = Mutex::new(open(Environment::production(), credentials("zbeeblebrox")));
    let mut times = Vec::new();
    for _ in 0..rounds {
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
        times.push(held.as_secs_f64() * 1e9 / to_float(CALLS));
    }
    median(times)
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
