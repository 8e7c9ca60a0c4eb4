//! Lists in pages, item by item.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_lite::{
    StreamExt,
    future::{or, poll_once},
};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use thingspace_core::api::{
    Paged,
    devices::{ListDevicesInformation, ThingspaceDevice},
};
use thingspace_driver::Items;

use crate::world::{ACCOUNT, World, json};

const PAGE: i64 = 100;

/// The page of a list of so many devices that a request asks for.
fn page(request: &Request<Bytes>, count: i64) -> Response<Bytes> {
    let asked: Value = serde_json::from_slice(request.body()).unwrap();
    let seen = asked["largestDeviceIdSeen"].as_i64().unwrap_or(0);
    let end = (seen + PAGE).min(count);
    let devices: Vec<_> = (seen + 1..=end)
        .map(|id| json!({"extendedAttributes": [{"key": "DeviceId", "value": id.to_string()}]}))
        .collect();
    json(&json!({"hasMoreData": end < count, "devices": devices}))
}

fn all() -> ListDevicesInformation {
    ListDevicesInformation::new(ACCOUNT)
}

fn id(device: &ThingspaceDevice) -> i64 {
    device.id().unwrap()
}

#[test]
fn all_items_of_all_pages_come_in_their_order() {
    let world = World::new(|request| Ok(page(request, 1050)));
    let items = world.client().items(all());
    assert_eq!(world.served(), 0, "nothing is fetched before it is wanted");
    let ids = world.run_one(items.map(|device| id(&device.unwrap())).collect::<Vec<_>>());
    assert_eq!(ids, (1..=1050).collect::<Vec<_>>());
    assert_eq!(world.served(), 11);
}

#[test]
fn a_list_of_nothing_has_no_items() {
    let world = World::new(|request| Ok(page(request, 0)));
    let mut items = world.client().items(all());
    for _ in 0..2 {
        assert!(world.run_one(items.next()).is_none());
    }
    assert_eq!(world.served(), 1);
    assert!(items.request().is_none() && !items.repeats());
}

#[test]
fn one_page_is_fetched_at_a_time() {
    let world = World::new(|request| Ok(page(request, 1000)));
    let mut items = world.client().items(all());
    for number in 1..=250 {
        let device = world.run_one(items.next()).unwrap().unwrap();
        assert_eq!(id(&device), number);
        assert_eq!(
            i64::try_from(world.served()).unwrap(),
            (number + PAGE - 1) / PAGE
        );
    }
}

/// A list whose third page fails until it is mended.
fn broken() -> (World, Arc<AtomicBool>) {
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&is_broken);
    let world = World::new(move |request| {
        let asked: Value = serde_json::from_slice(request.body()).unwrap();
        if asked["largestDeviceIdSeen"] == 200 && broken.load(Relaxed) {
            let response = Response::builder().status(StatusCode::BAD_REQUEST);
            return Ok(response.body("{}".into()).unwrap());
        }
        Ok(page(request, 450))
    });
    (world, is_broken)
}

#[test]
fn a_page_that_fails_ends_the_list_until_it_is_resumed() {
    let (world, is_broken) = broken();
    let mut items = world.client().items(all());
    let mut ids = Vec::new();
    let error = world.run_one(async {
        loop {
            match items.next().await {
                Some(Ok(device)) => ids.push(id(&device)),
                Some(Err(error)) => return error,
                None => panic!("the third page was left out"),
            }
        }
    });
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!((ids.len(), world.served()), (200, 3));
    // It never goes on by itself.
    for _ in 0..3 {
        assert!(world.run_one(items.next()).is_none());
    }
    assert_eq!(world.served(), 3);
    let failed = items.request().unwrap().clone();
    assert_eq!(failed.cursor().as_deref(), Some("200"));

    // Another failure, and then another process goes on.
    items.resume();
    assert!(world.run_one(items.next()).unwrap().is_err());
    is_broken.store(false, Relaxed);
    let elsewhere = world.client().items(failed);
    let rest = world.run_one(
        elsewhere
            .map(|device| id(&device.unwrap()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(rest, (201..=450).collect::<Vec<_>>());
    // And so may this one.
    items.resume();
    let again = world.run_one(items.map(|device| id(&device.unwrap())).collect::<Vec<_>>());
    assert_eq!(again, rest);
}

#[test]
fn whoever_goes_on_from_a_request_misses_no_item() {
    let world = World::new(|request| Ok(page(request, 450)));
    for stops_after in [0, 1, 99, 100, 101, 399, 400, 449, 450] {
        let client = world.client();
        let mut items = client.items(all());
        let mut seen = Vec::new();
        for _ in 0..stops_after {
            seen.push(id(&world.run_one(items.next()).unwrap().unwrap()));
        }
        if let Some(request) = items.request().cloned() {
            let rest = client.items(request).map(|device| id(&device.unwrap()));
            seen.extend(world.run_one(rest.collect::<Vec<_>>()));
        }
        assert!(seen.len() < 450 + 100);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (1..=450).collect::<Vec<_>>(), "{stops_after}");
    }
}

#[test]
fn a_list_ends_on_a_page_that_repeats_itself() {
    let world = World::new(|_| {
        let device = json!({"extendedAttributes": [{"key": "DeviceId", "value": "7"}]});
        Ok(json(&json!({"hasMoreData": true, "devices": [device]})))
    });
    let mut items: Items<World, _> = world.client().items(all());
    let ids = world.run_one(
        (&mut items)
            .map(|device| id(&device.unwrap()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(ids, [7]);
    assert!(items.repeats());
    assert!(items.request().is_none());
    assert_eq!(world.served(), 2);
}

#[test]
fn a_list_that_is_dropped_or_given_up_for_a_while_loses_nothing() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let world = World::new(move |request| {
        seen.lock().unwrap().push(request.body().clone());
        Ok(page(request, 150))
    });
    let client = world.client();
    let mut dropped = client.items(all());
    assert!(
        world
            .run_one(async { poll_once(dropped.next()).await })
            .is_none()
    );
    drop(dropped);

    // Whoever stops waiting for an item may wait for it again: it is on its way.
    let mut items = client.items(all());
    let give_up = async {
        world.sleep(Duration::from_millis(10)).await;
        None
    };
    let device = async { items.next().await };
    assert!(world.run_one(or(give_up, device)).is_none());
    let ids = world.run_one(
        pin!(items)
            .map(|device| id(&device.unwrap()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(ids.len(), 150);
    assert_eq!(world.served(), 3);
    assert_eq!(requests.lock().unwrap().len(), 2);
}
