//! The lock of a file that many processes share: one process writes at a time.

use std::{fs::File, path::Path};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock},
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
