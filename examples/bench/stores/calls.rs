//! The cost of a store to calls with an open session.

use std::{
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use thingspace_core::SessionBuilder;
use thingspace_ureq::{Builder, Client};

use crate::{
    credentials, median,
    places::{Places, open},
    quantile,
    service::Service,
};

const THREADS: usize = 16;
const CALLS: usize = 300;
/// The rounds for each round of the other parts: these take little time.
const EACH: usize = 3;

/// The part of the throughput without a store that is to be had with one.
const GOAL: f64 = 0.95;

/// The throughput of every place.
///
/// Panics if the goal is missed.
pub(crate) fn table(rounds: usize) -> String {
    let (service, places) = (Service::start(), Places::start());
    let places = places_of(&places, &service);
    let mut all = vec![Vec::new(); places.len()];
    for _ in 0..EACH * rounds {
        // One after the other, so that what disturbs one disturbs the others too.
        for ((_, client), all) in places.iter().zip(&mut all) {
            all.push(round(client));
        }
    }
    let mut table = format!(
        "| {THREADS} threads on one open session | calls per second | of no store | added to a call, median | 99 % |\n| --- | ---: | ---: | ---: | ---: |\n"
    );
    let base = all.first().cloned().unwrap_or_default();
    let mut least = f64::INFINITY;
    for ((name, _), of_place) in places.iter().zip(&all) {
        let compared = |figure: fn(&Round) -> f64, by: fn(f64, f64) -> f64| {
            let pairs = of_place.iter().zip(&base);
            let compared = pairs.map(|(one, base)| by(figure(one), figure(base)));
            median(compared.collect())
        };
        let ratio = compared(|round| round.per_second, |one, base| one / base);
        let added = compared(|round| round.median, |one, base| one - base);
        let added_last = compared(|round| round.last, |one, base| one - base);
        let per_second = median(of_place.iter().map(|round| round.per_second).collect());
        writeln!(
            table,
            "| {name} | {per_second:.0} | × {ratio:.2} | {added:.0} µs | {added_last:.0} µs |"
        )
        .unwrap();
        least = least.min(ratio);
    }
    assert!(
        least >= GOAL,
        "a store costs calls with an open session too much: × {least:.2}\n{table}"
    );
    table
}

/// A client of each place, whose session is open.
fn places_of(places: &Places, service: &Service) -> Vec<(&'static str, Client)> {
    let all = places.all();
    let clients = all.iter().map(|place| {
        let session = SessionBuilder::new(credentials());
        let session = session.environment(service.base().parse().unwrap());
        let builder = Builder::new(session).configure(|agent| {
            agent
                .max_idle_connections_per_host(THREADS)
                .max_idle_connections(THREADS)
        });
        let client = match place.address(0) {
            Some(address) => builder.store(open(&address)).build(),
            None => builder.build(),
        };
        let client = client.unwrap();
        client.log_in().unwrap();
        (place.name, client)
    });
    clients.collect()
}

/// What was seen in a round.
#[derive(Clone, Copy)]
struct Round {
    per_second: f64,
    /// The time of the call in the middle, in microseconds.
    median: f64,
    /// The time that one call in a hundred takes at least, in microseconds.
    last: f64,
}

fn round(client: &Client) -> Round {
    let started = Instant::now();
    let mut times: Vec<f64> = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(|| calls(client)));
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let took = started.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let made = times.len() as f64;
    Round {
        per_second: made / took,
        median: quantile(&mut times, 0.5),
        last: quantile(&mut times, 0.99),
    }
}

/// The times that calls took, in microseconds.
fn calls(client: &Client) -> Vec<f64> {
    let request = Request::get("/m2m/v1/accounts/0000123456-00001");
    let request = request.body(Bytes::new()).unwrap();
    let timed = (0..CALLS).map(|_| {
        let started = Instant::now();
        client.call(request.clone()).unwrap();
        started.elapsed()
    });
    timed
        .map(|took: Duration| took.as_secs_f64() * 1e6)
        .collect()
}
