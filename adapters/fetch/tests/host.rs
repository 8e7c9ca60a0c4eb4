//! The host of the module, without a module: JSON in, JSON out, against a simulator in
//! memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use thingspace_core::{Timestamp, session::Snapshot};
use thingspace_fetch::{Host, read_snapshot};
use thingspace_simulator::{Call, Fault, Simulator};

const ACCOUNT: &str = "/m2m/v1/accounts/0000123456-00001";

/// A client, its service, its store, and the time.
struct World {
    host: Host,
    service: Simulator,
    now: u64,
    /// The revision and the snapshot that the store has, and when it was saved.
    record: Option<(String, String, u64)>,
    /// Everything that came out.
    said: String,
    ended: Vec<Value>,
    /// The requests that are on their way.
    sent: Vec<(Value, Bytes)>,
    wake: Option<u64>,
    is_idle: bool,
}

impl World {
    fn new(service: Simulator, options: &Value) -> Self {
        let mut world = Self {
            host: Host::default(),
            service,
            now: 1_700_000_000_000,
            record: None,
            said: String::new(),
            ended: Vec::new(),
            sent: Vec::new(),
            wake: None,
            is_idle: false,
        };
        let mut config = json!({
            "credentials": {
                "key": Simulator::KEY,
                "secret": Simulator::SECRET,
                "username": Simulator::USERNAME,
                "password": Simulator::PASSWORD,
            },
            "environment": "mock",
            "seed": "0123456789abcdef",
        });
        for (name, value) in options.as_object().unwrap() {
            config[name] = value.clone();
        }
        let todo = world.input(json!({ "create": config }), &[]);
        assert_eq!(todo["invalid"], Value::Null);
        world
    }

    /// Tells the host what happened, and does what needs no network.
    fn input(&mut self, what: impl Into<Value>, body: &[u8]) -> Value {
        let what: Value = what.into();
        let input = json!({ "now": self.now, "what": what });
        let mut output = self
            .host
            .input(input.to_string().into_bytes(), Bytes::copy_from_slice(body));
        self.said += output.json();
        let todo: Value = serde_json::from_str(output.json()).unwrap();
        self.wake = todo["wake"].as_u64();
        self.is_idle = todo["idle"] == true;
        for effect in todo["effects"].as_array().into_iter().flatten() {
            let (name, it) = effect.as_object().unwrap().iter().next().unwrap();
            match name.as_str() {
                "send" => {
                    let number = usize::try_from(it["body"].as_u64().unwrap()).unwrap();
                    self.sent.push((it.clone(), output.take_body(number)));
                }
                "abort" => {
                    let exchange = &it["exchange"];
                    self.sent.retain(|(sent, _)| sent["exchange"] != *exchange);
                    let failed = json!({ "exchange": exchange, "error": "given up" });
                    self.input(json!({ "failed": failed }), &[]);
                }
                "load" => {
                    let mut loaded = json!({ "access": it["access"] });
                    if let Some((_, snapshot, saved_at)) = &self.record {
                        let age = self.now - saved_at;
                        loaded["record"] = json!({ "snapshot": snapshot, "age": age });
                    }
                    self.input(json!({ "loaded": loaded }), &[]);
                }
                "save" => {
                    let has = self.record.as_ref().map(|(revision, ..)| revision.as_str());
                    let saved = has == it["seen"].as_str();
                    if saved {
                        let text = |name: &str| it[name].as_str().unwrap().to_owned();
                        self.record = Some((text("revision"), text("snapshot"), self.now));
                    }
                    let saved = json!({ "access": it["access"], "saved": saved });
                    self.input(json!({ "saved": saved }), &[]);
                }
                "done" | "failed" => self.ended.push(effect.clone()),
                _ => {}
            }
        }
        todo
    }

    fn call(&mut self, call: u64) {
        let request = json!({ "method": "GET", "url": ACCOUNT, "headers": [] });
        let call = json!({ "call": call, "request": request });
        self.input(json!({ "call": call }), &[]);
    }

    fn own(&mut self, call: u64, what: &str) {
        self.input(
            json!({ "own": { "call": call, "what": what, "timeout": null } }),
            &[],
        );
    }

