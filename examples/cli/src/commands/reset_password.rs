//! Resets the password, and has the new one kept before it says so.

use std::{ffi::OsString, path};

use clap::{ArgGroup, Args};
use serde_json::json;
use thingspace_ureq::{
    Client,
    core::{
        Error, Password,
        session::{Call, ChangePassword, FlightKind},
    },
};

use crate::{
    cli::Common,
    desk::{Desk, now},
    failure::Failure,
    keeper::{self, Keeper, PutOff, Whereabouts},
    record::{Records, Reset},
    show,
    watch::Watch,
};

/// Reset the password to a random one, and keep it
///
/// The new password is on the disk before anything is said of success, and the
/// old one beside it, in a file that ends in .old, until the next login. That it
/// can be kept is proven before the reset is sent, and the reset is sent once. If
/// the answer is lost, no login is made until you have looked; `status` says what
/// is known. An interrupt is put off until the new password is kept.
///
/// If the new password can be kept nowhere all the same, neither where it belongs
/// nor beside the session's file, it is printed on the standard error, once and in
/// the clear (with --json, in `advice`). That is the last resort: there is no other
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

    #[command(flatten)]
    pub(crate) common: Common,
}

impl ResetPassword {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let desk = Desk::new(&self.common)?;
        let records = desk.records();
        let Some(_lock) = records.lock()? else {
            return Err(Failure::usage(
                "another process is resetting the password; see what it says",
            ));
        };
        let unread = records.answer();
        if unread.exists() {
            return Err(Failure::usage(format!(
                "{} may hold the new password of an earlier reset, and nothing is written over it; see what it says, then move it away",
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

        let client = desk.client(&Watch::default())?;
        let old = client.session(|session| session.credentials().user.password().clone());
        if let Some(outdated) = records.outdated(&old)? {
            return Err(outdated);
        }
        let keeper = Keeper::new(&reset, &records, &self.command, old)?;
        let before = records.load()?;
        records.save(&reset)?;
        let _put_off = PutOff::new();
        let keep = |new: &Password| keeper.keep(new);
        match client.run(Call::new(ChangePassword::kept_by(keep))) {
            Ok(_) => self.tell(&desk, &client, &reset),
            Err(error) if error.is_fate_unknown() => {
                Err(lost(&records, error, &keeper.whereabouts()))
            }
            Err(error) => {
                // It was not carried out: only an earlier one is of interest.
                let forgotten = before.map_or_else(
                    || {
                        records.clear();
                        Ok(())
                    },
                    |before| records.save(&before),
                );
                let failure = desk.explain(error);
                Err(match forgotten {
                    Ok(()) => failure,
                    Err(unsaved) => failure.and(unsaved.to_string()),
                })
            }
        }
    }

    fn tell(&self, desk: &Desk, client: &Client, reset: &Reset) -> Result<(), Failure> {
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
        let known = desk.given.password_file().map(path::absolute);
        let known = matches!(&known, Some(Ok(file)) if *file == reset.place);
        if !known {
            lines.push("Have the credentials say the new one before that.".to_owned());
        }
        lines.push("Give the new one to everything else that uses this user name, on other machines too: each that still has the old one may spend a failed login.".to_owned());
        // What other processes will find. The password is kept whatever that is.
        // (By now, another one may have something else under way.)
        let shared = client.transact(|session| session.flight());
        let shared = matches!(shared, Ok(flight) if flight != Some(FlightKind::PasswordReset));
        if !shared {
            lines.push(format!(
                "The session's file {} could not be written: mend that, then open the login guard with the new password: thingspace rearm",
                desk.path().display()
            ));
        }
        let machine = json!({
            "reset": true,
            "place": (!reset.handed_over).then_some(&reset.place),
            "old": old,
            "state_saved": shared,
        });
        show::tell(self.common.json, &machine, &lines.join("\n"))
    }
}

/// What to say of a reset whose new password is not where it should be.
fn lost(records: &Records, error: Error, whereabouts: &Whereabouts) -> Failure {
    let answer = error.response().map(|answer| answer.body().clone());
    let only_copy = match &error {
        Error::PasswordNotKept { password, .. } => Some(password.clone()),
        _ => None,
    };
    let failure = Failure::from(error);
    if let Some(password) = only_copy {
        // Unless it is nowhere, this error need not hold it.
        let elsewhere = "the password was reset, and the new one could not be kept as told";
        return match whereabouts {
            Whereabouts::At(file) => failure.saying(elsewhere).and(format!(
                "The new password is in {}: put it where it belongs, then open the login guard: thingspace rearm",
                file.display()
            )),
            Whereabouts::HandedOver => failure
                .saying(elsewhere)
                .and("The program has the new password."),
            Whereabouts::Nowhere => failure.and(format!(
                "It could be written to no disk, so here it is, once, in the clear, because this is the only copy: {}",
                password.expose()
            )),
        };
    }
    let failure = records.explain(failure);
    let Some(answer) = answer.filter(|answer| !answer.is_empty()) else {
        return failure;
    };
    let file = records.answer();
    match keeper::write(&file, &answer) {
        Ok(()) => failure.and(format!(
            "An answer came that makes no sense, and may hold the new password; it is in {}.",
            file.display()
        )),
        Err(error) => failure.and(format!("The answer could not be kept: {error}")),
    }
}
