//! The record of a password reset, beside the session's file: it names the file
//! that the new password goes to. It is written before the reset is sent and
//! removed after the next login that succeeds. So after a crash, the next
//! invocation can report where to look.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thingspace_file::{Draft, Lock, read_private};
use thingspace_ureq::core::{
    Password, Timestamp,
    session::{BlockReason, LoginGuard},
};

use crate::{
    credentials::password_in,
    failure::{Exit, Failure},
    message, show,
};

/// The most bytes that a record may have.
const MAX_BYTES: usize = 64 * 1024;

/// The records of a session's password resets.
pub(crate) struct Records {
    state: PathBuf,
}

/// A reset that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    /// The file that the new password goes to.
    pub(crate) place: PathBuf,
    /// True if a program is given the new password from there.
    pub(crate) handed_over: bool,
    pub(crate) begun: Timestamp,
    /// The file that an earlier reset left in the place of the old password, by its
    /// number on the disk. It says nothing about this reset, which never writes into
    /// it: it puts another file in its place.
    earlier_old: Option<u64>,
    /// The file that an earlier reset left in the place of a rescued password, by
    /// its number on the disk.
    earlier_rescue: Option<u64>,
}

/// The contents of the record's file. The name distinguishes them from the format
/// of a later version.
#[derive(Serialize, Deserialize)]
enum Contents {
    #[serde(rename = "thingspace-reset-1")]
    First(Reset),
}

/// The progress of a reset, as far as the files show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The new password is in its place, the old one beside it.
    Saved,
    /// A program was given the new password, and reported success.
    HandedOver,
    /// A program is or was about to be given the new password.
    HandingOver,
    /// The new password is in the draft.
    Drafted,
    /// The new password is beside the session's file.
    Rescued,
    /// The new password may be in an invalid response.
    InResponse,
    /// No file holds a new password, and it is not known if there is one.
    NotFound,
    /// No file holds the new password, although the reset was executed.
    Lost,
}

