//! How a file gets its content: all of it, or none.

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

/// A file that only its owner may read, on its way to its place.
///
/// It is written beside it under a name of its own, kept by the disk, and only
/// then renamed. So its place holds what was there before or all that is new,
/// whenever the process or the machine stops.
#[derive(Debug)]
pub struct Draft {
    place: PathBuf,
    path: PathBuf,
    file: File,
    /// Whether it holds something that is worth keeping.
    filled: bool,
}

impl Draft {
    /// Begins a draft of the file at `place`, in [its path](Self::path_of), with
    /// mode 0600. What is left there of a process that is gone is dropped: of all
    /// who write the same file, one at a time may have a draft.
    ///
    /// Fails if another process has one, or if the folder can't be written to.
    pub fn begin(place: impl Into<PathBuf>) -> Result<Self, FileError> {
        let place = place.into();
        let path = Self::path_of(&place);
        // Whoever writes a draft holds it locked, for as long as the process lives.
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let left = rustix::fs::open(&path, flags, Mode::empty()).map(File::from);
        if left.as_ref().is_ok_and(|left| !lock(left)) {
            return Err(FileError::new(&path, Problem::Busy));
        }
        folder::clear(&path).map_err(FileError::io(&path, "cleared away"))?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| FileError::io(&path, "made")(error.into()))?;
        let file = File::from(file);
        // Somebody else may have taken it for one that was left.
        if !lock(&file) || !is_at(&file, &path) {
            return Err(FileError::new(&path, Problem::Busy));
        }
        Ok(Self {
            place,
            path,
            file,
            filled: false,
        })
    }

    /// Where the draft of the file at `place` is: beside it, with `.new` at the
    /// end of its name.
    pub fn path_of(place: &Path) -> PathBuf {
        folder::beside(place, ".new")
    }

    /// Has the disk keep this many zero bytes, so that as many others find their
    /// place later.
    ///
    /// Fails if there is no room.
    pub fn reserve(&mut self, length: usize) -> Result<(), FileError> {
        let zeros = vec![0; length];
        let kept = self.file.write_all(&zeros);
        kept.and_then(|()| self.file.sync_all())
            .map_err(FileError::io(&self.path, "written"))
    }

    /// Gives the draft its content, and has the disk keep it. From here on it
    /// stays, even if it is not published.
    pub fn fill(&mut self, contents: &[u8]) -> Result<(), FileError> {
        self.filled = true;
        let length = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        // Its length first: no zeros that were reserved are ever behind the content.
        self.file
            .set_len(length)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(contents))
            .and_then(|()| self.file.sync_all())
            .map_err(FileError::io(&self.path, "written"))
    }

    /// Puts the draft in the place of the file, and has the disk keep that.
    ///
    /// Fails if somebody has taken it away meanwhile, or put another file there.
    pub fn publish(self) -> Result<(), FileError> {
        if !is_at(&self.file, &self.path) {
            return Err(FileError::new(&self.path, Problem::Gone));
        }
        fs::rename(&self.path, &self.place)
            .map_err(FileError::io(&self.place, "put in its place"))?;
        folder::keep_entries(folder::of(&self.place))
    }

    /// Where the draft is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes away a draft that was never filled.
impl Drop for Draft {
    fn drop(&mut self) {
        if !self.filled && is_at(&self.file, &self.path) {
            folder::clear(&self.path).ok();
        }
    }
}

/// Keeps others from a draft; not if one of them has it. (A file system that knows
/// no locks is no reason to write nothing.)
fn lock(draft: &File) -> bool {
    flock(draft, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// Whether it is this file that has this name.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}
