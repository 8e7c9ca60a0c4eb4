//! An observer that passes events on.

use std::sync::mpsc::{self, Receiver, Sender};

use thingspace_core::session::{CallId, Event, Observer};

/// An observer that sends each event to a test.
pub struct EventSender(Sender<Event>);

impl EventSender {
    /// Creates an observer, and the receiver of its events.
    pub fn new() -> (Self, Receiver<Event>) {
        let (sender, events) = mpsc::channel();
        (Self(sender), events)
    }
}

impl Observer for EventSender {
    fn event(&self, event: &Event, _: Option<CallId>) {
        // The test may be over.
        self.0.send(event.clone()).ok();
    }
}