impl Records {
    pub(crate) fn beside(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
        }
    }

    /// A reset that is about to begin.
    pub(crate) fn reset(&self, place: PathBuf, handed_over: bool, begun: Timestamp) -> Reset {
        Reset {
            earlier_old: file(&old(&place)),
            earlier_rescue: file(&self.rescue()),
            place,
            handed_over,
            begun,
        }
    }

    /// Prevents other processes from resetting the same password. Returns `None` if
    /// one of them is resetting it.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, Failure> {
        Ok(Lock::attempt(&self.beside_state(".reset.lock"))?)
    }

    pub(crate) fn load(&self) -> Result<Option<Reset>, Failure> {
        let path = self.path();
        let Some(text) = read_private(&path, MAX_BYTES)? else {
            return Ok(None);
        };
        let Ok(Contents::First(reset)) = serde_json::from_slice(&text) else {
            return Err(Failure::usage(format!(
                "{} is no record of a password reset that can be read; use the version that wrote it, or move it away",
                path.display()
            )));
        };
        Ok(Some(reset))
    }

    pub(crate) fn save(&self, reset: &Reset) -> Result<(), Failure> {
        let text = serde_json::to_vec(&Contents::First(reset.clone())).map_err(|_| {
            Failure::usage("the name of the password's file is not UTF-8; give another one")
        })?;
        let mut draft = Draft::begin(self.path())?;
        draft.fill(&text)?;
        Ok(draft.publish()?)
    }

    /// Removes the record, as far as that is possible.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.path()).ok();
    }

    /// Removes the old password and the record after a login with this password
    /// succeeded: the password from before a reset is of no use any more. (A file
    /// that can't be removed now is removed after the next login.)
    pub(crate) fn settle(&self, password: &Password) {
        let Ok(Some(reset)) = self.load() else {
            return;
        };
        // A reset in progress holds the lock, and this login does not end it.
        let Ok(Some(_lock)) = self.lock() else {
            return;
        };
        let Ok(old) = password_in(&reset.old()) else {
            return;
        };
        // The login was made before another process reset this very password.
        if old.as_ref() == Some(password) {
            return;
        }
        // In this order: without the old one, the record would show the reset as
        // lost.
        self.clear();
        if old.is_some() && fs::remove_file(reset.old()).is_err() {
            self.save(&reset).ok();
        }
    }

    /// Returns the failure to report if this is the password from before a reset: a
    /// login with it could only fail.
    pub(crate) fn outdated(&self, password: &Password) -> Result<Option<Failure>, Failure> {
        let Some(reset) = self.load()? else {
            return Ok(None);
        };
        let is_old = password_in(&reset.old())?.as_ref() == Some(password);
        if is_old && password_in(&reset.place)?.as_ref() != Some(password) {
            let message = format!(
                "no login is made, because the password given is the one from before the reset of {}",
                show::time(reset.begun)
            );
            let if_right = format!(
                "If it is right after all, move {} away, then unblock the login guard with it: thingspace unblock",
                reset.old().display()
            );
            let failure = Failure::new(Exit::LoginBlocked, message);
            return Ok(Some(
                failure
                    .with_advice(self.advice(&reset, None))
                    .with_advice(if_right),
            ));
        }
        Ok(None)
    }

    /// Adds what is known of the last reset to a failure that may come from it, with
    /// the login guard as it is then.
    pub(crate) fn explain(&self, failure: Failure, guard: &LoginGuard) -> Failure {
        match self.load() {
            Ok(Some(reset)) => failure.with_advice(self.advice(&reset, guard.blocked.as_ref())),
            // It was a program's that shares the session.
            Ok(None) => match message::how_to_unblock(guard) {
                Some(advice) => failure.with_advice(advice),
                None => failure,
            },
            Err(unread) => failure.with_advice(unread.to_string()),
        }
    }

    /// The reset and its progress as JSON.
    pub(crate) fn to_json(&self, reset: &Reset, blocked: Option<&BlockReason>) -> Value {
        json!({
            "begun": show::time(reset.begun),
            "place": reset.place,
            "handed_over": reset.handed_over,
            "new_password": match self.progress(reset, blocked) {
                Progress::Saved => "saved",
                Progress::HandedOver => "handed_over",
                Progress::HandingOver => "being_handed_over",
                Progress::Drafted => "drafted",
                Progress::Rescued => "rescued",
                Progress::InResponse => "in_response",
                Progress::NotFound => "none",
                Progress::Lost => "lost",
            },
            "advice": self.advice(reset, blocked),
        })
    }

    /// Advice: the new password's place, and the steps to a login with it, when the
    /// login guard is blocked for this reason.
    pub(crate) fn advice(&self, reset: &Reset, blocked: Option<&BlockReason>) -> String {
        let begun = show::time(reset.begun);
        let place = reset.place.display();
        let then =
            "Use the new one; if the login guard is blocked, unblock it with: thingspace unblock";
        match self.progress(reset, blocked) {
            Progress::Saved => format!(
                "The password to use is in {place}, from the reset of {begun}; if the login guard is blocked, unblock it with: thingspace unblock. (The one from before is in {} until the next login, and of no use any more.)",
                reset.old().display()
            ),
            Progress::HandedOver => format!(
                "The reset of {begun} has handed the new password over to the program that was to save it. {then}"
            ),
            Progress::HandingOver => format!(
                "The reset of {begun} has put the new password into {place}, and the program that was to save it may not have it: hand it over, and remove the file. {then}"
            ),
            Progress::Drafted => format!(
                "The reset of {begun} was cut off with the new password on its way into {place}: mv {} {}. {then}",
                show::quoted(&Draft::path_of(&reset.place).display().to_string()),
                show::quoted(&reset.place.display().to_string())
            ),
            Progress::Rescued => format!(
                "The reset of {begun} could not put the new password where it belongs, and left it in {}: move it there. {then}",
                self.rescue().display()
            ),
            Progress::InResponse => format!(
                "The reset of {begun} got an invalid response; it is in {}, and may hold the new password: look there, then move it away. {then}",
                self.response().display()
            ),
            Progress::NotFound => format!(
                "The reset of {begun} left no new password: it was never sent, or its response is lost, and it is not known whether the password is another one now. The old one is where it was, untouched. To find out, try it once: thingspace unblock, then thingspace login. If that is refused, do not try again: have Verizon reset the password, use that one, and unblock the guard"
            ),
            Progress::Lost => format!(
                "The reset of {begun} was executed, and its new password is in no file: it ended before it could write that one, or could only print it. The old one is where it was, and of no use any more. If nobody has the new one, have Verizon reset the password. {then}"
            ),
        }
    }

    fn progress(&self, reset: &Reset, blocked: Option<&BlockReason>) -> Progress {
        let is_executed = matches!(blocked, Some(BlockReason::AwaitingConfirmation));
        match self.progress_on_disk(reset) {
            Progress::NotFound if is_executed => Progress::Lost,
            progress => progress,
        }
    }

    fn progress_on_disk(&self, reset: &Reset) -> Progress {
        // A file that can't be read may still hold a password.
        let holds = |path: &Path| !matches!(password_in(path), Ok(None));
        let is_new = |path: &Path, earlier| file(path) != earlier;
        let old = password_in(&reset.old()).ok().flatten();
        let old = old.filter(|_| is_new(&reset.old(), reset.earlier_old));
        let placed = password_in(&reset.place).ok().flatten();
        let rescue = self.rescue();
        let is_rescued = holds(&rescue) && is_new(&rescue, reset.earlier_rescue);
        if reset.handed_over {
            // A program is given it from there.
            return match (is_rescued, holds(&Draft::path_of(&reset.place)), old) {
                (true, ..) => Progress::HandingOver,
                (false, true, _) => Progress::Drafted,
                (false, false, Some(_)) => Progress::HandedOver,
                (false, false, None) => self.progress_without_file(),
            };
        }
        if holds(&Draft::path_of(&reset.place)) {
            return Progress::Drafted;
        }
        if is_rescued {
            return Progress::Rescued;
        }
        if old.is_some() && placed != old {
            return Progress::Saved;
        }
        self.progress_without_file()
    }

    /// The progress of a reset whose new password is in no file of its own. (A reset
    /// does not begin while there is a response to an earlier one.)
    fn progress_without_file(&self) -> Progress {
        if self.response().exists() {
            Progress::InResponse
        } else {
            Progress::NotFound
        }
    }

    /// The file for an invalid response to a reset.
    pub(crate) fn response(&self) -> PathBuf {
        self.beside_state(".response")
    }

    /// The file for a new password that could not be put where it belongs.
    pub(crate) fn rescue(&self) -> PathBuf {
        self.beside_state(".password")
    }

    fn path(&self) -> PathBuf {
        self.beside_state(".reset")
    }

    /// A file beside the session's.
    fn beside_state(&self, end: &str) -> PathBuf {
        beside(&self.state, end)
    }
}

impl Reset {
    /// The file for the password from before the reset.
    pub(crate) fn old(&self) -> PathBuf {
        old(&self.place)
    }
}

fn old(place: &Path) -> PathBuf {
    beside(place, ".old")
}

/// The number on the disk of the file with this name, if there is one.
fn file(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|about| about.ino())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_with_another_password_after_a_reset_removes_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::beside(&folder.path().join("state/session.json"));
        let place = folder.path().join("password");
        let reset = records.reset(place, false, Timestamp::default());
        let resetting = records.lock().unwrap();
        records.save(&reset).unwrap();
        crate::keeper::write(&reset.old(), b"old\n").unwrap();
        let remembers = || reset.old().exists() && records.load().unwrap().is_some();

        let new = Password::new("new").unwrap();
        records.settle(&new);
        assert!(remembers(), "while the reset is in progress");
        drop(resetting);
        records.settle(&Password::new("old").unwrap());
        assert!(remembers(), "after a login with the old one");
        records.settle(&new);
        assert!(!remembers());
    }
}
