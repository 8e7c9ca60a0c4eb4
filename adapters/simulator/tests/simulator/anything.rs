//! The service responds to every request, valid or not.

use bytes::Bytes;
use fastrand::Rng;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request};
use thingspace_core::Timestamp;
use thingspace_simulator::{Call, Reply, Simulator};

use crate::service::*;

/// Pieces of valid and invalid requests.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "'",
    "<",
    "%",
    "&",
    "=",
    " ",
    "\u{e9}",
    "\0",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "null",
    "\"username\"",
    "\"zbeeblebrox\"",
    "\"password\"",
    "\"IMgr8\"",
    "\"oldPassword\"",
    "\"accountName\"",
    "\"maxNumberOfDevices\"",
    "\"largestDeviceIdSeen\"",
    "\"devices\":[{\"deviceIds\":[{\"id\":\"990000100000001\",\"kind\":\"imei\"}]}]",
    "\"deviceId\":{\"id\":\"990000100000001\",\"kind\":\"imei\"}",
    "\"earliest\":\"2020-12-01T00:00:00Z\"",
    "\"latest\":\"2020-12-01T00:00:00+23\"",
    "\"accountName\":\"0000123456-00001\"",
    "\"servicePlan\":\"5MB\"",
    "\"groupName\":\"Unassigned Devices\"",
    "\"name\":\"CarrierService\",\"url\":\"http://localhost\"",
    "grant_type",
    "client_credentials",
    "token",
];

const CALLS: [(Method, &str); 9] = [
    (Method::POST, TOKEN),
    (Method::POST, REVOKE),
    (Method::POST, LOGIN),
    (Method::POST, LOGOUT),
    (Method::PUT, RESET),
    (Method::GET, ACCOUNT),
    (Method::POST, DEVICES),
    (Method::GET, "/"),
    (Method::OPTIONS, "*"),
];

/// Bodies that are valid for some call.
const BODIES: [&str; 8] = [
    "{}",
    r#"{"username":"zbeeblebrox","password":"IMgr8"}"#,
    r#"{"oldPassword":"IMgr8"}"#,
    r#"{"servicePlan":"5MB"}"#,
    r#"{"name":"CarrierService","url":"http://localhost"}"#,
    r#"{"deviceId":{"id":"990000100000001","kind":"imei"},"earliest":"2020-12-01T00:00:00Z","latest":"9999-12-01T00:00:00-0800"}"#,
    "grant_type=client_credentials",
    "grant_type=client_credentials&token=x",
];

fn some_text(rng: &mut Rng) -> String {
    let length = rng.usize(..16);
    (0..length).filter_map(|_| rng.choice(PIECES)).collect()
}

/// Returns the method and the path of any call.
fn some_call(rng: &mut Rng) -> (Method, String) {
    let calls: Vec<_> = Call::all().filter(|call| *call != Call::Unknown).collect();
    let call = rng.choice(calls).unwrap();
    let parameters = [Simulator::ACCOUNT, "Unassigned Devices"];
    let next = rng.choice(["", "?next=9007199254740993", "?next=1", "?LabelList=x"]);
    let path = format!("{}{}", path(call, &parameters), next.unwrap());
    (call.method().parse().unwrap(), path)
}

fn some_request(rng: &mut Rng, tokens: &Tokens) -> Request<Bytes> {
    let (method, path) = if rng.bool() {
        some_call(rng)
    } else {
        let (method, path) = rng.choice(CALLS).unwrap();
        (method, path.to_owned())
    };
    let method = match rng.u8(..4) {
        0 => rng
            .choice([Method::CONNECT, Method::GET, Method::POST])
            .unwrap(),
        _ => method,
    };
    let body = match rng.u8(..3) {
        0 => some_text(rng),
        _ => rng.choice(BODIES).unwrap().to_owned(),
    };
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    let headers = request.headers_mut();
    let json = HeaderValue::from_static("application/json");
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    match rng.u8(..4) {
        0 => {}
        1 => {
            headers.insert("authorization", HeaderValue::from_static(BASIC));
        }
        _ => {
            let bearer = format!("Bearer {}", tokens.bearer);
            headers.insert("authorization", bearer.parse().unwrap());
            headers.insert("vz-m2m-token", tokens.session.parse().unwrap());
        }
    }
    if let Some(media_type) = rng.choice([None, Some(json), Some(form)]).flatten() {
        headers.insert("content-type", media_type);
    }
    for name in [
        "authorization",
        "vz-m2m-token",
        "content-type",
        "host",
        "content-length",
    ] {
        if rng.u8(..8) == 0 {
            if let Ok(value) = HeaderValue::from_bytes(some_text(rng).as_bytes()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    request
}

#[test]
fn every_request_gets_a_response_at_any_time() {
    let mut rng = Rng::with_seed(7);
    let mut executed = 0;
    let mut refused = 0;

    for seed in 0..500 {
        let simulator = Simulator::new(seed)
            .authority("localhost")
            .content_length_required(rng.bool());
        let mut service = Service::with(simulator);
        let tokens = service.log_in();
        for _ in 0..100 {
            let request = some_request(&mut rng, &tokens);
            if rng.u8(..) == 0 {
                service.now = Timestamp::from_millis(rng.u64(..));
            }

            let reply = service.reply(&request);
            service.simulator.callbacks_due(service.now);

            let Reply::Response(response) = reply else {
                panic!("{reply:?}");
            };
            match response.status().as_u16() {
                200 | 202 => executed += 1,
                400 | 401 | 411 | 415 => refused += 1,
                other => panic!("{other}: {request:?}"),
            }
        }
    }

    // A run without enough of both would prove little.
    assert!(executed > 1000, "{executed}");
    assert!(refused > 1000, "{refused}");
}
