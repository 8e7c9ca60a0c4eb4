//! Who may write a file that many processes share.

use std::{fs::File, path::Path};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock},
    io::{Errno, retry_on_intr},
};

use crate::{
    error::{FileError, Problem},
    folder, private,
};

/// A lock that one process of a machine holds, until it is dropped or the
/// process ends, however it ends.
///
/// It is an advisory lock (`flock`) on a file of its own, which holds nothing and
/// stays: whoever removes it while it is in use lets two in at once.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Waits until nobody else holds the lock of `path`, and takes it. Makes the
    /// folder that it is in, with mode 0700, if there is none.
    ///
    /// Fails if the folder or the lock's file is open to others, or can't be made.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = open(path)?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
            .map_err(|error| FileError::io(path, "locked")(error.into()))?;
        Ok(Self(file))
    }

    /// The same, but does not wait: `None` if somebody else holds it.
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
