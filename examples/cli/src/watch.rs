//! Observes a command's calls: reports waits at a terminal, and notes its logins.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use thingspace_ureq::core::{
    Timestamp,
    session::{Exchange, ExchangeResult, Observer, OperationKind, Wait, WaitReason},
};

use crate::show;

/// The longest wait that is not reported.
const A_MOMENT: Duration = Duration::from_millis(500);

/// The observer of a command's calls.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Observed>);

#[derive(Default)]
struct Observed {
    login_sent: AtomicBool,
    /// True while a reset has been sent and has no result.
    resetting: Mutex<bool>,
    reset_ended: Condvar,
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    reason: WaitReason,
    since: Instant,
    reported: bool,
}

impl Watch {
    /// Returns true if this command has sent a login, whatever came of it.
    pub(crate) fn has_sent_login(&self) -> bool {
        self.0.login_sent.load(Relaxed)
    }

    /// Waits until a reset that was sent has its result.
    pub(crate) fn wait_for_reset(&self, at_most: Duration) {
        let resetting = locked(&self.0.resetting);
        let wait = self
            .0
            .reset_ended
            .wait_timeout_while(resetting, at_most, |resetting| *resetting);
        drop(wait);
    }

    /// Reports a wait and its reason at a terminal, once it takes longer than a
    /// moment. Nothing of it goes into a pipe.
    pub(crate) fn report_wait(&self, reason: WaitReason, until: Option<Timestamp>) {
        let mut waiting = locked(&self.0.waiting);
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
    fn sending(&self, exchange: &Exchange) {
        match operation(exchange) {
            Some(OperationKind::LogIn) => self.0.login_sent.store(true, Relaxed),
            Some(OperationKind::PasswordReset) => *locked(&self.0.resetting) = true,
            _ => {}
        }
    }

    fn received(&self, exchange: &Exchange, _: &ExchangeResult<'_>) {
        if operation(exchange) == Some(OperationKind::PasswordReset) {
            *locked(&self.0.resetting) = false;
            self.0.reset_ended.notify_all();
        }
    }

    fn waiting(&self, wait: &Wait) {
        self.report_wait(wait.reason, Some(wait.until));
    }
}

fn operation(exchange: &Exchange) -> Option<OperationKind> {
    let operation = exchange.attempt().operation();
    operation.map(|operation| operation.kind())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
