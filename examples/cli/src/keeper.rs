//! How a new password is kept: on the disk before anybody is told of it.

use std::{
    cell::RefCell,
    env,
    ffi::{OsStr, OsString},
    fs,
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
use thingspace_ureq::core::{Password, StoreError};
use zeroize::Zeroizing;

use crate::{
    credentials::password_in,
    failure::Failure,
    record::{Records, Reset},
};

/// More bytes than a password has.
const ROOM: usize = 4096;

/// Keeps the new password of one reset. Everything that could fail without it is
/// done when the keeper is made, before the reset is sent.
pub(crate) struct Keeper {
    old: Password,
    drafts: RefCell<Option<Drafts>>,
    place: PathBuf,
    program: Option<Program>,
    rescue: PathBuf,
    /// What came of it: a reset may be told of its own success twice.
    outcome: RefCell<Option<(Result<(), StoreError>, Whereabouts)>>,
}

struct Drafts {
    new: Draft,
    old: Draft,
}

/// Puts off what asks this process to end until this is dropped: it would lose a
/// password that is on its way. (A program that it starts is asked as ever.)
pub(crate) struct PutOff(SigSet);

impl PutOff {
    pub(crate) fn new() -> Self {
        let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
        signals.thread_block().ok();
        Self(signals)
    }
}

impl Drop for PutOff {
    fn drop(&mut self) {
        self.0.thread_unblock().ok();
    }
}

/// Where the new password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// On no disk.
    Nowhere,
    /// In this file.
    At(PathBuf),
    /// With the program that was to keep it.
    HandedOver,
}

/// Who is given the new password.
struct Program {
    path: PathBuf,
    args: Vec<OsString>,
}

impl Keeper {
    /// Proves that the new password can be kept. `command` is the program that is
    /// given it, and its arguments; it is in `reset.place` until that has it.
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
        // That another file may be put in its place is proven with the one that is
        // there: where it is mounted by itself, it may not. (Beside the session's file
        // it may.)
        if let Some(present) = read_private(&reset.place, ROOM)?.filter(|_| !reset.handed_over) {
            write(&reset.place, &present)?;
        }
        let mut drafts = Drafts {
            new: Draft::begin(&reset.place)?,
            old: Draft::begin(reset.old())?,
        };
        drafts.new.reserve(ROOM)?;
        drafts.old.reserve(ROOM)?;
        Ok(Self {
            old,
            drafts: RefCell::new(Some(drafts)),
            place: reset.place.clone(),
            program,
            rescue,
            outcome: RefCell::new(None),
        })
    }

    /// Keeps it.
    pub(crate) fn keep(&self, new: &Password) -> Result<(), StoreError> {
        if let Some((outcome, _)) = &*self.outcome.borrow() {
            return outcome.clone();
        }
        let mut whereabouts = Whereabouts::Nowhere;
        let kept = self.put(new, &mut whereabouts).inspect_err(|_| {
            let is_there = match &whereabouts {
                Whereabouts::Nowhere => false,
                Whereabouts::At(file) => {
                    matches!(password_in(file), Ok(Some(kept)) if kept == *new)
                }
                Whereabouts::HandedOver => true,
            };
            if !is_there {
                whereabouts = match write(&self.rescue, &line(new)) {
                    Ok(()) => Whereabouts::At(self.rescue.clone()),
                    Err(_) => Whereabouts::Nowhere,
                };
            }
        });
        *self.outcome.borrow_mut() = Some((kept.clone(), whereabouts));
        kept
    }

    /// Where the new password is.
    pub(crate) fn whereabouts(&self) -> Whereabouts {
        let outcome = self.outcome.borrow();
        outcome
            .as_ref()
            .map_or(Whereabouts::Nowhere, |(_, whereabouts)| whereabouts.clone())
    }

    /// From the first step on, one of the files holds the new password, and until
    /// the last one of them the old one.
    fn put(&self, new: &Password, whereabouts: &mut Whereabouts) -> Result<(), StoreError> {
        let Some(mut drafts) = self.drafts.take() else {
            return Err(StoreError::new("the new password came twice"));
        };
        drafts.new.fill(&line(new))?;
        *whereabouts = Whereabouts::At(drafts.new.path().to_owned());
        drafts.old.fill(&line(&self.old))?;
        drafts.old.publish()?;
        drafts.new.publish()?;
        *whereabouts = Whereabouts::At(self.place.clone());
        if let Some(program) = &self.program {
            program.hand_over(new).map_err(StoreError::new)?;
            *whereabouts = Whereabouts::HandedOver;
            // A copy that can not be removed does no harm, and `status` tells of it.
            fs::remove_file(&self.place).ok();
        }
        Ok(())
    }
}

impl Program {
    /// Gives it the password on its standard input, without a line end. What it
    /// says goes to the standard error.
    fn hand_over(&self, password: &Password) -> io::Result<()> {
        let said = io::stderr().as_fd().try_clone_to_owned()?;
        let mut child = Command::new(&self.path)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(said)
            .spawn()?;
        let told = match child.stdin.take() {
            Some(mut stdin) => stdin.write_all(password.expose().as_bytes()),
            None => Ok(()),
        };
        // One that did not read it to its end says by its status whether it has it.
        let status = child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!(
                "{} was to keep it and ended with {status}",
                self.path.display()
            )));
        }
        match told {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// Refuses to write over anything else than the password in use: it might be the
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

/// Whether there is a file. Refuses what is not a plain one of this user.
fn plain(path: &Path) -> Result<bool, Failure> {
    let shown = path.display();
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(Failure::usage(format!(
                "{shown} can't be looked at: {error}"
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

/// The program's file, as the shell would find it.
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

/// Writes what must not be lost into a file of its own.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let mut draft = Draft::begin(path)?;
    draft.fill(contents)?;
    draft.publish()
}

/// A text file's line.
fn line(password: &Password) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([password.expose().as_bytes(), b"\n"].concat())
}
