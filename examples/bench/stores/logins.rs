//! The way of a crowd of processes through one login.

use std::{
    env,
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use thingspace_core::SessionBuilder;
use thingspace_simulator::{Call, Fault, Server, Simulator};
use thingspace_ureq::Builder;

use crate::{
    counted::Counted,
    credentials, median,
    places::{Place, Places, open},
};

const CROWDS: [usize; 2] = [8, 64];

/// The time that the service takes for a login.
const LOGIN: Duration = Duration::from_millis(300);

/// The ways to learn that others have logged in.
const WAYS: [(&str, &str); 3] = [
    ("woken", "woken"),
    ("100", "every 0.1 s"),
    ("1000", "every 1 s"),
];

/// The time until each of a crowd has made a call.
///
/// Panics if a crowd makes more than one login.
pub(crate) fn table(rounds: usize) -> String {
    let places = Places::start();
    let mut table = String::from(
        "| processes | store | looks | all are through after | loads | saves | logins |\n| ---: | --- | --- | ---: | ---: | ---: | ---: |\n",
    );
    let mut number = 1;
    for size in CROWDS {
        for place in places.shared() {
            // A file wakes nobody.
            let from = usize::from(place.name.starts_with("file"));
            for (way, shown) in WAYS.iter().skip(from) {
                let mut all = Vec::new();
                for _ in 0..rounds {
                    all.push(round(&place, number, size, way));
                    number += 1;
                }
                let figure = |of: fn(&Round) -> f64| median(all.iter().map(of).collect());
                writeln!(
                    table,
                    "| {size} | {} | {shown} | {:.2} s | {:.0} | {:.0} | 1 |",
                    place.name,
                    figure(|round| round.through),
                    figure(|round| round.loads),
                    figure(|round| round.saves),
                )
                .unwrap();
            }
        }
    }
    table
}

struct Round {
    /// The time until all are through, in seconds.
    through: f64,
    loads: f64,
    saves: f64,
}

fn round(place: &Place, number: u32, size: usize, way: &str) -> Round {
    let server = Server::start(Simulator::new(42)).unwrap();
    server.with(|service| service.inject(Call::LogIn, Fault::Delay(LOGIN)));
    let address = place.address(number).unwrap();
    let crowd = (0..size).map(|_| Member::start(&address, server.base(), way));
    let mut crowd: Vec<_> = crowd.collect();
    let started = Instant::now();
    crowd.iter_mut().for_each(Member::go);
    let mut round = Round {
        through: 0.0,
        loads: 0.0,
        saves: 0.0,
    };
    for member in &mut crowd {
        let line = member.line();
        let (loads, saves) = line.split_once(' ').unwrap();
        round.loads += loads.parse::<f64>().unwrap();
        round.saves += saves.parse::<f64>().unwrap();
    }
    round.through = started.elapsed().as_secs_f64();
    for mut member in crowd {
        assert!(member.process.wait().unwrap().success());
    }
    let logins = server.with(|service| service.counts().seen(Call::LogIn));
    assert_eq!(logins, 1, "{size} processes on {}", place.name);
    round
}

/// One process of a crowd.
struct Member {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Member {
    /// Starts a process, which is ready to make its call.
    fn start(address: &str, base: &str, way: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["one-of-many", address, base, way])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut member = Self {
            stdin: process.stdin.take().unwrap(),
            stdout: BufReader::new(process.stdout.take().unwrap()),
            process,
        };
        assert_eq!(member.line(), "ready");
        member
    }

    fn go(&mut self) {
        self.stdin.write_all(b"go\n").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// Makes a call, as one process of a crowd.
pub(crate) fn make_one(address: &str, base: &str, way: &str) {
    let polled = way.parse().ok().map(Duration::from_millis);
    let store = Counted::new(open(address), polled);
    let session = SessionBuilder::new(credentials()).environment(base.parse().unwrap());
    let client = Builder::new(session).store(store.clone()).build().unwrap();
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let request = Request::get(format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT));
    client.call(request.body(Bytes::new()).unwrap()).unwrap();
    client.sync().unwrap();
    let accesses = store.take();
    println!("{} {}", accesses.loads.len(), accesses.saves.len());
}
