//! Observes a command's calls: reports waits at a terminal, and notes its logins.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
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
    waiting: Mutex<Waiting>,
}

/// The wait that goes on, if one does.
#[derive(Default)]
struct Waiting {
    reason: Option<WaitReason>,
    /// The number of waits so far.
    number: u64,
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
        if !io::stderr().is_terminal() {
            return;
        }
        let mut waiting = locked(&self.0.waiting);
        if waiting.reason.replace(reason) == Some(reason) {
            return;
        }
        waiting.number += 1;
        let number = waiting.number;
        drop(waiting);
        let watch = self.clone();
        thread::spawn(move || {
            thread::sleep(A_MOMENT);
            let waiting = locked(&watch.0.waiting);
            if waiting.reason.is_some() && waiting.number == number {
                let until = until.map_or_else(String::new, |until| {
                    format!(", until {} at most", show::time(until))
                });
                show::to_stderr(&format!("Waiting for {reason}{until} …"));
            }
        });
    }

    /// Notes that there is something to do.
    fn goes_on(&self) {
        locked(&self.0.waiting).reason = None;
    }
}

impl Observer for Watch {
    fn sending(&self, exchange: &Exchange) {
        self.goes_on();
        match operation(exchange) {
            Some(OperationKind::LogIn) => self.0.login_sent.store(true, Relaxed),
            Some(OperationKind::PasswordReset) => *locked(&self.0.resetting) = true,
            _ => {}
        }
    }

    fn received(&self, exchange: &Exchange, _: &ExchangeResult<'_>) {
        self.goes_on();
        if operation(exchange) == Some(OperationKind::PasswordReset) {
            *locked(&self.0.resetting) = false;
            self.0.reset_ended.notify_all();
        }
    }

    fn waiting(&self, wait: &Wait) {
        // The end of an operation is looked for now and then, long before its lease ends.
        let is_end_known = !matches!(wait.reason, WaitReason::Operation(_) | WaitReason::Store);
        self.report_wait(wait.reason, is_end_known.then_some(wait.until));
    }
}

fn operation(exchange: &Exchange) -> Option<OperationKind> {
    let operation = exchange.attempt().operation();
    operation.map(|operation| operation.kind())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
