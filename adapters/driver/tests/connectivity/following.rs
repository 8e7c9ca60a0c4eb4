//! One request that is followed, by its status and by callbacks.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use futures_lite::future::{or, poll_once, zip};
use http::{Response, StatusCode};
use thingspace_core::{
    TransportError,
    asynchronous::{AsynchronousRequest, DeviceResult, FollowSettings},
};
use thingspace_driver::Mailbox;

use crate::world::{ACCOUNT, World, message, request, request_id, status};

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(20 * 60);

fn pending() -> World {
    World::new(|_| Ok(status("Pending")))
}

#[test]
fn the_status_is_asked_for_until_it_tells_the_end() {
    let world = {
        let count = AtomicU64::new(0);
        World::new(move |request| {
            let path = "/api/m2m/v1/accounts/0000123456-00001/requests/595f/status";
            assert_eq!(request.uri().path(), path);
            match count.fetch_add(1, Relaxed) {
                0 => Ok(status("Pending")),
                // A failing call is no outcome, whatever its failure is.
                1 => Ok(Response::builder()
                    .status(StatusCode::BAD_REQUEST)
                    .body("{}".into())
                    .unwrap()),
                2..=4 => Err(TransportError::unknown("the network is gone")),
                5 => Ok(Response::new("no JSON".into())),
                _ => Ok(status("Success")),
            }
        })
    };
    let client = world.client();
    let outcome = world.run_one(client.follow(request("595f", 1)));
    assert!(outcome.is_success());
    assert_eq!(outcome.request_id, request_id("595f"));
    assert_eq!(world.served(), 7);
}

#[test]
fn a_callback_wakes_its_follower_at_once() {
    let world = pending();
    let client = world.client();
    let mailbox = client.mailbox().clone();
    let start = world.now();
    let deliver = async {
        world.sleep(SECOND).await;
        // Not a word of this is about the request.
        mailbox.deliver(&message("other", 0, true));
        world.sleep(SECOND).await;
        mailbox.deliver(&message("595f", 0, false));
    };
    let follow = client.follow(request("595f", 1));
    let (outcome, ()) = world.run_one(zip(follow, deliver));
    assert_eq!(world.now(), start + SECOND * 2);
    assert_eq!(world.served(), 0);
    let fault = outcome.devices[0].fault().unwrap();
    assert_eq!(fault.fault_code.as_deref(), Some("E"));
}

#[test]
fn a_callback_that_comes_while_the_status_is_asked_for_counts() {
    let world = pending();
    let client = world.client();
    let mailbox = client.mailbox().clone();
    let deliver = async {
        while world.served() == 0 {
            world.sleep(Duration::from_millis(1)).await;
        }
        let asked = world.now();
        mailbox.deliver(&message("595f", 0, true));
        // The call goes on for the other device.
        world.sleep(Duration::from_millis(5)).await;
        mailbox.deliver(&message("595f", 1, true));
        asked
    };
    let follow = client.follow(request("595f", 2));
    let (outcome, asked) = world.run_one(zip(follow, deliver));
    assert!(outcome.is_success());
    // Nobody waited for the response.
    assert_eq!(world.now(), asked + Duration::from_millis(5));
    assert_eq!(world.served(), 1);
}

#[test]
fn a_callback_that_comes_together_with_the_status_gives_the_reason() {
    let mailbox = Mailbox::new();
    let world = {
        let mailbox = mailbox.clone();
        World::new(move |_| {
            mailbox.deliver(&message("595f", 0, false));
            Ok(status("Failure"))
        })
    };
    let client = world.client_of(|config| config.mailbox(mailbox));
    let outcome = world.run_one(client.follow(request("595f", 1)));
    assert_eq!(outcome.devices[0].result, DeviceResult::Failed);
    assert!(outcome.devices[0].fault().is_some());
    assert_eq!(client.mailbox().kept(), 0);
}

#[test]
fn a_callback_may_come_before_its_follower() {
    let world = pending();
    let client = world.client();
    let start = world.now();
    client.mailbox().deliver(&message("595f", 1, false));
    client.mailbox().deliver(&message("595f", 0, true));
    assert_eq!(client.mailbox().kept(), 2);
    let outcome = world.run_one(client.follow(request("595f", 2)));
    assert_eq!((world.now(), world.served()), (start, 0));
    assert_eq!(client.mailbox().kept(), 0);
    let results = outcome.devices.iter().map(|device| device.result);
    let expected = [DeviceResult::Succeeded, DeviceResult::Failed];
    assert_eq!(results.collect::<Vec<_>>(), expected);
}

#[test]
fn callbacks_alone_may_be_waited_for() {
    let world = pending();
    let client = world.client();
    let start = world.now();
    let mut settings = FollowSettings::default();
    settings.first_pause = Duration::MAX;
    let request = AsynchronousRequest::new(ACCOUNT, request_id("595f")).with_settings(settings);
    let outcome = world.run_one(client.follow(request));
    assert_eq!(outcome.with(DeviceResult::Unknown).count(), 1);
    assert_eq!((world.now(), world.served()), (start + TIMEOUT, 0));
}

