//! The lock of a file that many processes share: one process writes at a time.

use std::{
    fs::File,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

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

/// The most threads of a process that wait in line for a lock. One whose time is over goes
/// on until a process that was stopped lets the lock go.
const MOST_IN_LINE: usize = 8;

/// The number of threads that wait in line.
static IN_LINE: AtomicUsize = AtomicUsize::new(0);

/// The pause between two looks at a lock. It is the same for all, however long they have
/// waited: whoever looked less often would never get it.
const PAUSE: Duration = Duration::from_millis(1);

/// The time for which a lock is looked at before its line is joined. Most are free by then,
/// and need no thread.
const BEFORE_THE_LINE: Duration = Duration::from_millis(250);

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
    /// may hold it for ever. A long wait is in the line that the system keeps, on a thread
    /// of its own.
    pub fn wait(path: &Path, timeout: Duration) -> Result<Self, FileError> {
        let file = open(path)?;
        let start = Instant::now();
        if looks_until_free(path, &file, timeout.min(BEFORE_THE_LINE))? {
            return Ok(Self(file));
        }
        let left = timeout.saturating_sub(start.elapsed());
        let taken = match InLine::begin() {
            Some(in_line) if !left.is_zero() => in_line.wait(path, file, left)?,
            _ => looks_until_free(path, &file, left)?.then_some(file),
        };
        let held = || FileError::new(path, Problem::Held { timeout });
        taken.map(Self).ok_or_else(held)
    }

    /// Takes the lock of `path` without waiting. Returns `None` if another process
    /// holds it. Otherwise like [`wait`](Self::wait).
    pub fn attempt(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path)?;
        Ok(is_taken(path, &file)?.then_some(Self(file)))
    }
}

/// A place in the line that the system keeps of those who wait for a lock.
///
/// In a crowd, only a line lets everybody have the lock in time. But the system lets nobody
/// wait in it for a limited time: so a thread of its own does.
struct InLine;

impl InLine {
    /// Takes a place, if there is one.
    fn begin() -> Option<Self> {
        let one_more = |so_far| (so_far < MOST_IN_LINE).then_some(so_far + 1);
        let taken = IN_LINE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then_some(Self)
    }

    /// Waits for the lock that is this file. Returns it once it is locked; `None` if its
    /// time is over.
    fn wait(self, path: &Path, file: File, timeout: Duration) -> Result<Option<File>, FileError> {
        let io = || FileError::io(path, "locked");
        let (locked, taken) = mpsc::channel();
        let waiting = move || {
            let result = retry_on_intr(|| flock(&file, FlockOperation::LockExclusive));
            // If nobody waits any more, the file is closed, which lets the lock go.
            locked.send(result.map(|()| file)).ok();
            drop(self);
        };
        let thread = thread::Builder::new().name("thingspace-lock".into());
        thread.spawn(waiting).map_err(io())?;
        match taken.recv_timeout(timeout) {
            Ok(result) => result.map(Some).map_err(|error| io()(error.into())),
            Err(_) => Ok(None),
        }
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        IN_LINE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Looks at the lock that is this file until it is free, and takes it. Returns false if the
/// time is over.
fn looks_until_free(path: &Path, file: &File, timeout: Duration) -> Result<bool, FileError> {
    let start = Instant::now();
    while !is_taken(path, file)? {
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        thread::sleep(PAUSE.min(left));
    }
    Ok(true)
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
