//! Callbacks that the simulator sends to a listener, about ten thousand requests.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex, mpsc::TryRecvError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use thingspace_core::{
    Password,
    api::{
        callbacks::RegisterCallback, device_service::ActivateServiceForDevices,
        devices::ListDevicesInformation,
    },
    asynchronous::{AsynchronousRequest, DeviceResult, RequestOutcome},
    callback::{CallbackMessage, Duplicates, Listener, ListenerCredentials},
    model::{AccountDeviceList, CallbackService, DeviceId, RequestId},
};
use thingspace_simulator::{Call, Fault, Part, Simulator};

use crate::{
    Client, Mailbox,
    paging::for_large_pages,
    stage::{LONG, MINUTE, Stage, connections_to},
};

const REQUESTS: usize = 10_000;

/// The threads that make the requests.
const THREADS: usize = 4;

/// The most who learn at once that time has passed: each has a connection of its own.
const AT_ONCE: usize = 64;

/// The time that a request takes, and the longest time that a callback is late by. No
/// session expires meanwhile, nor does anybody stop following.
const REQUEST_TIME: Duration = Duration::from_secs(10 * 60);
const LATENESS: Duration = Duration::from_secs(5 * 60);

const USERNAME: &str = "listener";
const PASSWORD: &str = "drowssap";
const CODE: &str = "REQUEST_FAILED.Vogons";

/// Returns the identifier of the only device of a request.
fn imei(number: usize) -> String {
    format!("{number:015}")
}

/// Returns the reason for which a request fails, if it does.
fn reason(number: usize) -> Option<String> {
    (number % 7 == 3).then(|| format!("There is no form {number}."))
}

/// The messages that a listener has accepted.
struct Inbox {
    mailbox: Mailbox,
    known: Duplicates,
    /// The requests that they are about, in the order in which they came.
    heard: Vec<RequestId>,
    doubled: usize,
}

impl Inbox {
    fn new(mailbox: Mailbox) -> Self {
        Self {
            mailbox,
            known: Duplicates::new(REQUESTS, MINUTE * 60),
            heard: Vec::new(),
            doubled: 0,
        }
    }

    /// Takes a request of the service's and returns the status of the response.
    fn receive(inbox: &Mutex<Self>, listener: &Listener, request: &Request<Bytes>) -> StatusCode {
        // Time is of no importance here: one that is doubled comes at once.
        let now = SystemTime::now().into();
        let callback = match listener.read(request, now) {
            Ok(callback) => callback,
            Err(refusal) => return refusal.status(),
        };
        let mut inbox = inbox.lock().unwrap();
        if inbox.known.record(&callback.key, now) {
            inbox.mailbox.deliver(&callback.message);
            inbox.heard.extend(callback.message.request_id.clone());
        } else {
            inbox.doubled += 1;
        }
        callback.response().status()
    }
}

/// Reads a request with a body.
fn read(stream: &TcpStream) -> Request<Bytes> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let mut first = head.split(' ');
    let request = Request::builder()
        .method(first.next().unwrap())
        .uri(first.next().unwrap());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    request.body(body.into()).unwrap()
}

/// Starts a listener, and returns its address.
fn listen(inbox: &Arc<Mutex<Inbox>>) -> String {
    let credentials = ListenerCredentials::new(USERNAME, PASSWORD).unwrap();
    let listener = Listener::new(credentials);
    let inbox = Arc::clone(inbox);
    let address = connections_to(move |mut stream| {
        let status = Inbox::receive(&inbox, &listener, &read(&stream));
        let response = format!(
            "HTTP/1.1 {} \r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            status.as_u16()
        );
        stream.write_all(response.as_bytes()).unwrap();
    });
    address.to_string()
}

/// Registers a listener at this address.
fn register(client: &impl Client, address: String) {
    let service = CallbackService::CARRIER_SERVICE;
    let mut register = RegisterCallback::new(Simulator::ACCOUNT, service, address)
        .with_password(Password::new(PASSWORD).unwrap())
        .unwrap();
    register.username = Some(USERNAME.to_owned());
    client.call(register).unwrap();
}

