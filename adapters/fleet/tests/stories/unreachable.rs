//! A store that can't be reached while the session is open.

use std::time::Duration;

use thingspace_fleet::Link;
use thingspace_simulator::Call;

use crate::{
    chain::Chain,
    fleet::{Holder, StoreKind, World},
    messages::What,
};

const PROCESSES: usize = 4;
const STEP: Duration = Duration::from_secs(30);
/// Longer than the last use of a session may go unsaved.
const STEPS: u32 = 20;

/// No call with an open session fails, however the network does, for ten minutes each.
pub(crate) fn fails_no_call(kind: StoreKind) -> String {
    let holder = Holder::start(kind);
    let link = Link::to(holder.socket_address());
    let world = World::new();
    let place = holder.place_at(link.address());
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|number| world.worker(number, &world.orders(number, place.clone())))
        .collect();
    for worker in &mut workers {
        worker.must(What::Call);
    }
    let mut calls = 0;
    let failures: [fn(&Link); 2] = [Link::cut, Link::stall];
    for fail in failures {
        fail(&link);
        for _ in 0..STEPS {
            let begun: Vec<_> = workers
                .iter_mut()
                .map(|one| one.begin(What::Call))
                .collect();
            for call in begun {
                call.succeeds();
                calls += 1;
            }
            world.pass(STEP);
        }
        link.mend();
        // They find the store again.
        for worker in &mut workers {
            worker.must(What::Sync);
        }
    }
    assert_eq!(world.seen(Call::BearerToken), 1);
    assert_eq!(world.seen(Call::LogIn), 1);
    // And what can't be had without the store says so at once, or soon.
    link.cut();
    let failed = workers[0].run(What::LogOut).unwrap_err();
    assert_eq!(failed.kind, crate::messages::Kind::Store, "{failed:?}");
    assert!(!failed.is_unknown);
    link.mend();
    drop(workers);
    let chain = Chain::of(&world.history, holder.place().revision().unwrap());
    format!("{calls} calls while it was unreachable; {chain}")
}
