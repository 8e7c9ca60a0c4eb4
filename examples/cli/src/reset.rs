//! A password reset in two halves, over any client: the new password is on the disk
//! before it is confirmed.

use std::{
    ffi::OsString,
    path::{self, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use thingspace_file::Lock;
use thingspace_ureq::core::{
    Error, ErrorKind, Session,
    session::{BlockReason, LoginGuard, NewPassword},
};

use crate::{
    clock::now,
    context::Context,
    deadline,
    failure::{Exit, Failure},
    keeper::{self, DeferredSignals, Keeper, Location, NotSaved},
    message,
    record::{Records, Reset},
    watch::GRACE,
};

/// The destination of a new password.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// This file.
    File(PathBuf),
    /// This program, with its arguments.
    Program(Vec<OsString>),
}

impl Destination {
    /// The destination that two options name, of which one at most is given.
    pub(crate) fn new(file: Option<PathBuf>, command: Vec<OsString>) -> Option<Self> {
        match file {
            Some(file) => Some(Self::File(file)),
            None if command.is_empty() => None,
            None => Some(Self::Program(command)),
        }
    }
}

/// A client that can reset the password, however it sends.
pub(crate) trait Resets {
    /// Looks at the session.
    fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T;

    /// Sends the reset.
    fn request(&self) -> Result<NewPassword, Error>;

    /// Waits until a reset that was sent has its result.
    fn wait_for_result(&self, at_most: Duration);

    /// Uses the new password from now on.
    fn confirm(&self, new: &NewPassword) -> Result<(), Error>;

    /// Brings the session and its store to know the same. Returns true if they do.
    fn sync(&self) -> bool;

    /// Does this work, and saves what it has changed.
    fn saved<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error>;
}

/// A reset that is prepared: it is proved that the new password can be saved. No other
/// process resets the password meanwhile.
pub(crate) struct Prepared<'a, C> {
    context: &'a Context,
    client: C,
    records: Records,
    reset: Reset,
    keeper: Keeper,
    _lock: Lock,
}

impl<'a, C: Resets> Prepared<'a, C> {
    /// Prepares a reset by the client that is returned here, which knows what other
    /// processes have done until then.
    ///
    /// Fails if another process is resetting the password, if an earlier reset waits for
    /// its operator, or if the new password could not be saved.
    pub(crate) fn new(
        context: &'a Context,
        destination: &Destination,
        client: impl FnOnce() -> Result<C, Failure>,
    ) -> Result<Self, Failure> {
        let records = context.records();
        let Some(lock) = records.lock()? else {
            return Err(Failure::usage(
                "another process is resetting the password; see what it reports",
            ));
        };
        let unread = records.response();
        if unread.exists() {
            return Err(Failure::usage(format!(
                "{} may hold the new password of an earlier reset, and nothing is written over it; read it, then move it away",
                unread.display()
            )));
        }
        let (place, command) = match destination {
            Destination::File(file) => (file.clone(), &[][..]),
            Destination::Program(command) => (records.rescue(), &command[..]),
        };
        let place = path::absolute(&place)
            .map_err(|error| Failure::usage(format!("the file can't be named: {error}")))?;
        let reset = records.reset(place, !command.is_empty(), now());

        let client = client()?;
        let old = client.session(|session| session.credentials().password().cloned());
        let old = old.ok_or_else(|| Failure::usage("no user name and password are given"))?;
        if let Some(outdated) = records.outdated(&old)? {
            return Err(outdated);
        }
        // The record of a reset that waits for its operator is not written over.
        let guard = client.session(|session| session.login_guard());
        if let Some(reason @ BlockReason::AwaitingConfirmation) = &guard.blocked {
            let message = format!(
                "nothing was sent, because the login guard is blocked: {}",
                message::blocked(reason)
            );
            let failure = Failure::new(Exit::LoginBlocked, message);
            return Err(records.explain(failure, &guard));
        }
        let keeper = Keeper::new(&reset, &records, command, old)?;
        Ok(Self {
            context,
            client,
            records,
            reset,
            keeper,
            _lock: lock,
        })
    }

