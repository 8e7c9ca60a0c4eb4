//! Several sessions with one user name.

use std::time::Duration;

use thingspace_core::{
    SharedStep,
    session::{Loaded, Saved},
};
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

#[test]
fn law_12_a_driver_that_takes_its_time_between_two_steps_gets_on() {
    for pause in [0, 1, 20].map(Duration::from_secs) {
        for poll_interval in [Duration::ZERO, Duration::from_millis(100)] {
            let story = format!("{pause:?} {poll_interval:?}");
            let mut world = World::new();
            world.session = shared(Simulator::PASSWORD, 7, poll_interval);
            let (mut call, mut saved, mut accesses) = (account(), None, 0);
            let response = loop {
                world.pass(pause);
                let (session, now) = (&mut world.session, world.now);
                match call.step_shared(session, now) {
                    SharedStep::Load => {
                        accesses += 1;
                        let age = Duration::ZERO;
                        let loaded = saved.clone().map(|snapshot| Loaded { snapshot, age });
                        call.loaded(session, now, Ok(loaded));
                    }
                    SharedStep::Save { snapshot, .. } => {
                        accesses += 1;
                        saved = Some(snapshot);
                        call.saved(session, now, Ok(Saved::Saved));
                    }
                    SharedStep::Send(transmit) => {
                        let reply = world.service.respond(now, &transmit.request);
                        let response = reply.into_response().unwrap();
                        call.receive(session, now, transmit.attempt, Ok(response));
                    }
                    SharedStep::Wait(wait) => panic!("{story}: {wait:?}"),
                    SharedStep::Done(result) => break result,
                }
                assert!(accesses < 20, "{story}: it loads again and again");
            };
            response.unwrap();
            assert_eq!(world.service.counts().seen(Call::LogIn), 1, "{story}");
        }
    }
}
