//! The inbox: a bounded queue to a thread that saves messages.

use std::{
    fs::File,
    io::{self, Write},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use thingspace_core::callback::{
    Callback, CallbackContent, CallbackRefusal, CarrierService, Duplicates, Listener, NiddService,
};
use tokio::sync::{mpsc, oneshot};

/// The messages that wait to be saved. ThingSpace sends more of them again.
const MOST_WAITING: usize = 1000;

/// An inbox for the messages of a listener.
#[derive(Debug)]
pub struct Inbox {
    listener: Listener,
    queue: mpsc::Sender<Letter>,
}

/// A message that waits to be saved.
#[derive(Debug)]
struct Letter {
    service: &'static str,
    callback: Callback,
    /// Is told when the message is saved, and dropped if it can't be.
    saved: oneshot::Sender<()>,
}

impl Inbox {
    /// Opens an inbox that saves messages in a file. The thread ends when the inbox is dropped and all its messages are
    /// saved, and returns their number.
    pub fn open(listener: Listener, file: File) -> (Self, JoinHandle<usize>) {
        let (queue, letters) = mpsc::channel(MOST_WAITING);
        let thread = thread::spawn(move || save_all(letters, file));
        (Self { listener, queue }, thread)
    }

    /// The most bytes of a body to read.
    pub const fn read_limit(&self) -> usize {
        self.listener.read_limit()
    }

    /// Responds to a request that came to the address of this service. The response is a
    /// 2xx only if the message is saved: then ThingSpace forgets it.
    pub async fn respond<C: CallbackContent>(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let callback = match self.listener.read(request, SystemTime::now().into()) {
            Ok(callback) => callback,
            Err(refusal) => return refusal.response(),
        };
        let accepted = callback.response();
        let (saved, is_saved) = oneshot::channel();
        let letter = Letter {
            service: C::SERVICE,
            callback,
            saved,
        };
        if self.queue.try_send(letter).is_err() || is_saved.await.is_err() {
            return CallbackRefusal::NotSaved.response();
        }
        accepted
    }
}

/// Saves each message once. One thread does, so that of two that are the same and come at
/// one time, the second waits until the first is saved.
fn save_all(mut letters: mpsc::Receiver<Letter>, mut file: File) -> usize {
    let mut known = Duplicates::new(10_000, Duration::from_secs(60 * 60));
    let mut number = 0;
    while let Some(letter) = letters.blocking_recv() {
        let (key, now) = (&letter.callback.key, SystemTime::now().into());
        if known.is_known(key, now) {
            println!("   known already: {key}");
        } else if let Err(error) = save(&mut file, &letter) {
            println!("   not saved: {error}");
            continue;
        } else {
            println!("   saved: {key}");
            show(&letter);
            known.record(key, now);
            number += 1;
        }
        // Whoever waited may have given up, and then the message comes again.
        let _ = letter.saved.send(());
    }
    number
}

/// Saves a message as a line of a file. A database would have its key as a unique key, and
/// so would know it after a restart, too.
fn save(file: &mut File, letter: &Letter) -> io::Result<()> {
    let message = letter.callback.json();
    let line = json!({"service": letter.service, "message": message});
    writeln!(file, "{line}")?;
    file.sync_data()
}

/// Shows what a message says, as far as its service is known.
fn show(letter: &Letter) {
    let message = &letter.callback.message;
    if let Some(fault) = &message.fault {
        let text = fault.fault_string.as_deref().unwrap_or("no reason");
        println!("     failed: {text}");
    }
    if letter.service == CarrierService::SERVICE {
        let response = message.content::<CarrierService>().device_response;
        if let Some(device) = response.and_then(|response| response.activate) {
            let ids = device.device_ids.iter().map(|id| id.id.as_str());
            println!("     activated: {}", ids.collect::<Vec<_>>().join(", "));
        }
    } else if letter.service == NiddService::SERVICE {
        let response = message.content::<NiddService>().nidd_response;
        let data = response.and_then(|response| response.notification?.data());
        println!(
            "     {} bytes from a device",
            data.unwrap_or_default().len()
        );
    }
}
