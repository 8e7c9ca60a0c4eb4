//! The deadline of a whole command: its calls end then, and if it is busy with something
//! else two seconds later, the process does.

use std::{
    process,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use thingspace_ureq::core::Timestamp;

use crate::{
    clock::now,
    common::Common,
    failure::{Exit, Failure},
    watch::Watch,
};

/// The time after the deadline in which the end of a call is saved.
pub(crate) const TO_SAVE: Duration = Duration::from_secs(1);

/// The time after the deadline in which a command ends by itself.
const TO_END: Duration = Duration::from_secs(2);

/// True if the deadline does not end the process any more.
static LIFTED: Mutex<bool> = Mutex::new(false);

/// Begins the time that a command has. Returns its end, if it has one.
pub(crate) fn begin(common: &Common, watch: &Watch) -> Option<Timestamp> {
    let length = Duration::from_secs(common.deadline?);
    let (json, watch) = (common.json, watch.clone());
    thread::spawn(move || {
        thread::sleep(length + TO_END);
        // Nothing goes on while this is held.
        let lifted = lifted();
        if *lifted {
            return;
        }
        let failure = passed(&watch);
        failure.report(json);
        process::exit(failure.exit() as i32);
    });
    Some(now() + length)
}

/// Keeps the process from being ended by the deadline: it is at its end, or does what is not
/// to be cut off.
pub(crate) fn lift() {
    *lifted() = true;
}

fn lifted() -> MutexGuard<'static, bool> {
    LIFTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The failure of a command whose deadline has passed.
pub(crate) fn passed(watch: &Watch) -> Failure {
    let exit = if watch.has_sent_own() {
        Exit::OutcomeUnknown
    } else {
        Exit::NeverSent
    };
    Failure::new(
        exit,
        "the deadline of the command has passed; give it more time with --deadline",
    )
}