    /// Makes the reset, whose record is saved first. Signals that ask this process to end
    /// are deferred until it is over.
    pub(crate) fn run(self) -> Result<Done, Failure> {
        let Self {
            context,
            client,
            records,
            reset,
            keeper,
            _lock,
        } = self;
        let before = records.load()?;
        records.save(&reset)?;
        let _deferred = DeferredSignals::new();
        deadline::lift();
        let kept = client.saved(|| {
            let new = request(&client)?;
            // Until it is confirmed, no process makes a login with the old one.
            Ok(keep(&client, keeper, &new))
        });
        let error = match kept {
            Ok(kept) => {
                let is_shared = kept?;
                return Ok(Done { reset, is_shared });
            }
            Err(error) => error,
        };
        if error.is_outcome_unknown() {
            let guard = client.session(|session| session.login_guard());
            let failure = Failure::of_call(error, &context.watch);
            return Err(lost(&records, &guard, failure));
        }
        // It was not executed: only an earlier one is of interest.
        let restored = before.map_or_else(
            || {
                records.clear();
                Ok(())
            },
            |before| records.save(&before),
        );
        let guard = || client.session(Context::guard_without_session);
        // It may repeat the password.
        let failure = context.explained(error, guard).without_response();
        Err(match restored {
            Ok(()) => failure,
            Err(unsaved) => failure.with_advice(unsaved.to_string()),
        })
    }
}

/// A reset that was made, with its new password saved.
pub(crate) struct Done {
    reset: Reset,
    /// True if other processes find it in the session's store.
    is_shared: bool,
}

impl Done {
    /// The report, a sentence for each line.
    pub(crate) fn lines(&self, context: &Context) -> Vec<String> {
        let place = self.reset.place.display();
        let mut lines = vec![if self.reset.handed_over {
            "The password was reset, and the program has the new one.".to_owned()
        } else {
            format!("The password was reset, and the new one is in {place}.")
        }];
        lines.push(format!(
            "The old one is in {} until the next login.",
            self.reset.old().display()
        ));
        let used = context.credentials.password_file().map(path::absolute);
        let used = matches!(&used, Some(Ok(file)) if *file == self.reset.place);
        if !used {
            lines.push("Put the new one into the credentials before that.".to_owned());
        }
        lines.push("Give the new one to everything else that uses this user name, on other machines too: each that still has the old one may spend a failed login.".to_owned());
        if !self.is_shared {
            lines.push(format!(
                "The session could not be saved ({}): repair that, then unblock the login guard with the new password: thingspace unblock",
                context.place()
            ));
        }
        lines
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "reset": true,
            "place": (!self.reset.handed_over).then_some(&self.reset.place),
            "old": self.reset.old(),
            "state_saved": self.is_shared,
        })
    }
}

/// Requests the reset, and waits for its result even if another process counts it as
/// lost meanwhile: it may bring the only copy of the new password.
fn request(client: &impl Resets) -> Result<NewPassword, Error> {
    client.request().or_else(|error| {
        let timeout = client.session(|session| session.settings().attempt_timeout);
        client.wait_for_result(timeout.saturating_add(GRACE));
        let new = client.session(|session| session.new_password().cloned());
        new.ok_or(error)
    })
}

/// Saves the new password, then confirms it. Returns true if the session's store shows
/// to other processes that the reset is over.
fn keep(client: &impl Resets, keeper: Keeper, new: &NewPassword) -> Result<bool, Failure> {
    // A program may take long, and end this one.
    let is_written = || {
        client.sync();
    };
    keeper
        .save(new.password(), is_written)
        .map_err(|error| not_saved(error, new))?;
    Ok(match client.confirm(new) {
        Ok(()) => true,
        // Another process has given the reset up, and logged in since.
        Err(error) if matches!(error.kind(), ErrorKind::NotAwaited(_)) => client.sync(),
        Err(_) => false,
    })
}

/// The failure of a reset whose new password is not where it should be.
fn not_saved(error: NotSaved, new: &NewPassword) -> Failure {
    // If a copy exists, the message need not hold the password.
    let advice = match &error.location {
        Location::File(file) => format!(
            "The new password is in {}: put it where it belongs, then unblock the login guard: thingspace unblock",
            file.display()
        ),
        Location::HandedOver => "The program has the new password.".to_owned(),
        Location::Nowhere => format!(
            "It could be written to no disk, so here it is, once, in the clear, because this is the only copy: {}",
            new.password().expose()
        ),
    };
    Failure::caused_by(Exit::OutcomeUnknown, error).with_advice(advice)
}

/// The failure of a reset whose response is lost, broke off or is invalid.
fn lost(records: &Records, guard: &LoginGuard, failure: Failure) -> Failure {
    let (response, problem) = match failure.error() {
        Some(error) => (
            error.response().map(|response| response.body().clone()),
            match error.transport() {
                Some(_) => "broke off",
                None => "is invalid",
            },
        ),
        None => (None, ""),
    };
    let failure = records.explain(failure.without_response(), guard);
    let Some(response) = response.filter(|response| !response.is_empty()) else {
        return failure;
    };
    let file = records.response();
    match keeper::write(&file, &response) {
        Ok(()) => failure.with_advice(format!(
            "The response {problem}, and may hold the new password; it is in {}.",
            file.display()
        )),
        Err(error) => failure.with_advice(format!("The response could not be saved: {error}")),
    }
}
