//! Observes a command's calls: reports waits at a terminal, and notes a login.

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

/// The longest wait that is not reported.
const A_MOMENT: Duration = Duration::from_millis(500);

/// The observer of a command's calls.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Observed>);

#[derive(Default)]
struct Observed {
    logged_in: AtomicBool,
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    reason: WaitReason,
    since: Instant,
    reported: bool,
}

impl Watch {
    /// Returns true if this command has logged in.
    pub(crate) fn logged_in(&self) -> bool {
        self.0.logged_in.load(Relaxed)
    }

    /// Reports a wait and its reason at a terminal, once it takes longer than a
    /// moment. Nothing of it goes into a pipe.
    pub(crate) fn report_wait(&self, reason: WaitReason, until: Option<Timestamp>) {
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
                reported: false,
            }),
        };
        if waiting.reported
            || now.duration_since(waiting.since) < A_MOMENT
            || !io::stderr().is_terminal()
        {
            return;
        }
        waiting.reported = true;
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
        self.report_wait(wait.reason, Some(wait.until));
    }
}
