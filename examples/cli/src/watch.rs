//! What happens while a command is at work: told to a terminal, and remembered.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use thingspace_ureq::core::{
    Timestamp,
    session::{Event, Observer, Wait, WaitReason},
};

use crate::show;

/// A wait that is shorter goes by unseen.
const A_MOMENT: Duration = Duration::from_millis(500);

/// Watches a command's calls.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Seen>);

#[derive(Default)]
struct Seen {
    logged_in: AtomicBool,
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    reason: WaitReason,
    since: Instant,
    told: bool,
}

impl Watch {
    /// Whether this command has logged in.
    pub(crate) fn logged_in(&self) -> bool {
        self.0.logged_in.load(Relaxed)
    }

    /// Tells a terminal what is waited for, once it takes longer than a moment.
    /// Nothing of that goes into a pipe.
    pub(crate) fn tell_of(&self, reason: WaitReason, until: Option<Timestamp>) {
        let mut waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let waiting = match &mut *waiting {
            Some(waiting) if waiting.reason == reason => waiting,
            other => other.insert(Waiting {
                reason,
                since: now,
                told: false,
            }),
        };
        if waiting.told
            || now.duration_since(waiting.since) < A_MOMENT
            || !io::stderr().is_terminal()
        {
            return;
        }
        waiting.told = true;
        let until = until.map_or_else(String::new, |until| {
            format!(", until {} at most", show::time(until))
        });
        show::to_stderr(&format!("Waiting for {reason}{until} …"));
    }
}

impl Observer for Watch {
    fn event(&self, event: &Event) {
        if *event == Event::LoggedIn {
            self.0.logged_in.store(true, Relaxed);
        }
    }

    fn waiting(&self, wait: &Wait) {
        self.tell_of(wait.reason, Some(wait.until));
    }
}
