//! The lock of a file that many processes share: one process writes at a time.

use std::{
    fs::File,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::{
    fs::{
        FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, flock, futimens,
    },
    io::Errno,
};

use crate::{
    error::{FileError, Problem},
    folder, private,
};

/// The pause between two looks at a lock that another process holds. It is the same for
/// all, however long they have waited: whoever looked less often would never get it.
const PAUSE: Duration = Duration::from_millis(1);

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
    /// Fails if the folder or the lock's file is open to others, or can't be created, and
    /// if another process holds the lock for all of `timeout`: a process that was stopped
    /// may hold it for ever.
    pub fn wait(path: &Path, timeout: Duration) -> Result<Self, FileError> {
        let file = open(path)?;
        let start = Instant::now();
        // The system could wait without looking again, but not for a limited time.
        while !is_taken(path, &file)? {
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(FileError::new(path, Problem::Held { timeout }));
            }
            thread::sleep(PAUSE.min(left));
        }
        Ok(Self(file))
    }

    /// Takes the lock of `path` without waiting. Returns `None` if another process
    /// holds it. Otherwise like [`wait`](Self::wait).
    pub fn attempt(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path)?;
        Ok(is_taken(path, &file)?.then_some(Self(file)))
    }
}

/// Takes the lock that is this file. Returns false if another process holds it.
fn is_taken(path: &Path, file: &File) -> Result<bool, FileError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(FileError::io(path, "locked")(error.into())),
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
