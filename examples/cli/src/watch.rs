//! Observes a command's calls: reports what they wait for and, if that is wanted, every
//! request and event, and notes what they have sent.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    io::{self, IsTerminal},
    iter,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use thingspace_ureq::core::{
    Refusal, Timestamp,
    session::{CallId, Event, Exchange, ExchangeResult, Observer, OperationKind, Wait, WaitReason},
};

use crate::{clock::now, common::Common, show};

/// The longest wait that is not reported at a terminal.
const A_MOMENT: Duration = Duration::from_millis(500);

/// The longest wait that is not reported elsewhere: a mail about a job is to say more than
/// that it took a little longer.
const A_WHILE: Duration = Duration::from_secs(5);

/// The time after its timeout in which the result of a request is reported.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// The observer of a command's calls.
#[derive(Clone)]
pub(crate) struct Watch {
    observed: Arc<Observed>,
    /// The end of a reset.
    pub(crate) resets: ResetWatch,
}

/// Observes if a reset that was sent has its result.
#[derive(Clone, Default)]
pub(crate) struct ResetWatch(Arc<Resetting>);

#[derive(Default)]
struct Resetting {
    /// True while a reset has been sent and has no result.
    goes_on: Mutex<bool>,
    ended: Condvar,
}

impl ResetWatch {
    /// Waits until a reset that was sent has its result.
    pub(crate) fn wait(&self, at_most: Duration) {
        let goes_on = locked(&self.0.goes_on);
        let ended = &self.0.ended;
        let wait = ended.wait_timeout_while(goes_on, at_most, |goes_on| *goes_on);
        drop(wait);
    }
}

impl Observer for ResetWatch {
    fn sending(&self, exchange: &Exchange) {
        if operation(exchange) == Some(OperationKind::PasswordReset) {
            *locked(&self.0.goes_on) = true;
        }
    }

    fn received(&self, exchange: &Exchange, _: &ExchangeResult<'_>) {
        if operation(exchange) == Some(OperationKind::PasswordReset) {
            *locked(&self.0.goes_on) = false;
            self.0.ended.notify_all();
        }
    }
}

struct Observed {
    json: bool,
    verbose: bool,
    /// The longest time for which an operation of another process is waited for, if it
    /// has the timeout of this one.
    operation: Duration,
    /// The number of logins sent.
    logins: AtomicU32,
    /// True once a request has been sent that is the command's own, and no token fetch or
    /// login that it needs.
    own_sent: AtomicBool,
    /// The error of the last operation that had no response, and its sources.
    silence: Mutex<Vec<String>>,
    waiting: Mutex<Waiting>,
}

/// The wait that goes on, if one does.
#[derive(Default)]
struct Waiting {
    reason: Option<WaitReason>,
    /// The number of waits so far.
    number: u64,
    /// The reasons that are reported.
    reported: BTreeSet<String>,
}

impl Watch {
    pub(crate) fn new(common: &Common) -> Self {
        let observed = Arc::new(Observed {
            json: common.json,
            verbose: common.verbose,
            operation: Duration::from_secs(common.timeout) + GRACE,
            logins: AtomicU32::default(),
            own_sent: AtomicBool::default(),
            silence: Mutex::default(),
            waiting: Mutex::default(),
        });
        Self {
            observed,
            resets: ResetWatch::default(),
        }
    }

    /// The number of logins that this command has sent, whatever came of them.
    pub(crate) fn logins(&self) -> u32 {
        self.observed.logins.load(Relaxed)
    }

    /// Returns true if this command has sent a request that is no token fetch or login.
    pub(crate) fn has_sent_own(&self) -> bool {
        self.observed.own_sent.load(Relaxed)
    }

    /// The error of the last token fetch or login of this command that had no response,
    /// and its sources.
    pub(crate) fn silence(&self) -> Vec<String> {
        locked(&self.observed.silence).clone()
    }

