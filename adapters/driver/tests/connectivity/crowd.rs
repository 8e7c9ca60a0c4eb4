//! Ten thousand requests at once, with callbacks lost, doubled, out of order, too early and
//! too late.

use std::{
    future::Future,
    mem::size_of_val,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use thingspace_core::asynchronous::{DeviceResult, RequestOutcome};

use crate::world::{World, message, request, status};

const REQUESTS: u64 = 10_000;

/// A task that follows a request, or delivers callbacks.
type Task<'a> = Pin<Box<dyn Future<Output = Option<RequestOutcome>> + 'a>>;

/// What becomes of a request, by its number.
#[derive(Clone, Copy)]
struct Truth(u64);

impl Truth {
    /// A number below `below` that is the request's own for this purpose.
    fn draw(self, purpose: u64, below: u64) -> u64 {
        let mixed = (self.0 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ purpose.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 29)) % below
    }

    fn devices(self) -> u64 {
        1 + self.draw(0, 3)
    }

    fn succeeds(self, device: u64) -> bool {
        self.draw(10 + device, 4) > 0
    }

    /// The time at which all of it has ended, in milliseconds from the start.
    fn ends_after(self) -> u64 {
        self.draw(1, 600_000)
    }

    fn status(self, after: u64) -> &'static str {
        if after < self.ends_after() {
            "Pending"
        } else if (0..self.devices()).all(|device| self.succeeds(device)) {
            "Success"
        } else {
            "Failure"
        }
    }

    /// The times at which callbacks about a device come: none, one or several.
    fn callbacks(self, device: u64) -> Vec<u64> {
        let at = self.ends_after() / (1 + self.draw(20 + device, 3));
        match self.draw(30 + device, 10) {
            0 | 1 => Vec::new(),
            2 | 3 => vec![at, at, at + 300_000],
            4 => vec![0],
            5 => vec![at + 600_000],
            _ => vec![at],
        }
    }
}

#[test]
fn each_of_ten_thousand_requests_ends_once_and_as_it_is() {
    let started = Arc::new(OnceLock::new());
    let world = {
        let started = Arc::clone(&started);
        let now: Arc<OnceLock<World>> = Arc::new(OnceLock::new());
        let clock = Arc::clone(&now);
        let world = World::new(move |request| {
            let id = request.uri().path().split('/').nth_back(1).unwrap();
            let now = clock.get().unwrap().now();
            let after = now.since(*started.get().unwrap()).as_millis();
            let truth = Truth(id.parse().unwrap());
            Ok(status(truth.status(u64::try_from(after).unwrap())))
        });
        assert!(now.set(world.clone()).is_ok());
        world
    };
    let start = world.now();
    started.set(start).unwrap();
    let client = world.client();
    let mailbox = client.mailbox().clone();

    let mut callbacks = Vec::new();
    for id in 0..REQUESTS {
        for device in 0..Truth(id).devices() {
            let times = Truth(id).callbacks(device).into_iter();
            callbacks.extend(times.map(|at| (at, id, device)));
        }
    }
    callbacks.sort_unstable();
    // Some come before anybody follows.
    let early = callbacks.partition_point(|&(at, ..)| at == 0);
    for (_, id, device) in callbacks.drain(..early) {
        mailbox.deliver(&message(id, device, Truth(id).succeeds(device)));
    }
    assert!(mailbox.kept() > 1000);

    let follow = client.follow(request(0, 3));
    assert!(size_of_val(&follow) < 2048, "{}", size_of_val(&follow));
    drop(follow);

    let mut tasks: Vec<Task<'_>> = Vec::new();
    for id in 0..REQUESTS {
        let mut request = request(id, Truth(id).devices());
        // Who has a listener asks less often.
        request.settings.first_pause = request.settings.longest_pause;
        let follow = client.follow(request);
        tasks.push(Box::pin(async { Some(follow.await) }));
    }
    assert_eq!(mailbox.kept(), 0);
    let listener = async {
        for (at, id, device) in callbacks {
            world.sleep_until(start.as_millis() + at).await;
            mailbox.deliver(&message(id, device, Truth(id).succeeds(device)));
        }
        None
    };
    tasks.push(Box::pin(listener));
    let ended = world.run(tasks);

    let mut outcomes = 0;
    for (id, outcome) in (0..REQUESTS).zip(ended) {
        let (truth, outcome) = (Truth(id), outcome.unwrap());
        assert_eq!(outcome.request_id.as_str(), id.to_string());
        let mut by_status = false;
        for (device, ended) in (0..truth.devices()).zip(&outcome.devices) {
            let succeeded = ended.result == DeviceResult::Succeeded;
            assert_ne!(ended.result, DeviceResult::Unknown);
            if ended.message.is_some() {
                // The device's own word.
                assert_eq!(succeeded, truth.succeeds(device));
            } else {
                by_status = true;
                assert_eq!(succeeded, truth.status(u64::MAX) == "Success");
            }
            assert_eq!(
                ended.fault().is_some(),
                !succeeded && ended.message.is_some()
            );
        }
        assert_eq!(
            u64::try_from(outcome.devices.len()).unwrap(),
            truth.devices()
        );
        outcomes += u64::from(by_status);
    }
    // Both ways were taken.
    assert!((1000..9000).contains(&outcomes), "{outcomes}");
    let calls = world.served();
    assert!(calls < REQUESTS * 25, "{calls} status calls");
    let deadline = start + Duration::from_secs(20 * 60);
    assert!(world.now() <= deadline);
    // Late and doubled ones are all that is left, and nobody's place.
    let shown = format!("{mailbox:?}");
    assert!(shown.starts_with("Mailbox { followed: 0"), "{shown}");
    assert!(mailbox.kept() > 0 && mailbox.kept() <= 10_000);
}
