//! The cost of a slow store to calls with an open session: none.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use futures_lite::future::block_on;
use thingspace_core::{
    SessionBuilder, StoreError,
    session::{AsyncStore, Loaded, Revision, Saved, Snapshot, Store, StoreFuture},
};

use crate::{
    median,
    memory::{Memory, account, credentials},
    service::Service,
};

const THREADS: u32 = 32;

/// The time that the store takes for each load and each save.
const TAKES: Duration = Duration::from_millis(3);

/// The part of the throughput without a store that is to be had with one.
const GOAL: f64 = 0.95;

/// The throughput without a store and with one.
///
/// Panics if the goal is missed.
pub(crate) fn table(rounds: usize) -> String {
    let service = Service::start();
    let in_memory = Compared::new(rounds, 12_500, in_memory);
    let connected = Compared::new(rounds, 500, |store| over_connections(&service, store));
    let ratios = [in_memory.ratio, connected.ratio];
    assert!(
        ratios.iter().all(|ratio| *ratio >= GOAL),
        "a slow store holds up calls with an open session: {ratios:?}"
    );
    format!(
        "| {THREADS} threads on one session | calls per second | with a store that takes 3 ms | throughput |\n| --- | ---: | ---: | ---: |\n{}{}",
        in_memory.row("in memory"),
        connected.row("over connections"),
    )
}

/// A call that a client makes.
type MakesCall = Box<dyn Fn() + Send + Sync>;

/// The calls per second without a store and with one, and the ratio.
struct Compared {
    without: f64,
    with: f64,
    ratio: f64,
}

impl Compared {
    /// Measures both round by round, so that what disturbs one disturbs the other too.
    fn new(rounds: usize, calls: u32, client: impl Fn(Option<Slow>) -> MakesCall) -> Self {
        let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let alone = per_second(&client(None), calls);
            let shared = per_second(&client(Some(Slow::default())), calls);
            without.push(alone);
            with.push(shared);
            ratios.push(shared / alone);
        }
        Self {
            without: median(without),
            with: median(with),
            ratio: median(ratios),
        }
    }

    fn row(&self, what: &str) -> String {
        let Self {
            without,
            with,
            ratio,
        } = self;
        format!("| {what} | {without:.0} | {with:.0} | × {ratio:.2} |\n")
    }
}

/// The number of calls that all threads make in a second, each of them so many. The
/// session is open before.
fn per_second(make: &MakesCall, calls: u32) -> f64 {
    make();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..calls).for_each(|_| make()));
        }
    });
    let all = f64::from(calls) * f64::from(THREADS);
    all / start.elapsed().as_secs_f64()
}

fn in_memory(store: Option<Slow>) -> MakesCall {
    let client = Memory::default().client_of(|builder| match store {
        Some(store) => builder.store(store),
        None => builder,
    });
    let request = account();
    Box::new(move || {
        let response = block_on(client.call(request.clone())).unwrap();
        assert!(!response.body().is_empty());
    })
}

fn over_connections(service: &Service, store: Option<Slow>) -> MakesCall {
    let session = SessionBuilder::new(credentials("zbeeblebrox"))
        .environment(service.base().parse().unwrap());
    let builder = thingspace_ureq::Builder::new(session).configure(|agent| {
        agent
            .max_idle_connections_per_host(64)
            .max_idle_connections(64)
    });
    let client = match store {
        Some(store) => builder.store(store).build(),
        None => builder.build(),
    };
    let (client, request) = (client.unwrap(), account());
    Box::new(move || {
        let response = client.call(request.clone()).unwrap();
        assert!(!response.body().is_empty());
    })
}

/// A store in memory that takes its time.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Option<(Snapshot, Instant)>>>);

impl Store for Slow {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        thread::sleep(TAKES);
        let saved = self.0.lock().unwrap().clone();
        Ok(saved.map(|(snapshot, saved_at)| Loaded {
            snapshot,
            age: saved_at.elapsed(),
        }))
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        thread::sleep(TAKES);
        let mut saved = self.0.lock().unwrap();
        if saved.as_ref().map(|(saved, _)| saved.revision()) != seen {
            return Ok(Saved::Conflict);
        }
        *saved = Some((snapshot.clone(), Instant::now()));
        Ok(Saved::Saved)
    }
}

/// Blocks until it is ready, as its callers do.
impl AsyncStore for Slow {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async { Store::load(self) })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move { Store::save(self, seen, snapshot) })
    }
}
