//! What can be wrong with a file, and what to do about it.

use std::{
    error::Error as StdError,
    fmt, io,
    path::{Path, PathBuf},
};

use thingspace_core::StoreError;

use crate::folder;

/// That a file can't be used, or could not be read or written. It holds what it
/// held before; or, if the disk did not confirm the very last step, the whole of
/// what was put in its place.
///
/// `Display` names the file, says what is wrong with it and what to do, and
/// repeats nothing of what it holds.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// It is a folder, a symbolic link, a device or a pipe.
    NotAFile,
    /// A folder was to stand there.
    NotAFolder,
    /// It belongs to another user.
    Foreign,
    /// Another process is writing it.
    Busy,
    /// Somebody has taken it away, or put another one in its place.
    Gone,
    /// Others than its owner may read or change it.
    Open {
        /// Who may do what, in the notation of `chmod`.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
    },
    /// It holds more bytes than any file of its kind.
    TooLarge {
        /// How many it may hold.
        limit: usize,
    },
    /// It holds no session that can be read.
    NoSession(serde_json::Error),
    /// The system said no.
    Io {
        /// To what.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl FileError {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        Self {
            path: path.to_owned(),
            problem,
        }
    }

    /// The system said no to `doing` something with the file.
    pub(crate) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::new(path, Problem::Io { doing, source })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::NotAFile => write!(
                f,
                "{path} is not a plain file; name another one, or move away what is there"
            ),
            Problem::NotAFolder => write!(
                f,
                "{path} is not a folder; name a file in another one, or move away what is there"
            ),
            Problem::Foreign => write!(
                f,
                "{path} belongs to another user; use it as that user, or name another place"
            ),
            Problem::Busy => write!(
                f,
                "{path} is being written by another process; wait until that is done"
            ),
            Problem::Gone => write!(
                f,
                "{path} was taken away while it was being written; find out by whom"
            ),
            Problem::Open { mode, wanted } => write!(
                f,
                "{path} is open to others (mode {mode:04o}); {}if nobody has been there who should not have, close it: chmod {wanted:o} {path}",
                // A folder that many use, such as /tmp, is not to be closed.
                match *wanted {
                    folder::MODE => "name a file in a folder of your own, or ",
                    _ => "",
                }
            ),
            Problem::TooLarge { limit } => write!(
                f,
                "{path} is larger than {limit} bytes, so it is not what it should be; name another file, or move it away"
            ),
            Problem::NoSession(_) => write!(
                f,
                "{path} holds no session that can be read, and is left as it is; use the version that wrote it, or move it away, which forgets its session and its count of failed logins"
            ),
            Problem::Io { doing, .. } => write!(f, "{path} could not be {doing}"),
        }
    }
}

impl StdError for FileError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.problem {
            Problem::NoSession(source) => Some(source),
            Problem::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        Self::new(error)
    }
}
