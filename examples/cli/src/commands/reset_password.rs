//! Resets the password, and saves the new one before it reports success.

use std::{ffi::OsString, path};

use clap::{ArgGroup, Args};
use serde_json::json;
use thingspace_ureq::{
    Client,
    core::{
        Error, ErrorKind,
        session::{BlockReason, Call, Completion, LoginGuard, NewPassword},
    },
};

use crate::{
    cli::Common,
    context::{Context, now, password_in_use},
    deadline,
    failure::{Exit, Failure},
    keeper::{self, DeferredSignals, Keeper, Location, NotSaved},
    message,
    record::{Records, Reset},
    show,
    watch::GRACE,
};

/// Reset the password to a random one, and save it
///
/// The new password is on the disk before success is reported, and the old one
/// beside it, in a file that ends in .old, until the next login. The command
/// proves that the new password can be saved before it sends the reset, and it
/// sends the reset once. If the response is lost, no login is made until you have
/// looked; `status` shows what is known. An interrupt is deferred until the new
/// password is saved.
///
/// If the new password can still be saved nowhere, neither where it belongs nor
/// beside the session's file, it is printed on the standard error, once and in the
/// clear (with --json, in `advice`). That is the last resort: there is no other
/// copy, and it would be lost.
#[derive(Args)]
#[command(group = ArgGroup::new("keeper").required(true).args(["to", "command"]))]
pub(crate) struct ResetPassword {
    /// Write the new password into this file, which only you may read; there may
    /// be none yet, or one that holds the password in use
    #[arg(long, value_name = "FILE")]
    to: Option<path::PathBuf>,

    /// Give the new password to this program, on its standard input and without a
    /// line end; all that follows are its arguments. It must end with status 0
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl ResetPassword {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let context = Context::new(common)?;
        let records = context.records();
        let Some(_lock) = records.lock()? else {
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
        let place = match &self.to {
            Some(file) => file.clone(),
            None => records.rescue(),
        };
        let place = path::absolute(&place)
            .map_err(|error| Failure::usage(format!("the file can't be named: {error}")))?;
        let reset = records.reset(place, self.to.is_none(), now());

        let client = context.client()?;
        let old = password_in_use(&client)?;
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
        let keeper = Keeper::new(&reset, &records, &self.command, old)?;
        let before = records.load()?;
        records.save(&reset)?;
        let _deferred = DeferredSignals::new();
        deadline::lift();
        let shared = context.run_saved(&client, |client| {
            Ok(match request(&context, client) {
                // Until it is confirmed, no process makes a login with the old one.
                Ok(new) => keep(&context, client, keeper, &new),
                Err(error) => return Err(error),
            })
        });
        let shared = match shared {
            Ok(shared) => shared?,
            Err(error) if error.is_outcome_unknown() => {
                let guard = client.session(|session| session.login_guard());
                return Err(lost(
                    &records,
                    &guard,
                    Failure::of_call(error, &context.watch),
                ));
            }
            Err(error) => {
                // It was not executed: only an earlier one is of interest.
                let restored = before.map_or_else(
                    || {
                        records.clear();
                        Ok(())
                    },
                    |before| records.save(&before),
                );
                // It may repeat the password.
                let failure = context.explain(&client, error).without_response();
                return Err(match restored {
                    Ok(()) => failure,
                    Err(unsaved) => failure.with_advice(unsaved.to_string()),
                });
            }
        };
        report(&context, &reset, shared, common.json)
    }
}

/// Reports the reset; `shared` is true if other processes find it in the session's
/// file.
fn report(context: &Context, reset: &Reset, shared: bool, json: bool) -> Result<(), Failure> {
    let place = reset.place.display();
    let old = reset.old();
    let mut lines = vec![if reset.handed_over {
        "The password was reset, and the program has the new one.".to_owned()
    } else {
        format!("The password was reset, and the new one is in {place}.")
    }];
    lines.push(format!(
        "The old one is in {} until the next login.",
        old.display()
    ));
    let used = context.credentials.password_file().map(path::absolute);
    let used = matches!(&used, Some(Ok(file)) if *file == reset.place);
    if !used {
        lines.push("Put the new one into the credentials before that.".to_owned());
    }
    lines.push("Give the new one to everything else that uses this user name, on other machines too: each that still has the old one may spend a failed login.".to_owned());
    if !shared {
        lines.push(format!(
            "The session could not be saved ({}): repair that, then unblock the login guard with the new password: thingspace unblock",
            context.place()
        ));
    }
    let value = json!({
        "reset": true,
        "place": (!reset.handed_over).then_some(&reset.place),
        "old": old,
        "state_saved": shared,
    });
    show::print(json, &value, &lines.join("\n"))
}

/// Requests the reset, and waits for its result even if another process counts it as
/// lost meanwhile: it may bring the only copy of the new password.
fn request(context: &Context, client: &Client) -> Result<NewPassword, Error> {
    let requested = context.call(client, Call::reset_password());
    requested
        .and_then(Completion::into_new_password)
        .or_else(|error| {
            let timeout = client.session(|session| session.settings().attempt_timeout);
            context.watch.wait_for_reset(timeout.saturating_add(GRACE));
            let new = client.session(|session| session.new_password().cloned());
            new.ok_or(error)
        })
}

/// Saves the new password, then confirms it. Returns true if the session's file shows
/// to other processes that the reset is over.
fn keep(
    context: &Context,
    client: &Client,
    keeper: Keeper,
    new: &NewPassword,
) -> Result<bool, Failure> {
    // A program may take long, and end this one.
    let is_written = || {
        context.sync(client).ok();
    };
    keeper
        .save(new.password(), is_written)
        .map_err(|error| not_saved(error, new))?;
    Ok(match client.confirm_reset(new) {
        Ok(()) => true,
        // Another process has given the reset up, and logged in since.
        Err(error) if matches!(error.kind(), ErrorKind::NotAwaited(_)) => {
            context.sync(client).is_ok()
        }
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
