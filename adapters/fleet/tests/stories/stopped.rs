//! A process that is stopped in the middle of a login.

use std::time::Duration;

use thingspace_simulator::{Call, Fault};

use crate::{
    chain::Chain,
    fleet::{Holder, StoreKind, World, wait_until},
    messages::{Stack, What},
};

const PROCESSES: usize = 4;
const STOPPED_FOR: Duration = Duration::from_secs(2 * 60);

/// When its lease has expired, another process logs in. What the stopped one brings back
/// after two minutes disturbs none of them, whether it is a session that was replaced or
/// nothing.
pub(crate) fn disturbs_nobody(kind: StoreKind) -> String {
    let mut chains = Vec::new();
    for fault in [Fault::Delay(Duration::from_secs(1)), Fault::Hang] {
        for stopped in [0, 1] {
            chains.push(tell(kind, stopped, &fault));
        }
    }
    let last = chains.pop().unwrap();
    format!("4 times; the last: {last}")
}

fn tell(kind: StoreKind, stopped: usize, fault: &Fault) -> Chain {
    let holder = Holder::start(kind);
    let world = World::new();
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let mut orders = world.orders(number, holder.place());
            // The others wait for as long as the process is stopped.
            orders.call_timeout = 10 * 60 * 1000;
            orders.attempt_timeout = 2_000;
            world.worker(number, &orders)
        })
        .collect();
    world
        .service
        .with(|service| service.inject(Call::LogIn, fault.clone()));
    let late = workers[stopped].begin(What::Call);
    wait_until("it logs in", || world.seen(Call::LogIn) == 1);
    workers[stopped].stop();

    let others: Vec<_> = workers
        .iter_mut()
        .filter(|worker| worker.number != stopped)
        .map(|worker| worker.begin(What::Call))
        .collect();
    world.pass(STOPPED_FOR);
    let tokens: Vec<_> = others
        .into_iter()
        .map(|call| call.succeeds().token)
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(world.seen(Call::LogIn), 2);

    workers[stopped].go_on();
    late.succeeds();
    workers[stopped].must(What::Sync);
    for worker in &mut workers {
        worker.must(What::Sync);
        let view = worker.must(What::Call);
        assert_eq!(view.token, tokens[0], "{:?}", Stack::of(worker.number));
        assert_eq!((view.failed_logins, view.blocked), (0, None));
    }
    assert_eq!(world.seen(Call::LogIn), 2);
    assert_eq!(world.seen(Call::BearerToken), 1);
    world.assert_not_locked();
    drop(workers);
    Chain::of(&world.history, holder.place().revision().unwrap())
}
