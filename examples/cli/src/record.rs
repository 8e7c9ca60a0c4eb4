//! What is remembered of a password reset, beside the session's file: where its
//! new password goes. It is written before the reset is sent and goes with the
//! next login that succeeds, so whoever comes after a crash can be told where to
//! look.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thingspace_file::{Draft, Lock, read_private};
use thingspace_ureq::core::{Password, Timestamp};

use crate::{
    credentials::password_in,
    failure::{Exit, Failure},
    show,
};

/// More bytes than a record needs.
const LONGEST: usize = 64 * 1024;

/// Where the records of a session are.
pub(crate) struct Records {
    state: PathBuf,
}

/// A reset that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    /// The file that the new password goes to.
    pub(crate) place: PathBuf,
    /// Whether a program is given it from there.
    pub(crate) handed_over: bool,
    pub(crate) begun: Timestamp,
    /// The file that an earlier reset had left in the place of the old password,
    /// by its number on the disk. It tells nothing of this one, which never writes
    /// into it: it puts another file in its place.
    earlier_old: Option<u64>,
    /// The same for where a new password is put that can't be put in its place.
    earlier_rescue: Option<u64>,
}

/// The record's file. The name tells it from what a later version may write.
#[derive(Serialize, Deserialize)]
enum Contents {
    #[serde(rename = "thingspace-reset-1")]
    First(Reset),
}

