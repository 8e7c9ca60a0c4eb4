//! A login that is held before it is sent.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
    mpsc::{self, Receiver, Sender},
};

use thingspace_core::session::{Exchange, Observer};

/// A login that stops before it is sent, on the thread that carries it, until it
/// is told how to go on. Only the first one does.
pub struct HeldLogin {
    /// Holds the login of the client that it watches.
    pub watch: Watch,
    /// Tells when the login is held.
    pub is_held: Receiver<()>,
    /// Tells the login how to go on.
    pub go_on: Sender<fn()>,
}

impl HeldLogin {
    /// One that is not held yet.
    #[allow(clippy::new_without_default, reason = "each is another's")]
    pub fn new() -> Self {
        let (holds, is_held) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let watch = Watch {
            is_first: AtomicBool::new(true),
            holds,
            told: Mutex::new(told),
        };
        Self {
            watch,
            is_held,
            go_on,
        }
    }
}

/// Whoever is told before a login is sent can keep it from going on.
pub struct Watch {
    is_first: AtomicBool,
    holds: Sender<()>,
    told: Mutex<Receiver<fn()>>,
}

impl Observer for Watch {
    fn sending(&self, exchange: &Exchange) {
        if exchange.path().ends_with("/login") && self.is_first.swap(false, Ordering::Relaxed) {
            self.holds.send(()).unwrap();
            let how = self.told.lock().unwrap().recv().unwrap();
            how();
        }
    }
}
