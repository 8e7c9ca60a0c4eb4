//! What is loaded and saved for what, and how long that takes.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Request;
use thingspace_core::{SessionBuilder, Timestamp};
use thingspace_simulator::{Server, Simulator};
use thingspace_ureq::{Builder, Client, Config};

use crate::{
    counted::{Accesses, Counted},
    credentials, median,
    places::{Place, Places, open},
};

/// The accesses of each act, at each place.
pub(crate) fn table(rounds: usize) -> String {
    let places = Places::start();
    let mut table = String::from(
        "| at | act | loads | saves | a load | a save |\n| --- | --- | ---: | ---: | ---: | ---: |\n",
    );
    for place in places.shared() {
        let mut acts: Vec<(&str, Vec<Accesses>)> = Vec::new();
        for number in (0..).take(rounds) {
            for (act, accesses) in round(&place, number) {
                match acts.iter_mut().find(|(name, _)| *name == act) {
                    Some((_, all)) => all.push(accesses),
                    None => acts.push((act, vec![accesses])),
                }
            }
        }
        for (act, all) in acts {
            let count = |of: fn(&Accesses) -> &Vec<f64>| {
                median(all.iter().map(|one| number(of(one).len())).collect())
            };
            let time = |of: fn(&Accesses) -> &Vec<f64>| {
                median(all.iter().flat_map(|one| of(one).clone()).collect())
            };
            writeln!(
                table,
                "| {} | {act} | {:.0} | {:.0} | {:.2} ms | {:.2} ms |",
                place.name,
                count(|one| &one.loads),
                count(|one| &one.saves),
                time(|one| &one.loads),
                time(|one| &one.saves),
            )
            .unwrap();
        }
    }
    table
}

#[allow(clippy::cast_precision_loss, reason = "a few")]
const fn number(count: usize) -> f64 {
    count as f64
}

/// What one client does after the other thing, each with its accesses.
fn round(place: &Place, number: u32) -> Vec<(&'static str, Accesses)> {
    let server = Server::start(Simulator::new(42)).unwrap();
    let store = Counted::new(open(&place.address(number).unwrap()), None);
    let ahead = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&ahead);
    let clock = move || {
        let ahead = Duration::from_millis(told.load(Ordering::Relaxed));
        Timestamp::from(SystemTime::now()) + ahead
    };
    let session = SessionBuilder::new(credentials()).environment(server.base().parse().unwrap());
    let config = Config::new(session).clock(clock);
    let client = Builder::new(config).store(store.clone()).build().unwrap();
    let hour = |client: &Client| {
        for _ in 0..60 {
            let minute = Duration::from_secs(60);
            ahead.fetch_add(60_000, Ordering::Relaxed);
            server.advance(minute);
            let request = Request::get(format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT));
            client.call(request.body(Bytes::new()).unwrap()).unwrap();
            // What is saved beside the call takes no time in a time that jumps.
            while client.session(|session| session.is_unsaved(client.now())) {
                thread::yield_now();
            }
        }
    };
    // What a client saves beside its calls is over before the next act.
    let mut acts = Vec::new();
    let mut act = |name, act: &dyn Fn(&Client)| {
        act(&client);
        client.sync().unwrap();
        acts.push((name, store.take()));
    };
    act("connect", &|client| client.sync().unwrap());
    act("token fetch and login", &|client| {
        drop(client.log_in().unwrap());
    });
    act("an hour of a call each minute", &hour);
    act("reset", &|client| {
        drop(client.reset_password().unwrap());
    });
    act("logout", &|client| {
        drop(client.log_out().unwrap());
    });
    acts
}