    /// Lets the service respond to the first request on its way. Returns false if there is
    /// none.
    fn respond(&mut self) -> bool {
        if self.sent.is_empty() {
            return false;
        }
        let (sent, body) = self.sent.remove(0);
        let mut request = Request::builder()
            .method(sent["method"].as_str().unwrap())
            .uri(sent["url"].as_str().unwrap());
        for header in sent["headers"].as_array().unwrap() {
            request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
        }
        // As fetch counts.
        let request = request
            .header("content-length", body.len())
            .body(body)
            .unwrap();
        let reply = self
            .service
            .respond(Timestamp::from_millis(self.now), &request);
        self.now += 80;
        let exchange = &sent["exchange"];
        if let Some(response) = reply.into_response() {
            let headers = response.headers().iter();
            let headers: Vec<_> = headers
                .map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()]))
                .collect();
            let head = json!({ "status": response.status().as_u16(), "headers": headers });
            let what = json!({ "exchange": exchange, "response": head });
            self.input(json!({ "response": what }), response.body());
        } else {
            let what = json!({ "exchange": exchange, "error": "broken" });
            self.input(json!({ "failed": what }), &[]);
        }
        true
    }

    /// Goes on until nothing is left to do but to be called.
    fn run(&mut self) {
        for _ in 0..10_000 {
            if self.respond() {
                continue;
            }
            let Some(wait) = self.wake else {
                assert!(self.is_idle);
                return;
            };
            self.now += wait.max(1);
            self.input(json!("wake"), &[]);
        }
        panic!("it does not end");
    }

    fn count(&self, call: Call) -> u64 {
        self.service.counts().seen(call)
    }
}

#[test]
fn law_1_fifty_calls_make_one_login() {
    for options in [json!({}), json!({ "store": {} })] {
        let mut world = World::new(Simulator::new(1), &options);
        for call in 1..=50 {
            world.call(call);
        }
        world.run();
        assert_eq!(world.ended.len(), 50);
        assert!(
            world
                .ended
                .iter()
                .all(|ended| ended["done"]["result"]["response"]["status"] == 200)
        );
        assert_eq!(world.count(Call::BearerToken), 1);
        assert_eq!(world.count(Call::LogIn), 1);
        assert_eq!(world.record.is_some(), options != json!({}));
    }
}

#[test]
fn law_11_the_same_inputs_have_the_same_outputs() {
    let story = || {
        let mut service = Simulator::new(2);
        service.inject(Call::LogIn, Fault::Drop);
        service.inject(Call::Account, Fault::Drop);
        let mut world = World::new(service, &json!({ "store": {} }));
        world.call(1);
        world.call(2);
        world.run();
        world.own(3, "requestReset");
        world.run();
        world.own(4, "logOut");
        world.run();
        (world.said, world.now)
    };
    assert_eq!(story(), story());
}

#[test]
fn a_login_that_is_lost_is_made_again_when_its_time_has_come() {
    let mut service = Simulator::new(3);
    service.inject(Call::LogIn, Fault::Drop);
    let mut world = World::new(service, &json!({}));
    let begun = world.now;
    world.call(1);
    world.run();
    assert_eq!(world.ended[0]["done"]["call"], 1);
    assert_eq!(world.count(Call::LogIn), 2);
    assert!(world.now - begun >= 30_000);
}

#[test]
fn a_request_that_is_not_heard_of_is_given_up_at_its_deadline() {
    let mut world = World::new(Simulator::new(4), &json!({}));
    world.call(1);
    let begun = world.now;
    // Nobody responds to the token fetch: it is sent again later.
    assert_eq!(world.sent.len(), 1);
    world.now += world.wake.unwrap();
    world.input(json!("wake"), &[]);
    assert_eq!(world.now - begun, 30_000);
    world.run();
    assert_eq!(world.count(Call::BearerToken), 1);
    assert_eq!(world.ended[0]["done"]["call"], 1);
}

