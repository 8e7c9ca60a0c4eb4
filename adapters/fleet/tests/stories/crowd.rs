//! Many processes on an empty store.

use thingspace_simulator::Call;

use crate::{
    chain::Chain,
    fleet::{Holder, StoreKind, World, rounds},
    messages::What,
};

const PROCESSES: usize = 16;
const CALLS: usize = 4;

/// Of all threads and tasks of all processes, one fetches the token, and one logs in.
pub(crate) fn opens_one_session(kind: StoreKind) -> String {
    let times = rounds(1).div_ceil(20);
    let chains: Vec<_> = (0..times).map(|_| tell(kind)).collect();
    let calls = PROCESSES * CALLS;
    let last = chains.last().unwrap();
    format!("{times} times {calls} calls of {PROCESSES} processes; the last: {last}")
}

fn tell(kind: StoreKind) -> Chain {
    let holder = Holder::start(kind);
    let world = World::new();
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|number| {
            // Of each stack, half come in another way.
            let place = if number % 4 < 2 {
                holder.place()
            } else {
                holder.same_place()
            };
            world.worker(number, &world.orders(number, place))
        })
        .collect();
    // All have seen that nothing is saved, so all want to be the first.
    for worker in &mut workers {
        worker.must(What::Sync);
    }
    let begun: Vec<_> = workers
        .iter_mut()
        .flat_map(|worker| {
            (0..CALLS)
                .map(|_| worker.begin(What::Call))
                .collect::<Vec<_>>()
        })
        .collect();
    for call in begun {
        call.succeeds();
    }
    assert_eq!(world.seen(Call::BearerToken), 1);
    assert_eq!(world.seen(Call::LogIn), 1);
    let calls = u64::try_from(PROCESSES * CALLS).unwrap();
    assert_eq!(world.seen(Call::Account), calls);
    assert_eq!(world.done(Call::Account), calls);
    drop(workers);
    Chain::of(&world.history, holder.place().revision().unwrap())
}
