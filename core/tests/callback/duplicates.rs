//! Which messages are told as sent again.

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};
use thingspace_core::{
    callback::{CallbackKey, Duplicates},
    model::RequestId,
};

use crate::stage::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn key(body: &Value) -> CallbackKey {
    accepted(body).key
}

/// The key of a message about the device of this number.
fn key_of(device: usize) -> CallbackKey {
    key(&message(
        &json!({"deviceIds": [{"id": device.to_string(), "kind": "imei"}]}),
    ))
}

#[test]
fn a_message_that_is_sent_again_has_the_same_key() {
    let sent = activated();
    let mut again = sent.clone();
    again["callbackCount"] = json!(2);
    assert_eq!(key(&again), key(&sent));
    again.as_object_mut().unwrap().remove("callbackCount");
    assert_eq!(key(&again), key(&sent));

    let in_lines = serde_json::to_string_pretty(&sent).unwrap();
    assert_eq!(read(in_lines).unwrap().key, key(&sent));
}

#[test]
fn neither_the_order_of_fields_nor_the_password_makes_another_key() {
    let one = r#"{"username":"zaffod","password":"drowssap","a":{"b":1,"c":[2]},"requestId":"x"}"#;
    let two = r#"{"requestId":"x","a":{"c":[2],"b":1},"password":"new","username":"zaffod"}"#;
    let mut listener = listener();
    listener.rotate(credentials(USERNAME, "new"), NOW + HOUR);
    let key = |body: &'static str| listener.read(&post(body), NOW).unwrap().key;
    assert_eq!(key(one), key(two));
}

#[test]
fn every_other_difference_makes_another_key() {
    let mut bodies = all();
    for field in ["requestId", "deviceIds", "status", "new"] {
        for other in [json!(null), json!("other"), json!(["other"]), json!([[]])] {
            let mut body = activated();
            body[field] = other;
            bodies.push(body);
        }
    }
    // All the devices of a request have its id.
    bodies.extend((0..100).map(|device| {
        message(&json!({"deviceIds": [{"id": device.to_string(), "kind": "imei"}]}))
    }));
    let keys: HashSet<_> = bodies.iter().map(key).collect();
    assert_eq!(keys.len(), bodies.len());
}

#[test]
fn values_that_look_alike_have_keys_of_their_own() {
    let values = [
        json!(null),
        json!(false),
        json!(true),
        json!(0),
        json!(1),
        json!(1.0),
        json!("1"),
        json!(""),
        json!([]),
        json!({}),
        json!([[]]),
        json!([[], []]),
        json!(["a", "b"]),
        json!(["ab"]),
        json!(["ab", ""]),
        json!({"a": "b"}),
        json!({"a": {"b": ""}}),
        json!({"ab": ""}),
    ];
    let keys = values
        .iter()
        .map(|value| key(&message(&json!({"a": value}))));
    assert_eq!(keys.collect::<HashSet<_>>().len(), values.len());
}

/// It may be a key of a database: another one would let old messages in again.
#[test]
fn a_key_is_the_same_in_every_build() {
    let key = key(&activated());
    assert_eq!(key.request_id().map(RequestId::as_str), Some(REQUEST_ID));
    assert_eq!(key.digest(), 0x8833_e360_a3ca_642a_2a6f_b5d8_2555_1d1c);
    assert_eq!(
        key.to_string(),
        "d1f08526-5443-4054-9a29-4456490ea9f8/8833e360a3ca642a2a6fb5d825551d1c"
    );
    let nameless = json!({"username": USERNAME, "password": PASSWORD});
    assert!(accepted(&nameless).key.to_string().starts_with('/'));
}

#[test]
fn a_message_is_known_from_when_it_is_recorded_until_its_time_is_over() {
    let mut known = Duplicates::new(10, HOUR);
    assert!(known.is_empty());
    assert!(!known.is_known(&key_of(1), NOW));
    assert!(known.record(&key_of(1), NOW));
    assert!(known.is_known(&key_of(1), NOW));
    assert!(!known.is_known(&key_of(2), NOW));

    // Sent again, it does not stay for longer.
    let later = NOW + Duration::from_millis(3_599_999);
    assert!(!known.record(&key_of(1), later));
    assert!(known.is_known(&key_of(1), later));
    assert!(!known.is_known(&key_of(1), NOW + HOUR));
    assert!(known.record(&key_of(1), NOW + HOUR));
    assert_eq!(known.len(), 1);
}

#[test]
fn the_oldest_is_forgotten_if_there_are_too_many() {
    let mut known = Duplicates::new(3, HOUR);
    for device in 0..5 {
        assert!(known.record(&key_of(device), NOW));
        assert!(known.len() <= 3);
    }
    let still = (0..5).filter(|&device| known.is_known(&key_of(device), NOW));
    assert_eq!(still.collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn what_is_over_makes_room() {
    let mut known = Duplicates::new(1000, HOUR);
    for device in 0..100 {
        known.record(&key_of(device), NOW);
    }
    known.record(&key_of(100), NOW + HOUR);
    assert_eq!(known.len(), 1);
}

#[test]
fn a_window_for_nothing_knows_nothing() {
    let mut none = Duplicates::new(0, HOUR);
    assert!(none.record(&key_of(1), NOW));
    assert!(none.is_empty() && !none.is_known(&key_of(1), NOW));
    let mut brief = Duplicates::new(10, Duration::ZERO);
    assert!(brief.record(&key_of(1), NOW));
    assert!(brief.record(&key_of(1), NOW));
    assert_eq!(brief.len(), 1);
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing_too_soon() {
    let mut known = Duplicates::new(3, HOUR);
    let (ahead, later) = (NOW + 48 * HOUR, NOW + HOUR);
    known.record(&key_of(1), ahead);
    known.record(&key_of(2), NOW);
    assert!(known.is_known(&key_of(1), NOW));
    // The second is over, and stands behind one that is not.
    assert!(!known.is_known(&key_of(2), later));
    assert!(known.record(&key_of(2), later));
    assert!(!known.record(&key_of(2), later));
    // Recorded twice, it takes the room of one.
    assert!(known.record(&key_of(3), later));
    assert!((1..=3).all(|device| known.is_known(&key_of(device), later)));
    for device in 4..20 {
        known.record(&key_of(device), later);
        assert_eq!(known.len(), 3);
    }
}

#[test]
fn a_window_shows_its_bounds_and_its_number() {
    let mut known = Duplicates::new(3, HOUR);
    known.record(&key_of(1), NOW);
    let shown = format!("{known:?}");
    assert_eq!(
        shown,
        "Duplicates { capacity: 3, length: 3600s, known: 1, .. }"
    );
}
