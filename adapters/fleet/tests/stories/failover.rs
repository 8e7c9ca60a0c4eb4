//! A primary that is killed, and a replica that lacks the last saves.

use std::time::Duration;

use thingspace_fleet::{Link, Redis};
use thingspace_simulator::{Call, Fault};

use crate::{
    fleet::{StoreKind, Worker, World},
    messages::{Kind, What},
    place::Place,
};

/// A password that was right once.
const STALE: &str = "a password of long ago";
/// The time between a login that was lost and the next.
const LOGIN_INTERVAL: Duration = Duration::from_secs(31);

/// More than the time for which what was loaded is taken as new.
const FRESH: Duration = Duration::from_secs(2);

/// A primary and a replica, and a stable address that leads to the one in charge.
struct Pair {
    primary: Redis,
    replica: Redis,
    /// The network between the two.
    between: Link,
    front: Link,
}

impl Pair {
    fn start() -> Self {
        let (primary, replica) = (Redis::start(), Redis::start());
        let between = Link::to(primary.socket_address());
        replica.replica_through(&between, &primary);
        let front = Link::to(primary.socket_address());
        Self {
            primary,
            replica,
            between,
            front,
        }
    }

    fn place(&self, settings: &str) -> Place {
        let address = self.primary.address_at(self.front.address());
        Place::Redis(address + settings)
    }

    /// Kills the primary, and promotes the replica.
    fn fail_over(&self) {
        self.primary.kill();
        self.replica.promote();
        self.front.point_at(self.replica.socket_address());
    }
}

/// With the recommended settings, nothing that counts is lost. Without them, those who are
/// alive restore what they know.
pub(crate) fn forgets_nothing_that_counts(_: StoreKind) -> String {
    with_the_recommended_settings(Link::cut);
    with_the_recommended_settings(Link::stall);
    without_them();
    "a network that is cut, and one that stalls, and no replica named".to_owned()
}

/// A fleet of which two logins count: one with a password that is not right any more, and
/// one whose response was lost.
fn counted_twice(world: &World, place: &Place) -> Vec<Worker> {
    let mut stale = orders_of_stale(world, place, 4);
    let failed = stale.run(What::Call).unwrap_err();
    assert_eq!(failed.kind, Kind::WrongCredentials, "{failed:?}");
    let mut workers: Vec<_> = (0..4)
        .map(|number| {
            let mut orders = world.orders(number, place.clone());
            // An operation that may have begun is waited for not much longer.
            orders.attempt_timeout = 1_000;
            // And nobody waits for the next login.
            orders.call_timeout = 20_000;
            world.worker(number, &orders)
        })
        .collect();
    world.service.with(|service| {
        service.inject(Call::LogIn, Fault::Drop.after_acting());
    });
    world.pass(LOGIN_INTERVAL);
    let failed = workers[0].run(What::LogIn).unwrap_err();
    assert_eq!(failed.kind, Kind::NoResponse, "{failed:?}");
    for worker in &mut workers {
        let view = worker.must(What::Sync);
        assert_eq!(view.failed_logins, 2);
    }
    assert_eq!(world.seen(Call::LogIn), 2);
    workers.push(stale);
    workers
}

fn orders_of_stale(world: &World, place: &Place, number: usize) -> Worker {
    let mut orders = world.orders(number, place.clone());
    STALE.clone_into(&mut orders.password);
    world.worker(number, &orders)
}

fn with_the_recommended_settings(fail: fn(&Link)) {
    let pair = Pair::start();
    let world = World::new();
    let place = pair.place("?replicas=1");
    let mut workers = counted_twice(&world, &place);
    fail(&pair.between);
    world.pass(LOGIN_INTERVAL);
    // What no replica has is not begun. Where the network only stalls, the primary has it,
    // and others take it for a login that may have been.
    let begun: Vec<_> = workers[..4]
        .iter_mut()
        .map(|one| one.begin(What::LogIn))
        .collect();
    for login in begun {
        let failed = login.end().unwrap_err();
        let is_expected = matches!(failed.kind, Kind::Store | Kind::BackingOff);
        assert!(is_expected && !failed.is_unknown, "{failed:?}");
    }
    assert_eq!(world.seen(Call::LogIn), 2);
    // Nobody is left who knows, but for the store.
    drop(workers);
    pair.fail_over();
    pair.primary.restart();
    pair.primary.replica_of(&pair.replica);
    assert_remembered(&world, &place);
}

fn without_them() {
    let pair = Pair::start();
    let world = World::new();
    let place = pair.place("");
    pair.between.cut();
    let mut workers = counted_twice(&world, &place);
    pair.fail_over();
    assert_eq!(pair.replica.cli(&["DBSIZE"]), "0");
    // What was loaded a moment ago is not loaded again.
    world.pass(FRESH);
    workers[2].must(What::Sync);
    drop(workers);
    assert_remembered(&world, &place);
}

/// Asserts that the store knows of both logins, and goes on.
fn assert_remembered(world: &World, place: &Place) {
    let mut fresh = world.worker(5, &world.orders(5, place.clone()));
    assert_eq!(fresh.must(What::Sync).failed_logins, 2);
    let mut stale = orders_of_stale(world, place, 6);
    let failed = stale.run(What::Call).unwrap_err();
    assert_eq!(failed.kind, Kind::Blocked, "{failed:?}");
    assert_eq!(world.failed_logins(), 1);
    world.pass(LOGIN_INTERVAL);
    let view = fresh.must(What::Call);
    assert_eq!((view.failed_logins, view.blocked), (0, None));
    assert_eq!(world.seen(Call::LogIn), 3);
    world.assert_not_locked();
}
