//! Outages of hours, with one call a minute: no login is wasted on them, and the session
//! opens soon after their end.

use std::time::Duration;

use http::StatusCode;
use thingspace_simulator::{Call, Fault, Part, Simulator};

use crate::world::*;

/// Lets a part of the service fail for so long while a call is made each minute, and
/// returns the time from the end of the outage until the session is open.
fn outage(part: Part, fault: Fault, lasts: Duration, restarts: bool) -> Duration {
    let story = format!("{part:?} {fault:?} {restarts}");
    let mut world = World::new();
    let end = world.now + lasts;
    let mut seed = 7;
    let mut logins = 0;
    world.service.begin_outage(part, fault);
    loop {
        if world.now >= end {
            world.service.end_outages();
        }
        let before = world.service.counts().seen(Call::LogIn);
        let begun = world.now;
        let opens = world.read().is_ok();
        assert!(world.session.login_guard().failed_logins <= 4, "{story}");
        let more = world.service.counts().seen(Call::LogIn) - before;
        // Within one call, the next login is made half a minute later at the soonest.
        let least = Duration::from_secs(30) * u32::try_from(more.saturating_sub(1)).unwrap();
        assert!(
            world.now.since(begun) >= least,
            "{story}: {more} logins at once"
        );
        logins += more;
        if opens {
            break;
        }
        if restarts {
            seed += 1;
            let saved = world.session.snapshot(world.now);
            world.session = restored(saved, world.now, Simulator::PASSWORD, seed);
        }
        world.pass(MINUTE);
    }
    // Four that are lost, and the one that succeeds.
    assert!(logins <= 5, "{story}: {logins} logins");
    assert_eq!(world.service.counts().failed_logins, 0);
    world.now.since(end)
}

fn unavailable() -> Fault {
    Fault::Status(StatusCode::SERVICE_UNAVAILABLE)
}

#[test]
fn law_2_the_api_is_down_for_eight_hours_and_the_session_opens_at_its_end() {
    for fault in [unavailable(), Fault::Hang] {
        for restarts in [false, true] {
            let opens_after = outage(Part::Api, fault.clone(), 8 * HOUR, restarts);
            assert!(opens_after <= 12 * MINUTE, "{fault:?}: {opens_after:?}");
        }
    }
}

#[test]
fn law_2_the_login_alone_is_down_for_two_hours_and_the_session_opens_soon_after() {
    for fault in [unavailable(), Fault::Hang] {
        for restarts in [false, true] {
            let login = Part::One(Call::LogIn);
            let opens_after = outage(login, fault.clone(), 2 * HOUR, restarts);
            assert!(opens_after <= 35 * MINUTE, "{fault:?}: {opens_after:?}");
        }
    }
}

#[test]
fn law_2_a_gateway_that_is_down_costs_no_login() {
    for fault in [unavailable(), Fault::Hang] {
        let opens_after = outage(Part::Everything, fault.clone(), 8 * HOUR, true);
        // A call that began before the end may try it three times.
        assert!(opens_after <= 5 * MINUTE, "{fault:?}: {opens_after:?}");
    }
}
