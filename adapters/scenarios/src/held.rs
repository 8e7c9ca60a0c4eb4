//! A request of an operation that is held back before it is sent.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
    mpsc::{self, Receiver, Sender},
};

use thingspace_core::session::{Exchange, Observer};

/// A request that is held back before it is sent. It blocks the thread that runs its
/// operation, until a function arrives that this thread executes first. Only the first
/// such request of the client is held back.
pub struct HeldRequest {
    /// The client's observer, which holds the request back.
    pub watch: RequestHolder,
    /// Receives a message as soon as the request is held back.
    pub is_held: Receiver<()>,
    /// Sends the function to execute before the request goes on.
    pub go_on: Sender<fn()>,
}

impl HeldRequest {
    /// Creates a login that is not held back yet.
    pub fn login() -> Self {
        Self::to("/session/login")
    }

    /// Creates a password reset that is not held back yet.
    pub fn reset() -> Self {
        Self::to("/session/password/actions/reset")
    }

    /// Creates a request to a path with this end, which is not held back yet.
    fn to(end: &'static str) -> Self {
        let (holds, is_held) = mpsc::channel();
        let (go_on, next) = mpsc::channel();
        let watch = RequestHolder {
            end,
            is_first: AtomicBool::new(true),
            holds,
            next: Mutex::new(next),
        };
        Self {
            watch,
            is_held,
            go_on,
        }
    }
}

/// An observer that blocks when the first such request is about to be sent.
pub struct RequestHolder {
    end: &'static str,
    is_first: AtomicBool,
    holds: Sender<()>,
    next: Mutex<Receiver<fn()>>,
}

impl Observer for RequestHolder {
    fn sending(&self, exchange: &Exchange) {
        if exchange.path().ends_with(self.end) && self.is_first.swap(false, Ordering::Relaxed) {
            self.holds.send(()).unwrap();
            let next = self.next.lock().unwrap().recv().unwrap();
            next();
        }
    }
}
