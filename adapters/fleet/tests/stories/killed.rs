//! A server that is killed, again and again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use fastrand::Rng;
use thingspace_simulator::{Call, Simulator};

use crate::{
    chain::Chain,
    fleet::{Holder, StoreKind, Worker, World, rounds},
    messages::{Failed, Kind, Report, View, What},
};

const PROCESSES: usize = 6;
/// The tasks of each after the server is up again, and at most, in pairs.
const TASKS: usize = 3;
const MOST_TASKS: usize = 60;

/// A task of a worker, and its end.
type End = (usize, What, Result<View, Failed>);

/// The server is killed at random in each round of calls, logins, logouts and resets, and
/// restarted. No update is lost, no login is over the budget, no reset is sent twice, no
/// password is lost, and every call ends.
pub(crate) fn loses_nothing(kind: StoreKind) -> String {
    let holder = Holder::start(kind);
    holder.restart_fast();
    let world = World::new();
    let mut rng = Rng::with_seed(seed());
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let place = if number % 4 < 2 {
                holder.place()
            } else {
                holder.same_place()
            };
            world.worker(number, &world.orders(number, place))
        })
        .collect();
    // One more has a password of long ago.
    let mut orders = world.orders(PROCESSES, holder.place());
    "a password of long ago".clone_into(&mut orders.password);
    let mut stale = world.worker(PROCESSES, &orders);

    let rounds = rounds(8);
    let mut failures: BTreeMap<Kind, usize> = BTreeMap::new();
    let (mut tasks, mut resets) = (0, HashMap::<usize, usize>::new());
    for round in 0..rounds {
        let resetter = rng.usize(..PROCESSES * 2);
        if resetter < PROCESSES {
            *resets.entry(resetter).or_default() += 1;
        }
        let (first, down) = (rng.u64(..80), [0, 0, 100, 1500][rng.usize(..4)]);
        let is_up = AtomicBool::new(false);
        let ends: Vec<_> = thread::scope(|scope| {
            let busy: Vec<_> = workers
                .iter_mut()
                .map(|worker| {
                    let (mut rng, is_up) = (rng.fork(), &is_up);
                    let resets = worker.number == resetter;
                    scope.spawn(move || work(worker, &mut rng, resets, is_up))
                })
                .collect();
            // At any moment of what they do.
            thread::sleep(Duration::from_millis(first));
            holder.kill();
            let refused = stale.begin(What::Call);
            thread::sleep(Duration::from_millis(down));
            holder.restart();
            is_up.store(true, Ordering::Relaxed);
            let mut ends = vec![(PROCESSES, refused.what.clone(), refused.end())];
            for worker in busy {
                ends.extend(worker.join().unwrap());
            }
            ends
        });
        for (worker, what, end) in ends {
            tasks += 1;
            if let Err(failed) = end {
                assert!(
                    is_allowed(&failed, worker == PROCESSES),
                    "round {round}: worker {worker}: {what:?}: {failed:?}"
                );
                *failures.entry(failed.kind).or_default() += 1;
            }
        }
        world.assert_not_locked();

        // Whoever runs a fleet gives the new password to all, and then it goes on.
        for worker in &mut workers {
            worker.must(What::Settle);
        }
        let password = world.password();
        assert!(
            password == Simulator::PASSWORD || passwords(&world).contains(&password),
            "round {round}: nobody knows the password"
        );
        for worker in &mut workers {
            worker.must(What::Credentials(password.clone()));
        }
        for worker in &mut workers {
            worker.must(What::Call);
        }
        world.pass(Duration::from_secs(rng.u64(1..30 * 60)));
    }

    drop((workers, stale));
    let chain = Chain::of(&world.history, holder.place().revision().unwrap());
    // The stale password is tried once.
    assert!(world.failed_logins() <= 1, "{}", world.failed_logins());
    let brought = passwords(&world);
    assert_eq!(world.done(Call::ResetPassword), count(brought.len()));
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
        let asked = resets.get(worker).copied().unwrap_or_default();
        assert!(
            sends - refused <= asked,
            "worker {worker} sent {sends} resets for {asked}"
        );
    }
    let sends = sent.values().map(|(sends, _)| sends).sum();
    assert_eq!(world.seen(Call::ResetPassword), count(sends));
    format!(
        "{rounds} rounds, {tasks} tasks, {} logins, {} passwords, failed: {failures:?}; {chain}",
        world.seen(Call::LogIn),
        brought.len(),
    )
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

/// Returns true if a task may fail so while the server is down, or the password is another.
fn is_allowed(failed: &Failed, is_stale: bool) -> bool {
    match failed.kind {
        Kind::Store | Kind::Blocked => true,
        Kind::WrongCredentials => is_stale,
        _ => false,
    }
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