#[test]
fn devices_that_have_not_ended_are_unknown_at_the_deadline() {
    let world = pending();
    let client = world.client();
    let start = world.now();
    client.mailbox().deliver(&message("595f", 1, true));
    let outcome = world.run_one(client.follow(request("595f", 3)));
    assert_eq!(world.now(), start + TIMEOUT);
    assert_eq!(outcome.with(DeviceResult::Unknown).count(), 2);
    assert!((20..=44).contains(&world.served()), "{}", world.served());
    // Whoever follows it anew knows what was known, and what came late.
    client.mailbox().deliver(&message("595f", 0, true));
    client.mailbox().deliver(&message("595f", 2, true));
    let (asked, now) = (world.served(), world.now());
    assert!(
        world
            .run_one(client.follow(request("595f", 3)))
            .is_success()
    );
    assert_eq!((world.served(), world.now()), (asked, now));
}

#[test]
fn a_status_call_that_hangs_ends_with_its_attempt_and_by_the_deadline() {
    let world = World::new(|_| Ok(status("Success")));
    let client = world.client();
    world.be_stuck(true);
    let mend = async {
        while world.served() == 0 {
            world.sleep(Duration::from_millis(10)).await;
        }
        // One attempt, and not one more.
        world.sleep(SECOND * 30).await;
        world.be_stuck(false);
        world.now()
    };
    let (outcome, mended) = world.run_one(zip(client.follow(request("595f", 1)), mend));
    assert!(outcome.is_success());
    let pause = world.now().since(mended);
    assert!(pause > SECOND * 2 && pause < SECOND * 6, "{pause:?}");

    world.be_stuck(true);
    let start = world.now();
    let mut request = request("595f", 1);
    request.settings.timeout = SECOND * 10;
    let outcome = world.run_one(client.follow(request));
    assert_eq!(outcome.with(DeviceResult::Unknown).count(), 1);
    assert_eq!(world.now(), start + SECOND * 10);
}

#[test]
fn what_a_dropped_follower_had_read_is_there_for_the_next() {
    let world = pending();
    let client = world.client();
    let mailbox = client.mailbox().clone();
    mailbox.deliver(&message("595f", 0, true));
    let give_up = async {
        world.sleep(SECOND).await;
        mailbox.deliver(&message("595f", 1, false));
        mailbox.deliver(&message("595f", 1, false));
        None
    };
    let follow = async { Some(client.follow(request("595f", 3)).await) };
    assert!(world.run_one(or(give_up, follow)).is_none());
    // The first one was read, the others were not.
    assert_eq!(mailbox.kept(), 3);
    mailbox.deliver(&message("595f", 2, true));
    let outcome = world.run_one(client.follow(request("595f", 3)));
    assert_eq!(outcome.with(DeviceResult::Succeeded).count(), 2);
    assert_eq!(outcome.with(DeviceResult::Failed).count(), 1);
    assert_eq!((mailbox.kept(), world.served()), (0, 0));
}

#[test]
fn the_time_of_a_follower_begins_with_the_call_and_its_place_in_the_mailbox_too() {
    let world = pending();
    let client = world.client();
    let start = world.now();
    let follow = client.follow(request("595f", 1));
    // Nobody has polled it yet.
    client.mailbox().deliver(&message("595f", 0, true));
    assert_eq!(client.mailbox().kept(), 0);
    world.run_one(world.sleep(SECOND));
    assert!(world.run_one(follow).is_success());
    assert_eq!(world.now(), start + SECOND);
}

#[test]
fn kept_messages_are_bounded_and_the_oldest_go_first() {
    let world = pending();
    let mailbox = Mailbox::with_capacity(2);
    let client = world.client_of(|config| config.mailbox(mailbox.clone()));
    let mut nobodys = message("595f", 0, true);
    nobodys.request_id = None;
    mailbox.deliver(&nobodys);
    assert_eq!(mailbox.kept(), 0);
    for id in ["1", "2", "1", "3"] {
        mailbox.deliver(&message(id, 0, true));
        assert!(mailbox.kept() <= 2);
    }
    for (id, is_kept) in [("1", true), ("2", false), ("3", true)] {
        let follow = client.follow(request(id, 1));
        let mut follow = Box::pin(follow);
        let ended = world.run_one(async { poll_once(&mut follow).await });
        assert_eq!(ended.is_some(), is_kept, "{id}");
    }
    // The younger of two messages of one request is left.
    mailbox.deliver(&message("4", 0, true));
    mailbox.deliver(&message("4", 1, true));
    mailbox.deliver(&message("5", 0, true));
    let follow = client.follow(request("4", 2));
    assert_eq!(mailbox.kept(), 1);
    mailbox.deliver(&message("4", 0, true));
    let start = world.now();
    assert!(world.run_one(follow).is_success());
    assert_eq!(world.now(), start);

    let none = Mailbox::with_capacity(0);
    none.deliver(&message("1", 0, true));
    assert_eq!(none.kept(), 0);
}

#[test]
fn two_followers_of_one_request_both_learn_of_it() {
    let world = pending();
    let client = world.client();
    let mailbox = client.mailbox().clone();
    let both = zip(
        client.follow(request("595f", 1)),
        client.follow(request("595f", 1)),
    );
    let deliver = async {
        world.sleep(SECOND).await;
        mailbox.deliver(&message("595f", 0, true));
    };
    let ((one, other), ()) = world.run_one(zip(both, deliver));
    assert!(one.is_success() && other.is_success());
    assert_eq!(mailbox.kept(), 0);
}
