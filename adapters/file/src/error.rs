//! The errors of a file, each with what to do about it.

use std::{
    error::Error as StdError,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use thingspace_core::StoreError;

/// An error of a file: it can't be used, or reading or writing it failed.
///
/// The file still has its old content. If the disk did not confirm the very last
/// step, it may have all of its new content instead.
///
/// `Display` names the file, says what is wrong with it and what to do, and shows
/// nothing of its content.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    problem: Problem,
}

/// The reason why a file can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// It is a folder, a symbolic link, a device or a pipe.
    NotAFile,
    /// A folder is expected there, and it is something else.
    NotAFolder,
    /// It belongs to another user.
    Foreign,
    /// Another process is writing it.
    Busy,
    /// It is a lock that another process holds.
    Held {
        /// The time for which it was waited for.
        timeout: Duration,
    },
    /// It was removed or replaced while it was being written.
    Gone,
    /// Other users than its owner may read or change it.
    Open {
        /// Its mode, in the notation of `chmod`.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
    },
    /// It is larger than a file of its kind may be.
    TooLarge {
        /// The largest allowed size in bytes.
        limit: usize,
    },
    /// Its content is no valid session.
    NoSession(serde_json::Error),
    /// The system reported an error.
    Io {
        /// The operation that failed, as a participle ("opened").
        doing: &'static str,
        /// The system's error.
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

    /// Returns a function that wraps the system's error about `doing` something with
    /// the file.
    pub(crate) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::new(path, Problem::Io { doing, source })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The reason why it can't be used.
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
            Problem::Held { timeout } => write!(
                f,
                "{path} is a lock that another process has held for {} seconds, and that is needed to save; if it was stopped, let it go on or end it (fuser {path} names it)",
                timeout.as_secs_f64()
            ),
            Problem::Gone => write!(
                f,
                "{path} was removed or replaced while it was being written; find out which program did that"
            ),
            Problem::Open { mode, wanted } => write!(
                f,
                "{path} is open to others (mode {mode:04o}); {}check that nobody has misused it and close it: chmod {wanted:o} {path}",
                // A shared folder such as /tmp must not be closed. Only a folder is to be
                // entered.
                match wanted & 0o111 {
                    0 => "",
                    _ => "name a file in a folder of your own, or ",
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
