//! A server that is killed, again and again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use thingspace_simulator::{Call, Simulator};

use crate::{
    chain::Chain,
    fleet::{Holder, NEVER, StoreKind, Worker, World, rounds},
    messages::{Failed, Kind, Report, View, What},
};

const PROCESSES: usize = 6;
/// The tasks of each after the server is up again, and at most, in pairs.
const TASKS: usize = 3;
const MOST_TASKS: usize = 60;

/// A task of a worker, and its end.
type End = (usize, What, Result<View, Failed>);

/// The number of passwords that a session remembers as wrong or outdated.
const REMEMBERED: usize = 8;

/// A password that was right once.
const STALE: &str = "a password of long ago";

/// The server is killed at random in each round of calls, logins, logouts and resets, and
/// restarted. No update is lost, no login is over the budget, no reset is sent twice, no
/// password is lost, and every call ends.
pub(crate) fn loses_nothing(kind: StoreKind) -> String {
    let holder = Holder::start(kind);
    holder.restart_fast();
    let mut story = Story::begin(holder, Rng::with_seed(seed()));
    let rounds = rounds(8);
    for round in 0..rounds {
        let ends = story.round();
        story.judge(round, ends);
        story.go_on(round);
    }
    let Story {
        holder,
        world,
        workers,
        resets,
        tasks,
        failures,
        ..
    } = story;
    drop(workers);
    let chain = Chain::of(&world.history, holder.place().revision().unwrap());
    let passwords = passwords(&world).len();
    // The stale password was tried once, although no process lived that knew of it: the
    // store did, until others had taken its place. A reset adds one or two to them.
    let tried = world.failed_logins();
    assert!(
        (1..=1 + count(2 * passwords / REMEMBERED)).contains(&tried),
        "it was tried {tried} times, with {passwords} other passwords"
    );
    assert_eq!(world.done(Call::ResetPassword), count(passwords));
    assert_resets(&world, &resets);
    format!(
        "{rounds} rounds, {tasks} tasks, {} logins, {passwords} resets, {tried} failed logins, failed: {failures:?}; {chain}",
        world.seen(Call::LogIn),
    )
}

struct Story {
    holder: Holder,
    world: World,
    rng: Rng,
    workers: Vec<Worker>,
    /// The number of resets that each worker was asked for, at most.
    resets: HashMap<usize, usize>,
    tasks: usize,
    failures: BTreeMap<Kind, usize>,
}

impl Story {
    fn begin(holder: Holder, rng: Rng) -> Self {
        let world = World::new();
        // On the empty store, so that it is refused.
        let mut stale = stale(&world, &holder);
        let failed = stale.run(What::Call).unwrap_err();
        assert_eq!(failed.kind, Kind::WrongCredentials, "{failed:?}");
        // A call does not wait until what it has heard is saved.
        stale.must(What::Sync);
        let worker = |number| {
            let place = if number % 4 < 2 {
                holder.place()
            } else {
                holder.same_place()
            };
            world.worker(number, &world.orders(number, place))
        };
        Self {
            workers: (0..PROCESSES).map(worker).collect(),
            holder,
            world,
            rng,
            resets: HashMap::new(),
            tasks: 0,
            failures: BTreeMap::new(),
        }
    }

    /// Lets all work, and kills the server meanwhile. Returns the ends of their tasks.
    fn round(&mut self) -> Vec<End> {
        let resetter = self.rng.usize(..PROCESSES * 2);
        if resetter < PROCESSES {
            *self.resets.entry(resetter).or_default() += 1;
        }
        let (first, down) = (self.rng.u64(..80), [0, 0, 100, 1500][self.rng.usize(..4)]);
        // A process that comes and goes.
        let mut stale = stale(&self.world, &self.holder);
        let is_up = AtomicBool::new(false);
        thread::scope(|scope| {
            let busy: Vec<_> = self
                .workers
                .iter_mut()
                .map(|worker| {
                    let (mut rng, is_up) = (self.rng.fork(), &is_up);
                    let resets = worker.number == resetter;
                    scope.spawn(move || work(worker, &mut rng, resets, is_up))
                })
                .collect();
            // At any moment of what they do.
            thread::sleep(Duration::from_millis(first));
            let before = stale.begin(What::LogIn);
            self.holder.kill();
            let during = stale.begin(What::Call);
            thread::sleep(Duration::from_millis(down));
            self.holder.restart();
            is_up.store(true, Ordering::Relaxed);
            let after = stale.begin(What::Call);
            let ends =
                [before, during, after].map(|task| (PROCESSES, task.what.clone(), task.end()));
            let others = busy.into_iter().flat_map(|worker| worker.join().unwrap());
            let ends: Vec<_> = ends.into_iter().chain(others).collect();
            // Before it goes, it saves what it has heard.
            let deadline = Instant::now() + NEVER;
            while stale.run(What::Sync).is_err() {
                assert!(Instant::now() < deadline, "the store is up");
                thread::sleep(Duration::from_millis(50));
            }
            ends
        })
    }

