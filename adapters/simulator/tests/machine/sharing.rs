//! Several sessions with one user name.

use std::time::Duration;

use thingspace_simulator::{Call, Simulator};

use crate::world::*;

#[test]
fn law_5_two_programs_that_log_each_other_out_do_not_storm_the_service() {
    let mut world = World::new();
    let mut other = session(Simulator::PASSWORD, 8);
    let end = world.now + HOUR;
    while world.now < end {
        // Each fails or waits in its turn; none of them must be hammering.
        world.read().ok();
        run(&mut world.service, &mut other, &mut world.now, account()).ok();
        world.pass(Duration::from_secs(1));
    }
    let logins = world.service.counts().done(Call::LogIn);
    assert!(logins < 30, "{logins} logins in an hour");
    assert_eq!(world.service.counts().failed_logins, 0);
}

#[test]
fn programs_whose_sessions_live_side_by_side_do_not_disturb_each_other() {
    let mut world = World::with(Simulator::new(7).sessions_replace_each_other(false));
    let mut other = session(Simulator::PASSWORD, 8);
    for _ in 0..100 {
        world.read().unwrap();
        run(&mut world.service, &mut other, &mut world.now, account()).unwrap();
        world.pass(MINUTE);
    }
    assert_eq!(world.service.counts().done(Call::LogIn), 2);
}
