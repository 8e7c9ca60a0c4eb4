//! A login that is held back before it is sent.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
    mpsc::{self, Receiver, Sender},
};

use thingspace_core::session::{Exchange, Observer};

/// A login that is held back before it is sent. It blocks the thread that drives it,
/// until a function arrives that this thread executes first. Only the first login of
/// the client is held back.
pub struct HeldLogin {
    /// The client's observer, which holds the login back.
    pub watch: LoginHolder,
    /// Receives a message as soon as the login is held back.
    pub is_held: Receiver<()>,
    /// Sends the function to execute before the login goes on.
    pub go_on: Sender<fn()>,
}

impl HeldLogin {
    /// Creates a login that is not held back yet.
    #[allow(clippy::new_without_default, reason = "each one has its own channels")]
    pub fn new() -> Self {
        let (holds, is_held) = mpsc::channel();
        let (go_on, next) = mpsc::channel();
        let watch = LoginHolder {
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

/// An observer that blocks when the first login is about to be sent.
pub struct LoginHolder {
    is_first: AtomicBool,
    holds: Sender<()>,
    next: Mutex<Receiver<fn()>>,
}

impl Observer for LoginHolder {
    fn sending(&self, exchange: &Exchange) {
        if exchange.path().ends_with("/login") && self.is_first.swap(false, Ordering::Relaxed) {
            self.holds.send(()).unwrap();
            let next = self.next.lock().unwrap().recv().unwrap();
            next();
        }
    }
}