/// Activates the device of this number, and returns the request.
fn activate<C: Client>(client: &C, number: usize) -> AsynchronousRequest {
    let device = AccountDeviceList::from(DeviceId::imei(imei(number)));
    let mut call = ActivateServiceForDevices::new([device.clone()], "m2m4G", "98801");
    call.account_name = Some(Simulator::ACCOUNT.to_owned());
    let accepted = client.call(call).unwrap().into_body();
    let mut request = AsynchronousRequest::new(Simulator::ACCOUNT, accepted.request_id.unwrap())
        .with_devices([device]);
    request.settings.first_pause = C::PAUSE;
    request.settings.longest_pause = C::PAUSE;
    request
}

/// Activates all devices.
fn activate_all(client: &impl Client) -> Vec<AsynchronousRequest> {
    let numbers: Vec<_> = (0..REQUESTS).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = numbers
            .chunks(REQUESTS.div_ceil(THREADS))
            .map(|numbers| {
                let activate = |&number| activate(client, number);
                scope.spawn(move || numbers.iter().map(activate).collect::<Vec<_>>())
            })
            .collect();
        let requests = threads.into_iter().map(thread::ScopedJoinHandle::join);
        requests.flat_map(Result::unwrap).collect()
    })
}

/// Waits until the service has no callback left to send.
fn wait_for_callbacks<C: Client>(stage: &Stage<C>) {
    let start = Instant::now();
    while stage.server.with(|service| service.next_event().is_some()) {
        assert!(start.elapsed() < LONG * 3, "callbacks are not accepted");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the requests of these numbers.
fn requests_by(numbers: &HashMap<RequestId, usize>, these: &HashSet<usize>) -> Vec<RequestId> {
    let these = numbers.iter().filter(|(_, number)| these.contains(number));
    these.map(|(id, _)| id.clone()).collect()
}

/// Wakes whoever follows a request, by a message that tells no outcome.
fn remind(mailbox: &Mailbox, request_id: &RequestId) {
    let mut message = CallbackMessage::default();
    message.request_id = Some(request_id.clone());
    mailbox.deliver(&message);
}

/// Checks an outcome against what becomes of the request of this number.
fn check(outcome: &RequestOutcome, number: usize, is_heard: bool) {
    let [device] = &*outcome.devices else {
        panic!("{outcome:?}");
    };
    assert_eq!(device.device_ids, [DeviceId::imei(imei(number))]);
    assert_eq!(device.message.is_some(), is_heard, "{number}");
    let reason = reason(number);
    let result = match reason {
        Some(_) => DeviceResult::Failed,
        None => DeviceResult::Succeeded,
    };
    assert_eq!(device.result, result, "{number}");
    let told = device.fault().map(|fault| {
        assert_eq!(fault.fault_code.as_deref(), Some(CODE));
        fault.fault_string.clone().unwrap()
    });
    assert_eq!(told, reason.filter(|_| is_heard));
}

pub(crate) fn each_of_ten_thousand_requests_ends_once_whatever_becomes_of_its_callback<
    C: Client,
>() {
    let mut service = Simulator::new(42)
        .devices(0)
        .request_time(REQUEST_TIME)
        .unreliable_callbacks(10, LATENESS);
    for number in 0..REQUESTS {
        if let Some(reason) = reason(number) {
            service.fail_device(imei(number), CODE, reason);
        }
    }
    let stage = Stage::<C>::of(service);
    let client = stage.builder().settings(for_large_pages()).build().unwrap();
    let inbox = Arc::new(Mutex::new(Inbox::new(client.mailbox().clone())));
    register(&client, listen(&inbox));
    let requests = activate_all(&client);
    let ids = requests.iter().map(|request| request.request_id.clone());
    let numbers: HashMap<_, _> = ids.zip(0..).collect();
    assert_eq!(numbers.len(), REQUESTS);

    let start = Instant::now();
    let outcomes = client.follow_all(requests);
    // Nobody can tell the outcome but the callbacks.
    let status = Call::GetCurrentAsynchronousRequestStatus;
    stage.server.with(|service| {
        let fault = Fault::Status(StatusCode::BAD_REQUEST);
        service.begin_outage(Part::One(status), fault);
    });
    assert_eq!(outcomes.try_recv(), Err(TryRecvError::Empty));
    stage.pass(REQUEST_TIME + LATENESS);
    wait_for_callbacks(&stage);
    let heard: Vec<_> = {
        let inbox = inbox.lock().unwrap();
        assert!((500..1500).contains(&inbox.doubled), "{}", inbox.doubled);
        inbox.heard.iter().map(|id| numbers[id]).collect()
    };
    assert!((8500..9500).contains(&heard.len()), "{}", heard.len());
    assert!(!heard.is_sorted());
    let heard: HashSet<usize> = heard.into_iter().collect();
    // Nobody has given up those that were not heard of.
    let early: Vec<_> = outcomes.try_iter().collect();
    let mut numbers_of_early = early.iter().map(|outcome| numbers[&outcome.request_id]);
    assert!(numbers_of_early.all(|number| heard.contains(&number)));

    stage.server.with(Simulator::end_outages);
    let mut ended = HashSet::new();
    let mut report = |outcome: RequestOutcome| {
        let number = numbers[&outcome.request_id];
        assert!(ended.insert(number), "{number} ends twice");
        check(&outcome, number, heard.contains(&number));
        number
    };
    early.into_iter().map(&mut report).for_each(drop);
    // Some may have begun to follow after the time had passed.
    stage.clients_time().pass(C::PAUSE);
    // A few at a time, those who wait for a callback that is lost learn that time has passed.
    let lost: HashSet<usize> = (0..REQUESTS)
        .filter(|number| !heard.contains(number))
        .collect();
    let (mut silent, mut left) = (requests_by(&numbers, &lost).into_iter(), lost.len());
    while left > 0 {
        let few: Vec<_> = silent.by_ref().take(AT_ONCE).collect();
        // Threads ask often, and a reminder might be left over for one that has ended.
        if C::FOLLOWED_AT_ONCE >= REQUESTS {
            for id in &few {
                remind(client.mailbox(), id);
            }
        }
        let after = left - few.len();
        while left > after {
            left -= usize::from(lost.contains(&report(outcomes.recv().unwrap())));
        }
    }
    // It ends when nobody follows any more.
    outcomes.iter().map(&mut report).for_each(drop);
    assert_eq!(ended.len(), REQUESTS);
    assert_eq!(client.mailbox().kept(), 0);

    // Who was not heard of was asked for, and nobody was too often.
    let lost = u64::try_from(lost.len()).unwrap();
    assert!(stage.done(status) >= lost);
    let half_pauses = start.elapsed().as_micros() / (C::PAUSE / 2).as_micros();
    let at_once = u64::try_from(C::FOLLOWED_AT_ONCE.min(REQUESTS)).unwrap();
    let most = lost + u64::try_from(half_pauses).unwrap() * at_once;
    // A few may have begun to follow just as the time passed.
    let most = most + u64::try_from(AT_ONCE).unwrap();
    let asked = stage.seen(status);
    assert!(asked <= most, "{asked} of {most} status calls");

    // The service has those that succeeded.
    let mut devices: Vec<_> = client
        .items(ListDevicesInformation::new(Simulator::ACCOUNT))
        .map(|device| device.unwrap().device_ids[0].id.clone())
        .collect();
    devices.sort_unstable();
    let successes = (0..REQUESTS).filter(|&number| reason(number).is_none());
    assert!(successes.map(imei).eq(devices));
    assert_eq!(stage.seen(Call::LogIn), 1);
}
