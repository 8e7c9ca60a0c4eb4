//! Callbacks that are due, and sent again until the listener accepts them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, StatusCode};
use serde_json::Value;
use thingspace_core::Timestamp;

use super::state::Connectivity;
use crate::Counts;

/// The number of times that a message is sent: once, and three more. Documented by Verizon.
const SENDINGS: u32 = 4;

/// The time until a message is sent again. Documented by Verizon.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// A callback on its way to a listener.
///
/// `Debug` leaves out the request, because it contains a username and a password.
#[non_exhaustive]
#[derive(Clone)]
pub struct Delivery {
    /// The id of the message: the same one each time that the message is sent, another one
    /// for a duplicate.
    pub id: u64,
    /// The request to the listener.
    pub request: Request<Bytes>,
}

/// A fault of the way to the listener. It applies to one message, each time that this
/// message is sent.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackFault {
    /// The message is never sent.
    Lose,
    /// The message is sent twice, at the same time.
    Double,
    /// The message is sent for the first time this much later. So it can arrive after
    /// messages that were due after it.
    Delay(Duration),
}

/// The messages that no listener has accepted yet.
#[derive(Clone, Default)]
pub(super) struct Outbox {
    waiting: BTreeMap<u64, Message>,
    due: BTreeSet<(Timestamp, u64)>,
    last_id: u64,
    faults: VecDeque<CallbackFault>,
    unreliable: Option<Unreliable>,
}

/// A lasting fault of the way to the listener.
#[derive(Clone, Copy)]
struct Unreliable {
    percent: u8,
    delay: Duration,
}

#[derive(Clone)]
struct Message {
    account: String,
    service: &'static str,
    content: Value,
    /// The number of times that it was sent.
    sent: u32,
    due: Timestamp,
}

impl Outbox {
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    fn put(&mut self, message: Message) {
        self.last_id += 1;
        self.due.insert((message.due, self.last_id));
        self.waiting.insert(self.last_id, message);
    }

    fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.waiting.remove(&id)?;
        self.due.remove(&(message.due, id));
        Some(message)
    }

    /// Takes a message that is due. The message stays, to be sent again.
    fn take(&mut self, now: Timestamp) -> Option<(u64, Message)> {
        let &(at, id) = self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.remove(&(at, id));
        let message = self.waiting.get_mut(&id)?;
        message.sent += 1;
        message.due = at.max(now) + INTERVAL;
        self.due.insert((message.due, id));
        Some((id, message.clone()))
    }
}

impl Connectivity {
    /// Queues a message for the listener of a service, if there is one.
    pub(super) fn queue_message(
        &mut self,
        account: &str,
        service: &'static str,
        mut due: Timestamp,
        content: Value,
    ) {
        if !self.has_listener(account, service) {
            return;
        }
        let mut is_doubled = false;
        match self.outbox.faults.pop_front() {
            Some(CallbackFault::Lose) => return,
            Some(CallbackFault::Double) => is_doubled = true,
            Some(CallbackFault::Delay(delay)) => due = due + delay,
            None => {}
        }
        if let Some(Unreliable { percent, delay }) = self.outbox.unreliable {
            let (lost, doubled) = (self.rng.u8(..100), self.rng.u8(..100));
            let most = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            due = due + Duration::from_millis(self.rng.u64(..=most));
            if lost < percent {
                return;
            }
            is_doubled |= doubled < percent;
        }
        let message = Message {
            account: account.to_owned(),
            service,
            content,
            sent: 0,
            due,
        };
        if is_doubled {
            self.outbox.put(message.clone());
        }
        self.outbox.put(message);
    }

    /// Returns the callbacks to send now.
    pub(crate) fn callbacks_due(&mut self, now: Timestamp, counts: &mut Counts) -> Vec<Delivery> {
        self.settle(now);
        let mut deliveries = Vec::new();
        while let Some((id, message)) = self.outbox.take(now) {
            if message.sent > SENDINGS {
                self.outbox.remove(id);
                counts.callbacks_archived += 1;
                continue;
            }
            match self.addressed(now, &message) {
                Some(request) => {
                    counts.callbacks_sent += 1;
                    deliveries.push(Delivery { id, request });
                }
                None => drop(self.outbox.remove(id)),
            }
        }
        deliveries
    }

    /// Takes a listener's response to a message. Any 2xx accepts it.
    pub(crate) fn callback_responded(&mut self, id: u64, status: StatusCode, counts: &mut Counts) {
        if status.is_success() && self.outbox.remove(id).is_some() {
            counts.callbacks_accepted += 1;
        }
    }

    pub(crate) fn inject_callback(&mut self, fault: CallbackFault) {
        self.outbox.faults.push_back(fault);
    }

    pub(crate) fn set_unreliable_callbacks(&mut self, percent: u8, delay: Duration) {
        self.outbox.unreliable = Some(Unreliable { percent, delay });
    }

    /// Returns the request for a message to the present listener. `None` if there is none
    /// any more.
    fn addressed(&self, now: Timestamp, message: &Message) -> Option<Request<Bytes>> {
        let listener = self.listener(&message.account, message.service)?;
        let (username, password) = listener.credentials(now);
        let mut content = message.content.clone();
        let fields = content.as_object_mut()?;
        let own = [
            ("username", username.into()),
            ("password", password.into()),
            ("callbackCount", message.sent.into()),
            ("maxCallbackThreshold", SENDINGS.into()),
        ];
        fields.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let body = content.to_string();
        Request::post(listener.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, body.len())
            .body(Bytes::from(body))
            .ok()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
