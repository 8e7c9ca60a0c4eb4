//! The calls a second, and what the proxy adds to each.

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use thingspace_simulator::{Server, Simulator};

use crate::{
    Size,
    clients::{
        Headers, Load, Round, by_hyper, by_hyper_on_socket, by_thingspace_hyper,
        by_thingspace_ureq, by_ureq,
    },
    median,
    process::{Home, Program, Proxy},
    sdk::Sdk,
    service, session,
};

/// The connections of a client that has many.
const MANY: usize = 64;

const UREQ: &str = "ureq";
const HYPER: &str = "hyper-util";
const SDK: &str = "Verizon's Python SDK";

const STRAIGHT: &str = "straight";
const PORT: &str = "proxy, port";
const SOCKET: &str = "proxy, socket";

/// The throughput and the times of every client, straight and through the proxy.
pub(crate) fn table(program: &Program, size: Size, rounds: usize) -> String {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).unwrap();
    let measure = |title, load| measure(program, size, rounds, title, load);
    // Between two processors, wake-ups would drown everything.
    sched_setaffinity(this, &first_of(&allowed)).unwrap();
    let one = measure("1 connection, 1 processor", (1, 1));
    sched_setaffinity(this, &allowed).unwrap();
    let many = measure("64 connections", (MANY, 20));
    format!("{one}\n{many}")
}

/// The first processor of those that this process may use.
fn first_of(allowed: &CpuSet) -> CpuSet {
    let first = (0..CpuSet::count()).find(|processor| allowed.is_set(*processor).unwrap());
    let mut set = CpuSet::new();
    set.set(first.unwrap()).unwrap();
    set
}

/// Measures all with this number of connections, each of which makes a part of the calls.
/// What it starts uses the processors of this thread.
fn measure(
    program: &Program,
    size: Size,
    rounds: usize,
    title: &str,
    (connections, part): (usize, usize),
) -> String {
    let (server, home) = (service(), Home::new());
    let on_port = program.start(&server, &home, &[]);
    let socket = home.socket();
    let on_socket = program.start(&server, &home, &["--socket", socket.to_str().unwrap()]);
    let mut contenders = in_rust(&server, &on_port, &on_socket, size);
    contenders.extend(in_python(&server, &on_port, size));
    for _ in 0..rounds {
        // One after the other, so that what disturbs one disturbs the others too.
        for contender in &mut contenders {
            let calls = contender.calls / part;
            let round = (contender.run)(Load { connections, calls });
            contender.rounds.push(round);
        }
    }
    let mut table = format!(
        "| {title} | way | calls per second | median | 99 % | added, median | added, 99 % |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
    );
    for contender in &contenders {
        let floor = contenders
            .iter()
            .find(|other| other.client == contender.floor && other.way == STRAIGHT);
        table += &row(contender, floor.unwrap());
    }
    table
}

/// A client, on one of its ways to the service.
struct Contender {
    client: &'static str,
    way: &'static str,
    /// The client that it is compared with, on the straight way.
    floor: &'static str,
    /// The calls of a round over one connection.
    calls: usize,
    run: Box<dyn FnMut(Load) -> Round>,
    rounds: Vec<Round>,
}

fn in_rust(server: &Server, on_port: &Proxy, on_socket: &Proxy, size: Size) -> Vec<Contender> {
    let contender = |client, way, floor, run| Contender {
        client,
        way,
        floor,
        calls: size.pick(2000, 20),
        run,
        rounds: Vec::new(),
    };
    let (straight, port) = (server.base(), on_port.address());
    let with_tokens = || Headers::with_tokens(session(server));
    let without_tokens = Headers::without_tokens;
    let ureq = Box::new(by_ureq(straight, with_tokens()));
    let ureq_by_port = Box::new(by_ureq(port, without_tokens()));
    let thingspace_ureq = Box::new(by_thingspace_ureq(session(server), MANY));
    let hyper = Box::new(by_hyper(straight, with_tokens()));
    let hyper_by_port = Box::new(by_hyper(port, without_tokens()));
    let socket = on_socket.address().into();
    let hyper_by_socket = Box::new(by_hyper_on_socket(socket, without_tokens()));
    let thingspace_hyper = Box::new(by_thingspace_hyper(session(server)));
    vec![
        contender(UREQ, STRAIGHT, UREQ, ureq),
        contender(UREQ, PORT, UREQ, ureq_by_port),
        contender("thingspace-ureq", STRAIGHT, UREQ, thingspace_ureq),
        contender(HYPER, STRAIGHT, HYPER, hyper),
        contender(HYPER, PORT, HYPER, hyper_by_port),
        contender(HYPER, SOCKET, HYPER, hyper_by_socket),
        contender("thingspace-hyper", STRAIGHT, HYPER, thingspace_hyper),
    ]
}

/// The SDK on both ways, if it is installed.
fn in_python(server: &Server, on_port: &Proxy, size: Size) -> Vec<Contender> {
    let own = [
        Simulator::KEY,
        Simulator::SECRET,
        Simulator::USERNAME,
        Simulator::PASSWORD,
    ];
    let ways = [
        (STRAIGHT, server.base(), own),
        // The proxy looks at none of these.
        (PORT, on_port.address(), ["any"; 4]),
    ];
    let contenders = ways.into_iter().map(|(way, base, login)| {
        let mut sdk = Sdk::start(base, login)?;
        Some(Contender {
            client: SDK,
            way,
            floor: SDK,
            calls: size.pick(300, 20),
            run: Box::new(move |load| sdk.round(load)),
            rounds: Vec::new(),
        })
    });
    let contenders: Option<Vec<_>> = contenders.collect();
    contenders.unwrap_or_else(|| {
        println!("not measured: {SDK}, which is not installed; .ci/sdk installs it\n");
        Vec::new()
    })
}

fn row(contender: &Contender, floor: &Contender) -> String {
    let (own, floor) = (&contender.rounds, &floor.rounds);
    let of = |figure: fn(&Round) -> f64| median(own.iter().map(figure));
    // Round by round: what disturbs one of them disturbs its neighbour too.
    let added = |figure: fn(&Round) -> f64| {
        let pairs = own.iter().zip(floor);
        // Without the sign of a negative zero.
        median(pairs.map(|(own, floor)| figure(own) - figure(floor))).round() + 0.0
    };
    format!(
        "| {} | {} | {:.0} | {:.0} µs | {:.0} µs | {:.0} µs | {:.0} µs |\n",
        contender.client,
        contender.way,
        of(|round| round.per_second),
        of(|round| round.median),
        of(|round| round.last),
        added(|round| round.median),
        added(|round| round.last),
    )
}
