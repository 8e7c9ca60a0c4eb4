//! The place where callbacks reach those who follow a request.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use event_listener::{Event, EventListener};
use thingspace_core::{callback::CallbackMessage, model::RequestId};

/// The number of messages that are kept for followers to come, unless said otherwise (our
/// choice).
const CAPACITY: usize = 10_000;

/// The place where callbacks reach those who follow a request.
///
/// A listener delivers each message that it has read, from any thread or task. That wakes
/// whoever follows its request, and nobody else. A message that comes before its follower is
/// kept for it; those that are kept are bounded in number, and the oldest are dropped first.
/// With them, time is lost and the reason of a failure: the status of the request says the
/// same later, without a reason.
///
/// Cheap to clone; all clones are one mailbox.
#[derive(Clone)]
pub struct Mailbox(Arc<Mutex<Post>>);

/// What is in a mailbox.
struct Post {
    capacity: usize,
    followers: HashMap<RequestId, Vec<Arc<Follower>>>,
    /// The messages that nobody follows yet, by their number.
    kept: BTreeMap<u64, Arc<CallbackMessage>>,
    /// The numbers of those of each request.
    numbers: HashMap<RequestId, VecDeque<u64>>,
    next_number: u64,
}

/// One who follows a request.
struct Follower {
    unread: Mutex<Vec<Arc<CallbackMessage>>>,
    delivered: Event,
}

impl Mailbox {
    /// An empty mailbox. It keeps 10,000 messages for followers to come.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// An empty mailbox that keeps so many messages for followers to come.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(Post {
            capacity,
            followers: HashMap::new(),
            kept: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
        })))
    }

    /// Delivers a message to whoever follows its request, now or later. A message without a
    /// request id is nobody's, and is not kept.
    pub fn deliver(&self, message: &CallbackMessage) {
        if let Some(id) = &message.request_id {
            self.post().deliver(id, &Arc::new(message.clone()));
        }
    }

    /// The number of messages that are kept for followers to come.
    pub fn kept(&self) -> usize {
        self.post().kept.len()
    }

    /// A place for messages about this request, with those that have been kept.
    pub(crate) fn subscribe(&self, request_id: RequestId) -> Subscription {
        let mut post = self.post();
        let follower = Arc::new(Follower {
            unread: Mutex::new(post.take(&request_id)),
            delivered: Event::new(),
        });
        let followers = post.followers.entry(request_id.clone()).or_default();
        followers.push(Arc::clone(&follower));
        drop(post);
        Subscription {
            mailbox: self.clone(),
            request_id,
            follower,
            used: Vec::new(),
        }
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        locked(&self.0)
    }
}

impl Post {
    fn deliver(&mut self, id: &RequestId, message: &Arc<CallbackMessage>) {
        match self.followers.get(id) {
            Some(followers) => {
                for follower in followers {
                    locked(&follower.unread).push(Arc::clone(message));
                    follower.delivered.notify(usize::MAX);
                }
            }
            None => self.keep(id, message),
        }
    }

    fn keep(&mut self, id: &RequestId, message: &Arc<CallbackMessage>) {
        if self.capacity == 0 {
            return;
        }
        if self.kept.len() >= self.capacity {
            self.drop_oldest();
        }
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        self.kept.insert(number, Arc::clone(message));
        let numbers = self.numbers.entry(id.clone()).or_default();
        numbers.push_back(number);
    }

    fn drop_oldest(&mut self) {
        let oldest = self.kept.pop_first();
        if let Some(id) = oldest.and_then(|(_, message)| message.request_id.clone()) {
            if let Some(numbers) = self.numbers.get_mut(&id) {
                numbers.pop_front();
                if numbers.is_empty() {
                    self.numbers.remove(&id);
                }
            }
        }
    }

    /// Takes the messages out that were kept for a request.
    fn take(&mut self, id: &RequestId) -> Vec<Arc<CallbackMessage>> {
        let numbers = self.numbers.remove(id).unwrap_or_default();
        let messages = numbers.iter().filter_map(|number| self.kept.remove(number));
        messages.collect()
    }
}

/// The place of one who follows a request. If it is dropped before it has
/// [ended](Self::end), its messages are kept for the next one.
pub(crate) struct Subscription {
    mailbox: Mailbox,
    request_id: RequestId,
    follower: Arc<Follower>,
    /// The messages that brought something new.
    used: Vec<Arc<CallbackMessage>>,
}

impl Subscription {
    /// Listens for messages that are delivered from now on.
    pub(crate) fn listen(&self) -> EventListener {
        self.follower.delivered.listen()
    }

    /// Gives all messages that have come to a function, which says if one was of use.
    pub(crate) fn read(&mut self, mut use_it: impl FnMut(&Arc<CallbackMessage>) -> bool) {
        let unread = mem::take(&mut *locked(&self.follower.unread));
        self.used
            .extend(unread.into_iter().filter(|message| use_it(message)));
    }

    /// Ends the subscription of one who knows the outcome.
    pub(crate) fn end(mut self) {
        self.used.clear();
        locked(&self.follower.unread).clear();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut post = self.mailbox.post();
        if let Some(followers) = post.followers.get_mut(&self.request_id) {
            followers.retain(|one| !Arc::ptr_eq(one, &self.follower));
            if followers.is_empty() {
                post.followers.remove(&self.request_id);
            }
        }
        let unread = mem::take(&mut *locked(&self.follower.unread));
        if !post.followers.contains_key(&self.request_id) {
            for message in self.used.iter().chain(&unread) {
                post.keep(&self.request_id, message);
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whatever panicked left it consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let post = self.post();
        f.debug_struct("Mailbox")
            .field("followed", &post.followers.len())
            .field("kept", &post.kept.len())
            .finish_non_exhaustive()
    }
}
