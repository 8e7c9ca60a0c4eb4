//! Asynchronous requests that are followed to their outcome: by their status and by
//! callbacks, whichever comes first.
//!
//! Their status comes from a service of a few lines.

use std::{
    io::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use thingspace_core::{
    Environment,
    asynchronous::{AsynchronousRequest, DeviceResult, FollowSettings},
    callback::CallbackMessage,
    model::{AccountDeviceList, DeviceId, FromJson, RequestId},
};
use thingspace_simulator::Simulator;

use crate::{
    Client, Mailbox,
    stage::{LONG, Stage, server_that},
};

/// Starts a service that responds to each request, by its number from 0, with this status
/// and body.
fn responding(
    respond: impl Fn(u64) -> (u16, String) + Send + Sync + 'static,
) -> (Environment, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let server = server_that(move |mut stream, request| {
        let request = String::from_utf8_lossy(request);
        let line = request.lines().next().unwrap_or_default();
        // A client may connect without a request.
        if line.is_empty() {
            return;
        }
        let start = format!("GET /api/m2m/v1/accounts/{}/requests/", Simulator::ACCOUNT);
        assert!(
            line.starts_with(&start) && line.ends_with("/status HTTP/1.1"),
            "{line}"
        );
        let (status, body) = respond(count.fetch_add(1, Ordering::SeqCst));
        let head = format!(
            "HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // The client may be gone.
        stream.write_all((head + &body).as_bytes()).ok();
    });
    (server, counted)
}

fn status(status: &str) -> (u16, String) {
    (200, json!({"status": status}).to_string())
}

/// Returns a client with an open session, at this address.
fn client_at<C: Client>(stage: &Stage<C>, environment: Environment) -> C {
    let client = stage.client();
    client.log_in().unwrap();
    stage.moved(&client, environment)
}

fn imei(number: usize) -> DeviceId {
    DeviceId::imei(format!("{number:015}"))
}

/// Returns a request about as many devices, whose status is asked for soon and often.
fn request(id: &str, devices: usize) -> AsynchronousRequest {
    let devices: Vec<_> = (0..devices)
        .map(imei)
        .map(AccountDeviceList::from)
        .collect();
    let mut settings = FollowSettings::default();
    settings.first_pause = Duration::from_millis(1);
    settings.longest_pause = Duration::from_millis(4);
    AsynchronousRequest::new(Simulator::ACCOUNT, RequestId::new(id).unwrap())
        .with_devices(devices)
        .with_settings(settings)
}

/// Returns the same request, followed by callbacks alone.
fn without_polls(mut request: AsynchronousRequest) -> AsynchronousRequest {
    request.settings.first_pause = Duration::MAX;
    request
}

/// Returns a callback about one device.
fn callback(id: &str, device: usize, success: bool) -> CallbackMessage {
    let mut message = json!({
        "requestId": id,
        "deviceIds": [{"id": imei(device).id, "kind": "Imei"}],
        "status": if success { "Success" } else { "Failed" },
    });
    if !success {
        let fault = json!({"faultcode": "REQUEST_FAILED.Sim", "faultstring": "No SIM."});
        message["faultResponse"] = fault;
    }
    CallbackMessage::from_json(message).unwrap()
}

pub(crate) fn a_request_is_followed_by_its_status_to_its_end<C: Client>() {
    let stage = Stage::<C>::new();
    let (server, asked) = responding(|number| match number {
        0 | 1 => status("Pending"),
        // Neither is an outcome.
        2 => (400, "{}".to_owned()),
        3 => status("Nearly"),
        _ => status("Success"),
    });
    let client = client_at(&stage, server);
    let outcome = client.follow(request("595f5c44", 1));
    assert!(outcome.is_success());
    assert_eq!(outcome.request_id.as_str(), "595f5c44");
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}

pub(crate) fn a_callback_ends_a_request_that_is_pending_by_its_status<C: Client>() {
    let stage = Stage::<C>::new();
    // As soon as the status has been asked for, the listener has a message.
    let mailbox: Arc<OnceLock<Mailbox>> = Arc::default();
    let listener = Arc::clone(&mailbox);
    let (server, _) = responding(move |number| {
        if number == 2 {
            let mailbox = listener.get().unwrap();
            mailbox.deliver(&callback("another", 0, true));
            mailbox.deliver(&callback("595f5c44", 0, false));
        }
        status("Pending")
    });
    let client = client_at(&stage, server);
    mailbox.set(client.mailbox().clone()).unwrap();
    let outcome = client.follow(request("595f5c44", 1));
    let device = &outcome.devices[0];
    assert_eq!(device.result, DeviceResult::Failed);
    let fault = device.fault().unwrap();
    assert_eq!(fault.fault_code.as_deref(), Some("REQUEST_FAILED.Sim"));
    assert_eq!(fault.fault_string.as_deref(), Some("No SIM."));
}

pub(crate) fn a_callback_is_there_for_the_follower_that_comes_later<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.mailbox().deliver(&callback("595f5c44", 0, true));
    assert!(client.follow(request("595f5c44", 1)).is_success());
    assert_eq!(stage.seen_in_all(), 0);
}

pub(crate) fn the_devices_of_a_request_end_one_by_one<C: Client>() {
    let stage = Stage::<C>::new();
    let mailbox: Arc<OnceLock<Mailbox>> = Arc::default();
    let listener = Arc::clone(&mailbox);
    let (server, _) = responding(move |number| {
        let deliver = |device, success| {
            let mailbox = listener.get().unwrap();
            mailbox.deliver(&callback("595f5c44", device, success));
        };
        match number {
            0 => deliver(1, false),
            // Twice, and then it is said otherwise.
            1 => [true, true, false]
                .map(|success| deliver(2, success))
                .into_iter()
                .collect(),
            2 => {}
            _ => return status("Success"),
        }
        status("Pending")
    });
    let client = client_at(&stage, server);
    mailbox.set(client.mailbox().clone()).unwrap();
    let outcome = client.follow(request("595f5c44", 4));
    let results = outcome.devices.iter().map(|device| device.result);
    let success = DeviceResult::Succeeded;
    let expected = [success, DeviceResult::Failed, success, success];
    assert_eq!(results.collect::<Vec<_>>(), expected);
    assert!(outcome.devices[2].message.is_some());
    assert!(outcome.devices[3].message.is_none());
}

pub(crate) fn a_request_of_which_nothing_is_heard_is_unknown_at_its_deadline<C: Client>() {
    let stage = Stage::<C>::new();
    let time = stage.clients_time();
    let (server, asked) = responding(move |number| {
        if number == 2 {
            time.pass(FollowSettings::default().timeout);
        }
        status("Pending")
    });
    let client = client_at(&stage, server);
    let start = Instant::now();
    let outcome = client.follow(request("595f5c44", 2));
    assert_eq!(outcome.with(DeviceResult::Unknown).count(), 2);
    assert!(start.elapsed() < LONG);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

pub(crate) fn many_requests_are_followed_at_once<C: Client>() {
    const REQUESTS: usize = 100;
    let stage = Stage::<C>::new();
    let client = stage.client();
    let id = |number: usize| format!("request {number}");
    let is_success = |number: usize| number % 3 > 0;
    let outcomes = thread::scope(|scope| {
        let client = &client;
        let followers: Vec<_> = (0..REQUESTS)
            .map(|number| {
                scope.spawn(move || client.follow(without_polls(request(&id(number), 1))))
            })
            .collect();
        // Backwards, and every fifth twice.
        for number in (0..REQUESTS).rev() {
            for _ in 0..=usize::from(number % 5 == 0) {
                let message = callback(&id(number), 0, is_success(number));
                client.mailbox().deliver(&message);
            }
        }
        let outcomes = followers.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.map(Result::unwrap).collect::<Vec<_>>()
    });
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.request_id.as_str(), id(number));
        assert_eq!(outcome.is_success(), is_success(number));
    }
    assert_eq!(stage.seen_in_all(), 0);
    // What came twice is kept at the most.
    assert!(client.mailbox().kept() <= REQUESTS / 5);
}
