//! The lock of a file that many processes share: one process writes at a time.

use std::{fs::File, path::Path, time::SystemTime};

use rustix::{
    fs::{
        FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, flock, futimens,
    },
    io::{Errno, retry_on_intr},
};

use crate::{
    error::{FileError, Problem},
    folder, private,
};

/// A lock that one process of a machine holds until it is dropped or the process
/// ends, in whatever way.
///
/// It is an advisory lock (`flock`) on a separate, empty file. The file stays after
/// the lock is released. Do not remove it while it is in use: two processes could
/// then hold the lock at once.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Waits until the lock of `path` is free, and takes it. Creates its folder with
    /// mode 0700, if there is none.
    ///
    /// Fails if the folder or the lock's file is open to others, or can't be created.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = open(path)?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
            .map_err(|error| FileError::io(path, "locked")(error.into()))?;
        Ok(Self(file))
    }

    /// Takes the lock of `path` without waiting. Returns `None` if another process
    /// holds it. Otherwise like [`wait`](Self::wait).
    pub fn attempt(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(FileError::io(path, "locked")(error.into())),
        }
    }
}

/// Returns the time by the clock of the file system that the lock of `path` is on: its
/// file is touched, whoever holds it.
///
/// Fails if its file can't be touched, or is open to others.
pub(crate) fn now(path: &Path) -> Result<SystemTime, FileError> {
    let file = open(path)?;
    let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let touched = Timestamps {
        last_access: at(UTIME_OMIT),
        last_modification: at(UTIME_NOW),
    };
    let io = || FileError::io(path, "touched, by which the age of the session is told");
    futimens(&file, &touched).map_err(|error| io()(error.into()))?;
    file.metadata()
        .and_then(|about| about.modified())
        .map_err(io())
}

fn open(path: &Path) -> Result<File, FileError> {
    let folder = folder::of(path);
    if !folder::check(folder)? {
        folder::make(folder)?;
        folder::check(folder)?;
    }
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::ISDIR) => return Err(FileError::new(path, Problem::NotAFile)),
        Err(error) => return Err(FileError::io(path, "opened")(error.into())),
    };
    private::check(path, &file, true)?;
    Ok(file)
}