#[test]
fn a_call_that_is_given_up_at_any_point_harms_no_other() {
    for responses in 0..8 {
        let mut world = World::new(Simulator::new(5), &json!({ "store": {} }));
        world.call(1);
        world.call(2);
        for _ in 0..responses {
            world.respond();
        }
        world.input(json!({ "cancel": { "call": 1 } }), &[]);
        world.run();
        assert_eq!(world.ended.len(), 2);
        let done = world.ended.iter().filter(|ended| !ended["done"].is_null());
        assert!(done.clone().any(|ended| ended["done"]["call"] == 2));
        assert_eq!(world.count(Call::LogIn), 1);
        assert_eq!(world.count(Call::BearerToken), 1);
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut world = World::new(Simulator::new(6), &json!({}));
    for what in [
        json!(null),
        json!("nonsense"),
        json!({ "call": { "call": 1 } }),
        json!({ "call": { "call": 1, "request": { "method": "GET", "url": 5, "headers": [] } } }),
        json!({ "call": { "call": 0, "request": { "method": "GET", "url": "/", "headers": [] } } }),
        json!({ "own": { "call": 1, "what": "logIn", "when": "now" } }),
        json!({ "own": { "call": 1.5, "what": "logIn" } }),
        json!({ "create": {} }),
        json!({ "own": { "call": 1, "what": "dance", "timeout": null } }),
        json!({ "response": { "exchange": 1, "status": 200 } }),
    ] {
        let todo = world.input(what, &[]);
        assert!(todo["invalid"].is_string());
    }
    for what in [
        json!({ "response": { "exchange": 7, "response": { "status": 200, "headers": [] } } }),
        json!({ "failed": { "exchange": 7, "error": "" } }),
        json!({ "cancel": { "call": 7 } }),
        json!({ "response": { "exchange": 7, "response": { "status": 70_000, "headers": [] } } }),
        json!({ "loaded": { "access": 7 } }),
        json!({ "saved": { "access": 7, "saved": true } }),
        json!({ "storeFailed": { "access": 7, "error": "" } }),
        json!("storeChanged"),
        json!("wake"),
    ] {
        let todo = world.input(what, &[]);
        assert_eq!(todo["invalid"], Value::Null);
        assert_eq!(todo["effects"], json!([]));
    }
    world.call(1);
    world.run();
    assert_eq!(world.ended[0]["done"]["call"], 1);
}

#[test]
fn bytes_that_are_no_json_are_refused() {
    let mut host = Host::default();
    for bytes in [
        &b""[..],
        b"{",
        b"\xff\xfe",
        b"[[[[",
        b"{\"now\":1,\"what\":\"wake\"}",
    ] {
        let output = host.input(bytes.to_vec(), Bytes::new());
        let todo: Value = serde_json::from_str(output.json()).unwrap();
        assert!(todo["invalid"].is_string());
        assert!(output.body(3).is_empty());
    }
}

/// All JSON that differs from this in one place: a value is missing, or another one.
fn spoiled(value: &Value) -> Vec<Value> {
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(70_000),
        json!(u64::MAX),
        json!("x"),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "x": 1 }),
    ];
    let mut all = others.to_vec();
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let mut less = fields.clone();
                less.remove(name);
                all.push(less.into());
                for inner in spoiled(inner) {
                    let mut other = fields.clone();
                    other.insert(name.clone(), inner);
                    all.push(other.into());
                }
            }
            // As serde reads a list in the place of an object.
            all.push(fields.values().cloned().collect());
        }
        Value::Array(values) => {
            for (at, inner) in values.iter().enumerate() {
                for inner in spoiled(inner) {
                    let mut other = values.clone();
                    other[at] = inner;
                    all.push(other.into());
                }
            }
        }
        _ => {}
    }
    all
}

#[test]
fn law_11_a_snapshot_is_read_as_serde_json_reads_it() {
    let mut service = Simulator::new(8);
    service.inject(Call::LogIn, Fault::Drop);
    service.inject(Call::LogIn, Fault::Status(StatusCode::BAD_REQUEST));
    let mut world = World::new(service, &json!({ "store": {} }));
    world.call(1);
    let mut saved = Vec::new();
    while !world.is_idle {
        if !world.respond() {
            world.now += world.wake.unwrap().max(1);
            world.input(json!("wake"), &[]);
        }
        saved.extend(world.record.clone().map(|(_, snapshot, _)| snapshot));
    }
    // One in the midst of failures, and one of an open session.
    let fullest = saved.iter().max_by_key(|text| text.len());
    for text in [fullest.unwrap(), saved.last().unwrap()] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(read_snapshot(text).is_some());
        for spoiled in spoiled(&value) {
            let text = spoiled.to_string();
            let expected: Option<Snapshot> = serde_json::from_str(&text).ok();
            let has_list = text.matches('[').count() != value.to_string().matches('[').count();
            // A list in the place of an object is refused here, and nothing else is.
            if expected.is_some() && has_list {
                continue;
            }
            assert!(read_snapshot(&text) == expected);
        }
    }
}