/// What became of a reset, as far as the files tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The new password is in its place, the one before beside it.
    Kept,
    /// A program was given the new password, and said that it has it.
    HandedOver,
    /// A program is or was about to be given the new password.
    HandingOver,
    /// The new password is in the draft.
    Drafted,
    /// The new password is beside the session's file.
    Rescued,
    /// The new password may be in an answer that made no sense.
    Answered,
    /// There is no new password.
    Nothing,
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

    /// Keeps others from resetting the same password; `None` if one of them
    /// does.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, Failure> {
        Ok(Lock::attempt(&self.beside_state(".reset.lock"))?)
    }

    pub(crate) fn load(&self) -> Result<Option<Reset>, Failure> {
        let path = self.path();
        let Some(text) = read_private(&path, LONGEST)? else {
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

    /// Forgets the record, and has it gone for good as far as that can be.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.path()).ok();
    }

    /// A login with this password succeeded: the one before a reset is of no use
    /// any more. (What can't be removed now goes after the next login.)
    pub(crate) fn settle(&self, password: &Password) {
        let Ok(Some(reset)) = self.load() else {
            return;
        };
        // Held by a reset that is under way, which is not over with this login.
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
        // In this order: without the old one, the record would say that the reset is
        // lost.
        self.clear();
        if old.is_some() && fs::remove_file(reset.old()).is_err() {
            self.save(&reset).ok();
        }
    }

    /// What to say if this is the password from before a reset: a login with it
    /// could only fail.
    pub(crate) fn outdated(&self, password: &Password) -> Result<Option<Failure>, Failure> {
        let Some(reset) = self.load()? else {
            return Ok(None);
        };
        let is_old = password_in(&reset.old())?.as_ref() == Some(password);
        if is_old && password_in(&reset.place)?.as_ref() != Some(password) {
            let said = format!(
                "no login is made, because the password given is the one from before the reset of {}",
                show::time(reset.begun)
            );
            let all_the_same = format!(
                "If it is right all the same, move {} away.",
                reset.old().display()
            );
            let failure = Failure::said(Exit::GateClosed, said);
            return Ok(Some(failure.and(self.advice(&reset)).and(all_the_same)));
        }
        Ok(None)
    }

    /// A failure that may come from a reset, with what is known of that.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.load() {
            Ok(Some(reset)) => failure.and(self.advice(&reset)),
            Ok(None) => failure,
            Err(unread) => failure.and(unread.to_string()),
        }
    }

    /// What is known of the last reset, for a machine.
    pub(crate) fn shown(&self, reset: &Reset) -> Value {
        json!({
            "begun": show::time(reset.begun),
            "place": reset.place,
            "handed_over": reset.handed_over,
            "new_password": match self.standing(reset) {
                Standing::Kept => "kept",
                Standing::HandedOver => "handed_over",
                Standing::HandingOver => "being_handed_over",
                Standing::Drafted => "drafted",
                Standing::Rescued => "rescued",
                Standing::Answered => "in_answer",
                Standing::Nothing => "none",
            },
            "advice": self.advice(reset),
        })
    }

    /// Where the new password is, and what to do if a login is to be made with it.
    pub(crate) fn advice(&self, reset: &Reset) -> String {
        let begun = show::time(reset.begun);
        let place = reset.place.display();
        let then = "Give that one; if the login guard is closed, open it with: thingspace rearm";
        match self.standing(reset) {
            Standing::Kept => format!(
                "The reset of {begun} has put the new password into {place}, and the one before into {}. {then}",
                reset.old().display()
            ),
            Standing::HandedOver => format!(
                "The reset of {begun} has handed the new password over to the program that was to keep it. {then}"
            ),
            Standing::HandingOver => format!(
                "The reset of {begun} has put the new password into {place}, and the program that was to keep it may not have it: hand it over, and remove the file. {then}"
            ),
            Standing::Drafted => format!(
                "The reset of {begun} was cut off with the new password on its way into {place}: mv {} {}. {then}",
                quoted(&Draft::path_of(&reset.place)),
                quoted(&reset.place)
            ),
            Standing::Rescued => format!(
                "The reset of {begun} could not put the new password where it belongs, and left it in {}: move it there. {then}",
                self.rescue().display()
            ),
            Standing::Answered => format!(
                "The reset of {begun} was answered in a way that makes no sense; the answer is in {}, and may hold the new password: look there, then move it away. {then}",
                self.answer().display()
            ),
            Standing::Nothing => format!(
                "The reset of {begun} left no new password: it was never sent, or its answer is lost, and nobody knows whether the password is another one now. The old one is where it was, untouched. To find out, try it once: thingspace rearm, then thingspace login. If that is refused, do not try again: have Verizon reset the password, give that one, and rearm"
            ),
        }
    }

    fn standing(&self, reset: &Reset) -> Standing {
        // What can't be read may hold a password all the same.
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
                (true, ..) => Standing::HandingOver,
                (false, true, _) => Standing::Drafted,
                (false, false, Some(_)) => Standing::HandedOver,
                (false, false, None) => self.answered(),
            };
        }
        if holds(&Draft::path_of(&reset.place)) {
            return Standing::Drafted;
        }
        if is_rescued {
            return Standing::Rescued;
        }
        if old.is_some() && placed != old {
            return Standing::Kept;
        }
        self.answered()
    }

    /// A reset is not begun while there is an answer to an earlier one.
    fn answered(&self) -> Standing {
        if self.answer().exists() {
            Standing::Answered
        } else {
            Standing::Nothing
        }
    }

    /// Where an answer to a reset is put that made no sense.
    pub(crate) fn answer(&self) -> PathBuf {
        self.beside_state(".answer")
    }

    /// Where a new password is put that could not be put where it belongs.
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
    /// Where the password from before is.
    pub(crate) fn old(&self) -> PathBuf {
        old(&self.place)
    }
}

fn old(place: &Path) -> PathBuf {
    beside(place, ".old")
}

/// The number of the file that has this name, if one has.
fn file(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|about| about.ino())
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,=@%".contains(c);
    if path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
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
    fn a_login_with_another_password_after_a_reset_is_the_end_of_the_old_one() {
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
        assert!(remembers(), "while the reset is under way");
        drop(resetting);
        records.settle(&Password::new("old").unwrap());
        assert!(remembers(), "after a login with the old one");
        records.settle(&new);
        assert!(!remembers());
    }
}
