//! Clocks that differ by hours.

use std::time::Duration;

use thingspace_simulator::{Call, Fault};

use crate::{
    chain::Chain,
    fleet::{Holder, StoreKind, World, faketime, rounds},
    messages::What,
};

const PROCESSES: usize = 10;
const HOUR: i64 = 60 * 60;
/// A time after which a session that is not used is over.
const IDLE: Duration = Duration::from_secs(21 * 60);

/// Ten processes whose system clocks are up to an hour off, in both directions: one login
/// at a time for each session that expires, and no guard is blocked.
pub(crate) fn differ(kind: StoreKind) -> String {
    let holder = Holder::start(kind);
    let world = World::new();
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let steps = i64::try_from(number).unwrap();
            let off = -HOUR + 2 * HOUR * steps / (i64::try_from(PROCESSES).unwrap() - 1);
            let environment = [
                ("LD_PRELOAD", faketime().display().to_string()),
                ("FAKETIME", format!("{off:+}s")),
                // Its clock is off; how long a second takes is not. (Two names of one
                // setting.)
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
                ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ];
            let orders = world.orders(number, holder.place());
            let worker = world.worker_with(number, &orders, &environment);
            let here = i64::try_from(system()).unwrap();
            let there = i64::try_from(worker.system).unwrap();
            assert!((there - here - off * 1000).abs() < 60_000, "faketime works");
            worker
        })
        .collect();
    let rounds = u64::from(rounds(5));
    let mut resets = 0;
    for round in 1..=rounds {
        // Long enough for all to need the login.
        world.service.with(|service| {
            service.inject(Call::LogIn, Fault::Delay(Duration::from_millis(100)));
        });
        let begun: Vec<_> = workers
            .iter_mut()
            .map(|one| one.begin(What::Call))
            .collect();
        for call in begun {
            let view = call.succeeds();
            assert_eq!((view.failed_logins, view.blocked), (0, None));
        }
        assert_eq!(world.seen(Call::LogIn), round, "one login at a time");
        if round % 2 == 0 {
            let number = usize::try_from(round).unwrap() % PROCESSES;
            workers[number].must(What::Reset);
            resets += 1;
            for (other, worker) in workers.iter_mut().enumerate() {
                if other != number {
                    worker.must(What::Credentials(world.password()));
                }
            }
        }
        // No save takes as long as that.
        for worker in &mut workers {
            worker.must(What::Sync);
        }
        world.pass(IDLE);
    }
    assert_eq!(world.done(Call::ResetPassword), resets);
    assert_eq!(world.failed_logins(), 0);
    // Nobody took a session that was over for an open one.
    assert_eq!(world.seen(Call::Account), world.done(Call::Account));
    drop(workers);
    let chain = Chain::of(&world.history, holder.place().revision().unwrap());
    format!("{rounds} sessions, {resets} resets; {chain}")
}

/// The time by the system's clock, in milliseconds.
fn system() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
