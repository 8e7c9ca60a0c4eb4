//! Networks that fail: the client, a router and the service are in network namespaces of
//! their own, which `.ci/network` makes.

use std::{
    env,
    error::Error as _,
    io::{self, Write},
    iter,
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    thread,
};

use thingspace_core::session::{Exchange, ExchangeResult, Observer, Snapshot};
use thingspace_simulator::{Call, Server, Simulator};

use crate::{
    BoxedObserver, Client,
    certificates::Authority,
    stage::{Stage, account, devices},
};

/// The environment variable that names the [`Network`]: the namespaces of the client and
/// the router, and the address of the service, in whose namespace the test runs.
const NETWORK: &str = "THINGSPACE_NETWORK";

/// The environment variable of the client's process: the service's base, and the root to
/// trust, in JSON.
const CLIENT: &str = "THINGSPACE_NETWORK_CLIENT";

/// A network with one router. Its interfaces have the names of what they lead to.
#[derive(Clone)]
struct Network {
    client: String,
    router: String,
    service: String,
}

impl Network {
    /// Returns the network that the environment names.
    fn named() -> Option<Self> {
        let named = env::var(NETWORK).ok()?;
        let mut parts = named.split(' ').map(str::to_owned);
        Some(Self {
            client: parts.next().unwrap(),
            router: parts.next().unwrap(),
            service: parts.next().unwrap(),
        })
    }

    /// From now on, nothing comes from the service, and nobody is told.
    fn lose_responses(&self) {
        assert!(self.rule(&["add", "iif", "service", "blackhole"]));
    }

    /// From now on, the router tells the client that the service is unreachable.
    fn be_unreachable(&self) {
        assert!(self.rule(&["add", "iif", "client", "unreachable"]));
    }

    /// Ends whatever has begun.
    fn heal(&self) {
        for interface in ["client", "service"] {
            self.rule(&["delete", "iif", interface]);
        }
    }

    fn rule(&self, arguments: &[&str]) -> bool {
        let mut ip = Command::new("ip");
        ip.args(["-n", &self.router, "rule"]).args(arguments);
        // A rule that is not there need not be deleted.
        ip.output().unwrap().status.success()
    }
}

/// An observer that heals the network once a request has failed.
struct Healer(Network);

impl Observer for Healer {
    fn received(&self, _: &Exchange, exchange: &ExchangeResult<'_>) {
        if exchange.result.is_err() {
            self.0.heal();
        }
    }
}

/// Runs `client` in a process of its own, in the client's namespace, with a function that
/// builds one from a snapshot, and returns the service that it called. `once_sent` is called when the request for devices has
/// arrived. Does nothing where there is no network.
fn over_the_network<C: Client>(
    scenario: &str,
    client: impl FnOnce(&Network, &dyn Fn(Option<Snapshot>) -> C),
    once_sent: impl FnOnce(&Network) + Send,
) -> Option<Stage<C>> {
    let Some(network) = Network::named() else {
        println!("not run: {NETWORK} names no network");
        return None;
    };
    if let Ok(service) = env::var(CLIENT) {
        let (base, root): (String, Vec<u8>) = serde_json::from_str(&service).unwrap();
        let stage = Stage::<C>::new();
        client(&network, &|snapshot| {
            let mut options = stage.options();
            options.environment = base.parse().unwrap();
            options.root = Some(root.clone());
            options.snapshot = snapshot;
            options.observer = BoxedObserver::new(Healer(network.clone()));
            C::build(options).unwrap()
        });
        return None;
    }
    let authority = Authority::new("known");
    let identity = authority.certify(&network.service);
    let stage = Stage::at(Server::start_tls(Simulator::new(42), identity).unwrap());
    let base = reachable_at(&network.service, stage.server.port());
    let service = serde_json::to_string(&(base, authority.root())).unwrap();
    let mut process = Command::new("ip");
    process
        .args(["netns", "exec", &network.client])
        .arg(env::current_exe().unwrap())
        .args(["--exact", scenario])
        .env(CLIENT, service);
    network.heal();
    let process = thread::scope(|scope| {
        let process = scope.spawn(|| process.output().unwrap());
        while stage.seen(Call::Devices) == 0 && !process.is_finished() {
            thread::yield_now();
        }
        once_sent(&network);
        process.join().unwrap()
    });
    network.heal();
    io::stdout().write_all(&process.stdout).unwrap();
    io::stderr().write_all(&process.stderr).unwrap();
    assert!(process.status.success());
    assert!(process.stdout.windows(8).any(|part| part == b"1 passed"));
    Some(stage)
}

/// Makes a port of this namespace's loopback interface reachable at this address. Returns
/// the base there.
fn reachable_at(address: &str, port: u16) -> String {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let base = format!("https://{}/api", listener.local_addr().unwrap());
    thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.unwrap();
            let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
            for (from, to) in [(&near, &far), (&far, &near)] {
                to.set_nodelay(true).unwrap();
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    // Either side may be cut off.
                    io::copy(&mut from, &mut to).ok();
                    to.shutdown(Shutdown::Write).ok();
                });
            }
        }
    });
    base
}

/// The request arrives and is executed. The response, and the confirmation that the
/// request has arrived, are lost. So the client's kernel sends the request again, is told
/// that the service is unreachable, and ends the connection with that as its error.
pub(crate) fn law_6_a_call_whose_service_becomes_unreachable_is_executed_once<C: Client>() {
    let stage = over_the_network(
        "network::law_6_a_call_whose_service_becomes_unreachable_is_executed_once",
        |network, client: &dyn Fn(Option<Snapshot>) -> C| {
            let client = client(None);
            client.log_in().unwrap();
            network.lose_responses();
            let error = client.call(devices()).unwrap_err();
            assert!(error.is_outcome_unknown(), "{error}");
            let causes = iter::successors(error.source(), |&cause| cause.source());
            let messages: Vec<String> = causes.map(ToString::to_string).collect();
            let messages = messages.join(": ");
            assert!(messages.contains("unreachable"), "{messages}");
            client.call(account()).unwrap();
        },
        Network::be_unreachable,
    );
    if let Some(stage) = stage {
        assert_eq!(stage.seen(Call::Devices), 1);
        assert_eq!(stage.seen(Call::LogIn), 1);
        assert_eq!(stage.seen(Call::Account), 1);
    }
}

pub(crate) fn a_request_to_a_service_that_is_unreachable_was_never_sent<C: Client>() {
    let stage = over_the_network(
        "network::a_request_to_a_service_that_is_unreachable_was_never_sent",
        |network, client: &dyn Fn(Option<Snapshot>) -> C| {
            let first = client(None);
            first.log_in().unwrap();
            let snapshot = first.session(|session| session.snapshot(first.now()));
            network.be_unreachable();
            // The first attempt has no connection. The next one finds the network healed.
            client(Some(snapshot)).call(devices()).unwrap();
        },
        |_| (),
    );
    if let Some(stage) = stage {
        assert_eq!(stage.seen_in_all(), 3);
    }
}