    /// Reports a wait and its reason: at a terminal once it takes longer than a moment,
    /// elsewhere once for each reason, if it takes longer than a while.
    pub(crate) fn report_wait(&self, reason: WaitReason, until: Option<Timestamp>) {
        let mut waiting = locked(&self.observed.waiting);
        if waiting.reason.replace(reason) == Some(reason) {
            return;
        }
        waiting.number += 1;
        let number = waiting.number;
        drop(waiting);
        let is_terminal = io::stderr().is_terminal();
        let after = if is_terminal || self.observed.verbose {
            A_MOMENT
        } else if until.is_some_and(|until| until.since(now()) >= A_WHILE) {
            Duration::ZERO
        } else {
            A_WHILE
        };
        let (until, about) = match until {
            Some(until) => (until, ""),
            // Nobody here knows the timeout of whoever began it.
            None => (now() + self.observed.operation, "about "),
        };
        let watch = self.clone();
        let report = move || {
            let mut waiting = locked(&watch.observed.waiting);
            let goes_on = waiting.reason.is_some() && waiting.number == number;
            let is_new = waiting.reported.insert(reason.to_string());
            if goes_on && (is_new || is_terminal || watch.observed.verbose) {
                let at = show::time(until);
                watch.note(
                    &format!("Waiting for {reason}, until {about}{at} at most …"),
                    "waiting",
                    &json!({ "for": reason.to_string(), "until": at }),
                );
            }
        };
        if after.is_zero() {
            report();
        } else {
            thread::spawn(move || {
                thread::sleep(after);
                report();
            });
        }
    }

    /// Reports something on the standard error if everything is to be reported.
    fn trace(&self, text: &str, name: &str, value: &Value) {
        if self.observed.verbose {
            self.note(text, name, value);
        }
    }

    /// Writes a line to the standard error, as text or as JSON under a name.
    fn note(&self, text: &str, name: &str, value: &Value) {
        if self.observed.json {
            show::to_stderr(&show::line(&json!({ name: value })));
        } else {
            show::to_stderr(text);
        }
    }

    /// Notes that there is something to do.
    fn goes_on(&self) {
        locked(&self.observed.waiting).reason = None;
    }
}

impl Observer for Watch {
    fn event(&self, event: &Event, call: Option<CallId>) {
        let mut fields = show::event(event, call);
        fields.insert("name".to_owned(), event.name().into());
        self.trace(&format!("* {event}"), "event", &Value::Object(fields));
    }

    fn sending(&self, exchange: &Exchange) {
        self.resets.sending(exchange);
        self.goes_on();
        let (method, path) = (exchange.method(), exchange.path());
        let number = exchange.attempt().number();
        let operation = operation(exchange);
        let purpose =
            operation.map_or_else(|| "the call".to_owned(), |operation| operation.to_string());
        self.trace(
            &format!("> {method} {path} ({purpose}, attempt {number})"),
            "sending",
            &json!({
                "method": method.as_str(),
                "path": path,
                "operation": operation.map(OperationKind::name),
                "call": exchange.attempt().call().get(),
                "attempt": number,
            }),
        );
        match operation {
            Some(OperationKind::LogIn) => {
                self.observed.logins.fetch_add(1, Relaxed);
            }
            None | Some(OperationKind::LogOut | OperationKind::PasswordReset) => {
                self.observed.own_sent.store(true, Relaxed);
            }
            _ => {}
        }
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.goes_on();
        let seconds = result.took.as_secs_f64();
        let call = exchange.attempt().call().get();
        let number = exchange.attempt().number();
        match result.result {
            Ok(status) => {
                let code = result.refusal.and_then(Refusal::code);
                let named = code.map(|code| format!(" ({code})")).unwrap_or_default();
                self.trace(
                    &format!("< {status}{named} after {seconds:.3} s"),
                    "received",
                    &json!({ "status": status.as_u16(), "code": code, "seconds": seconds, "call": call, "attempt": number }),
                );
            }
            Err(error) => {
                let chain = iter::successors(error.source(), |&error| error.source());
                let chain: Vec<_> = chain.map(ToString::to_string).collect();
                let cause = chain.first().cloned().unwrap_or_else(|| error.to_string());
                let sent = if error.may_have_left() {
                    "no response"
                } else {
                    "not sent"
                };
                self.trace(
                    &format!("< {sent} after {seconds:.3} s: {cause}"),
                    "received",
                    &json!({ "sent": error.may_have_left(), "causes": chain, "seconds": seconds, "call": call, "attempt": number }),
                );
                if operation(exchange).is_some() {
                    *locked(&self.observed.silence) = chain;
                }
            }
        }
        self.resets.received(exchange, result);
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