    /// Asserts that nothing failed but for want of the store, or of a login that is not
    /// allowed.
    fn judge(&mut self, round: u32, ends: Vec<End>) {
        for (worker, what, end) in ends {
            self.tasks += 1;
            if let Err(failed) = end {
                let is_expected = match failed.kind {
                    Kind::Store | Kind::Blocked => true,
                    Kind::WrongCredentials => worker == PROCESSES,
                    _ => false,
                };
                assert!(
                    is_expected,
                    "round {round}: worker {worker}: {what:?}: {failed:?}"
                );
                *self.failures.entry(failed.kind).or_default() += 1;
            }
        }
        self.world.assert_not_locked();
    }

    /// Gives the new password to all, as whoever runs a fleet does. Then all go on.
    fn go_on(&mut self, round: u32) {
        for worker in &mut self.workers {
            worker.must(What::Settle);
        }
        let password = self.world.password();
        assert!(
            password == Simulator::PASSWORD || passwords(&self.world).contains(&password),
            "round {round}: nobody knows the password"
        );
        for worker in &mut self.workers {
            worker.must(What::Credentials(password.clone()));
        }
        for worker in &mut self.workers {
            worker.must(What::Call);
        }
        self.world
            .pass(Duration::from_secs(self.rng.u64(1..30 * 60)));
    }
}

/// A process whose password is not right any more.
fn stale(world: &World, holder: &Holder) -> Worker {
    let mut orders = world.orders(PROCESSES, holder.place());
    STALE.clone_into(&mut orders.password);
    // It is another process each time.
    orders.seed = fastrand::u64(..);
    world.worker(PROCESSES, &orders)
}

/// Asserts that no worker sent more resets than it was asked for, those left aside that
/// were refused.
fn assert_resets(world: &World, asked: &HashMap<usize, usize>) {
    let mut sent = HashMap::<usize, (usize, usize)>::new();
    for (worker, report) in &*world.history.reports() {
        let (sends, refused) = sent.entry(*worker).or_default();
        match report {
            Report::SendsReset => *sends += 1,
            Report::ResetRefused(_) => *refused += 1,
            _ => {}
        }
    }
    for (worker, (sends, refused)) in &sent {
        let asked = asked.get(worker).copied().unwrap_or_default();
        assert!(
            sends - refused <= asked,
            "worker {worker} sent {sends} resets for {asked}"
        );
    }
    let sends = sent.values().map(|(sends, _)| sends).sum();
    assert_eq!(world.seen(Call::ResetPassword), count(sends));
}

/// Works until the server is up again and for some tasks more. One of them may be a reset.
fn work(worker: &mut Worker, rng: &mut Rng, resets: bool, is_up: &AtomicBool) -> Vec<End> {
    let reset_at = resets.then(|| rng.usize(..TASKS));
    let (mut ends, mut left) = (Vec::new(), TASKS);
    while left > 0 && ends.len() < MOST_TASKS {
        left -= usize::from(is_up.load(Ordering::Relaxed));
        // Two at a time.
        let whats = [rng.u8(..10), rng.u8(..10)].map(|number| match number {
            0..4 => What::Call,
            4..7 => What::LogIn,
            7..9 => What::LogOut,
            _ => What::Sync,
        });
        let reset = (reset_at == Some(ends.len() / 2)).then_some(What::Reset);
        let begun = whats
            .into_iter()
            .chain(reset)
            .map(|what| worker.begin(what));
        let begun: Vec<_> = begun.collect();
        let ended = begun
            .into_iter()
            .map(|task| (worker.number, task.what.clone(), task.end()));
        ends.extend(ended.collect::<Vec<_>>());
        thread::sleep(Duration::from_millis(rng.u64(..30)));
    }
    ends
}

/// The passwords that resets have brought.
fn passwords(world: &World) -> HashSet<String> {
    let reports = world.history.reports();
    let brought = reports.iter().filter_map(|(_, report)| match report {
        Report::Brought(password) => Some(password.clone()),
        _ => None,
    });
    brought.collect()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

/// The seed, which is said so that a failure can be told again.
fn seed() -> u64 {
    let given = std::env::var("THINGSPACE_SEED").ok();
    let seed = given.map_or_else(|| fastrand::u64(..1_000_000), |seed| seed.parse().unwrap());
    println!("THINGSPACE_SEED={seed}");
    seed
}
