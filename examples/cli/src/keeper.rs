//! Saves a new password: it is on the disk before its reset is confirmed.

use std::{
    env,
    error::Error as StdError,
    ffi::{OsStr, OsString},
    fmt, fs,
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{SigSet, Signal},
    unistd::geteuid,
};
use thingspace_file::{Draft, FileError, read_private};
use thingspace_ureq::core::Password;
use zeroize::Zeroizing;

use crate::{
    credentials::password_in,
    failure::Failure,
    record::{Records, Reset},
};

/// The space in bytes that is reserved for a password. No password is longer.
const ROOM: usize = 4096;

/// Saves the new password of one reset. Every step that could fail, and does not
/// need the password, is done when the keeper is made, before the reset is sent.
pub(crate) struct Keeper {
    old: Password,
    old_draft: Draft,
    new_draft: Draft,
    place: PathBuf,
    program: Option<Program>,
    rescue: PathBuf,
}

/// The error of a new password that is not where it should be.
#[derive(Debug)]
pub(crate) struct NotSaved {
    source: Box<dyn StdError>,
    /// The location of the new password.
    pub(crate) location: Location,
}

impl fmt::Display for NotSaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the password was reset, and the new one could not be saved as requested")
    }
}

impl StdError for NotSaved {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// Defers the signals that ask this process to end, until this is dropped: they
/// would lose a password that is on its way. (A program that it starts gets them
/// as usual.)
pub(crate) struct DeferredSignals(SigSet);

impl DeferredSignals {
    pub(crate) fn new() -> Self {
        let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
        signals.thread_block().ok();
        Self(signals)
    }
}

impl Drop for DeferredSignals {
    fn drop(&mut self) {
        self.0.thread_unblock().ok();
    }
}

/// The location of the new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// On no disk.
    Nowhere,
    /// In this file.
    File(PathBuf),
    /// With the program that was to save it.
    HandedOver,
}

/// The program that is given the new password.
struct Program {
    path: PathBuf,
    args: Vec<OsString>,
}

impl Keeper {
    /// Proves that the new password can be saved. `command` is the program that is
    /// given it, and its arguments. Until the program has it, it is in
    /// `reset.place`.
    ///
    /// Fails if there is something else than the password in use, if nothing can
    /// be written there, or if the program can't be found.
    pub(crate) fn new(
        reset: &Reset,
        records: &Records,
        command: &[OsString],
        old: Password,
    ) -> Result<Self, Failure> {
        let rescue = records.rescue();
        for path in [&reset.place, &rescue] {
            spare(path, &old)?;
            spare(&Draft::path_of(path), &old)?;
        }
        plain(&reset.old())?;
        let program = match command {
            [] => None,
            [name, args @ ..] => Some(Program {
                path: find(name)?,
                args: args.to_vec(),
            }),
        };
        // The file that is there proves that another one may be put in its place: a
        // file that is mounted by itself can't be replaced. (One beside the session's
        // file can.)
        if let Some(present) = read_private(&reset.place, ROOM)?.filter(|_| !reset.handed_over) {
            write(&reset.place, &present)?;
        }
        let mut new_draft = Draft::begin(&reset.place)?;
        let mut old_draft = Draft::begin(reset.old())?;
        new_draft.reserve(ROOM)?;
        old_draft.reserve(ROOM)?;
        Ok(Self {
            old,
            old_draft,
            new_draft,
            place: reset.place.clone(),
            program,
            rescue,
        })
    }

    /// Saves the new password. If it can't be saved as requested, it is saved beside
    /// the session's file. `is_written` is called before a program is given it, once
    /// it is on the disk.
    pub(crate) fn save(self, new: &Password, is_written: impl FnOnce()) -> Result<(), NotSaved> {
        let rescue = self.rescue.clone();
        let mut location = Location::Nowhere;
        self.put(new, is_written, &mut location).map_err(|source| {
            let is_there = match &location {
                Location::Nowhere => false,
                Location::File(file) => {
                    matches!(password_in(file), Ok(Some(saved)) if saved == *new)
                }
                Location::HandedOver => true,
            };
            if !is_there {
                location = match write(&rescue, &line(new)) {
                    Ok(()) => Location::File(rescue),
                    Err(_) => Location::Nowhere,
                };
            }
            NotSaved { source, location }
        })
    }

    /// Writes the new password and the old one. From the first step on, one of the
    /// files holds the new password. Until the last step, one of them holds the old
    /// one.
    fn put(
        self,
        new: &Password,
        is_written: impl FnOnce(),
        location: &mut Location,
    ) -> Result<(), Box<dyn StdError>> {
        let (mut new_draft, mut old_draft) = (self.new_draft, self.old_draft);
        new_draft.fill(&line(new))?;
        *location = Location::File(new_draft.path().to_owned());
        old_draft.fill(&line(&self.old))?;
        old_draft.publish()?;
        new_draft.publish()?;
        *location = Location::File(self.place.clone());
        if let Some(program) = &self.program {
            is_written();
            program.hand_over(new)?;
            *location = Location::HandedOver;
            // A copy that can not be removed does no harm, and `status` reports it.
            fs::remove_file(&self.place).ok();
        }
        Ok(())
    }
}

impl Program {
    /// Gives the program the password on its standard input, without a line end. Its
    /// output goes to the standard error.
    fn hand_over(&self, password: &Password) -> io::Result<()> {
        let output = io::stderr().as_fd().try_clone_to_owned()?;
        let mut child = Command::new(&self.path)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(output)
            .spawn()?;
        let written = match child.stdin.take() {
            Some(mut stdin) => stdin.write_all(password.expose().as_bytes()),
            None => Ok(()),
        };
        // If a program did not read all of it, its status shows if it has the password.
        let status = child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!(
                "{} was to save it and ended with {status}",
                self.path.display()
            )));
        }
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// Refuses to overwrite anything else than the password in use: it might be the
/// only copy of another one.
fn spare(path: &Path, old: &Password) -> Result<(), Failure> {
    if !plain(path)? {
        return Ok(());
    }
    match password_in(path)? {
        Some(password) if password != *old => Err(Failure::usage(format!(
            "{} holds something else than the password in use, and nothing is written over it; if it is a password from an earlier reset, put it where it belongs, and else name another file",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Returns true if there is a file. Refuses one that is not a plain file of this
/// user.
fn plain(path: &Path) -> Result<bool, Failure> {
    let shown = path.display();
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(Failure::usage(format!(
                "{shown} can't be examined: {error}"
            )));
        }
    };
    if !about.is_file() {
        return Err(Failure::usage(format!(
            "{shown} is not a plain file; name another one"
        )));
    }
    if about.uid() != geteuid().as_raw() {
        return Err(Failure::usage(format!(
            "{shown} belongs to another user, who could not read it afterwards; reset the password as that user"
        )));
    }
    Ok(true)
}

/// Finds the program's file as a shell does.
fn find(name: &OsStr) -> Result<PathBuf, Failure> {
    let runs = |path: &PathBuf| {
        fs::metadata(path)
            .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    let named = Path::new(name);
    let found = if named.components().count() > 1 {
        Some(named.to_owned()).filter(runs)
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .map(|folder| folder.join(named))
            .find(runs)
    };
    found.ok_or_else(|| {
        Failure::usage(format!(
            "{} can't be run; check its name and mode",
            named.display()
        ))
    })
}

/// Writes contents that must not be lost into a file of their own.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let mut draft = Draft::begin(path)?;
    draft.fill(contents)?;
    draft.publish()
}

/// The password as a line of a text file.
fn line(password: &Password) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([password.expose().as_bytes(), b"\n"].concat())
}
