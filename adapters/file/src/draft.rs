//! Atomic writes: a file gets all of its new content, or none.

use std::{
    fs::{self, File},
    io::{Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock},
    io::Errno,
};

use crate::{
    error::{FileError, Problem},
    folder,
};

/// A new version of a file, not published yet. Only its owner may read it.
///
/// It is written to a temporary file beside the target, synced to the disk, and then
/// renamed. So the target holds the old content or all of the new content, whenever
/// the process or the machine stops.
#[derive(Debug)]
pub struct Draft {
    target: PathBuf,
    path: PathBuf,
    file: File,
    /// True once content was written, even in part: the draft must not be removed then.
    filled: bool,
}

impl Draft {
    /// Begins a draft of the file at `target`, at [its path](Self::path_of), with
    /// mode 0600. A draft that an ended process left there is removed: only one
    /// draft of a file may exist at a time.
    ///
    /// Fails if another process is writing a draft of the same file, or if the
    /// folder can't be written to.
    pub fn begin(target: impl Into<PathBuf>) -> Result<Self, FileError> {
        let target = target.into();
        let path = Self::path_of(&target);
        // A process that writes a draft holds a lock on it, which ends with the process
        // at the latest.
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let left = rustix::fs::open(&path, flags, Mode::empty()).map(File::from);
        if left.as_ref().is_ok_and(|left| !lock(left)) {
            return Err(FileError::new(&path, Problem::Busy));
        }
        folder::remove(&path).map_err(FileError::io(&path, "removed"))?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| FileError::io(&path, "made")(error.into()))?;
        let file = File::from(file);
        // Another process may have removed it, believing that it was left over.
        if !lock(&file) || !is_at(&file, &path) {
            return Err(FileError::new(&path, Problem::Busy));
        }
        Ok(Self {
            target,
            path,
            file,
            filled: false,
        })
    }

    /// Returns the path of the draft of the file at `target`: the file's own path
    /// with `.new` appended.
    pub fn path_of(target: &Path) -> PathBuf {
        folder::beside(target, ".new")
    }

    /// Reserves disk space: writes and syncs this many zero bytes, so that content
    /// of this length can be written later.
    ///
    /// Fails if the disk has no room.
    pub fn reserve(&mut self, length: usize) -> Result<(), FileError> {
        let zeros = vec![0; length];
        let written = self.file.write_all(&zeros);
        written
            .and_then(|()| self.file.sync_all())
            .map_err(FileError::io(&self.path, "written"))
    }

    /// Writes the draft's content and syncs it to the disk. From now on the draft
    /// stays, even if it is never published or the writing fails.
    pub fn fill(&mut self, contents: &[u8]) -> Result<(), FileError> {
        self.filled = true;
        let length = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        // The length is set first, so that no reserved zeros ever follow the content.
        self.file
            .set_len(length)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(contents))
            .and_then(|()| self.file.sync_all())
            .map_err(FileError::io(&self.path, "written"))
    }

    /// Replaces the target with the draft, and syncs that to the disk.
    ///
    /// Fails if the draft was removed or replaced in the meantime.
    pub fn publish(self) -> Result<(), FileError> {
        if !is_at(&self.file, &self.path) {
            return Err(FileError::new(&self.path, Problem::Gone));
        }
        fs::rename(&self.path, &self.target).map_err(FileError::io(&self.target, "replaced"))?;
        folder::sync_entries(folder::of(&self.target))
    }

    /// The draft's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes a draft that was never filled.
impl Drop for Draft {
    fn drop(&mut self) {
        if !self.filled && is_at(&self.file, &self.path) {
            folder::remove(&self.path).ok();
        }
    }
}

/// Locks a draft. Returns false if another process holds its lock. (A file system
/// without locks does not prevent writing, so this returns true there.)
fn lock(draft: &File) -> bool {
    flock(draft, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// Returns true if `path` names this very file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}
