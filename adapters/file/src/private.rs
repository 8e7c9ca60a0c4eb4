//! Files that only their owner may read.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    time::SystemTime,
};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::error::{FileError, Problem};

/// The room for a file whose length nobody knows before it is read, such as a pipe.
const UNKNOWN_LENGTH: usize = 4096;

/// Reads a file that only its owner may read. Returns `None` if there is no such
/// file. Follows a symbolic link, and reads a pipe to its end.
///
/// Fails if others may read or change it, if it is a folder, or if it holds more
/// than `limit` bytes.
pub fn read_private(path: &Path, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    Ok(read(path, limit, OFlags::empty())?.map(|read| read.contents))
}

/// A file that was read.
pub(crate) struct ReadFile {
    pub(crate) contents: Zeroizing<Vec<u8>>,
    /// The time at which its contents were written, by the clock of its file system.
    pub(crate) modified: SystemTime,
}

/// Reads a private file that this crate wrote. It must be a plain file and no link.
/// Otherwise like [`read_private`].
pub(crate) fn read_plain(path: &Path, limit: usize) -> Result<Option<ReadFile>, FileError> {
    // Opening must not wait for a writer, should a pipe be there.
    read(path, limit, OFlags::NOFOLLOW | OFlags::NONBLOCK)
}

fn read(path: &Path, limit: usize, plain: OFlags) -> Result<Option<ReadFile>, FileError> {
    let io = |doing| FileError::io(path, doing);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | plain;
    let mut file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(FileError::new(path, Problem::NotAFile)),
        Err(error) => return Err(io("opened")(error.into())),
    };
    let about = check(path, &file, !plain.is_empty())?;
    let modified = about.modified().map_err(io("looked at"))?;
    let length = if about.is_file() {
        usize::try_from(about.len()).unwrap_or(usize::MAX)
    } else {
        UNKNOWN_LENGTH
    };
    match read_to_end(&mut file, length, limit) {
        Ok(contents) if contents.len() > limit => {
            Err(FileError::new(path, Problem::TooLarge { limit }))
        }
        Ok(contents) => Ok(Some(ReadFile { contents, modified })),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(FileError::new(path, Problem::NotAFile))
        }
        Err(error) => Err(io("read")(error)),
    }
}

/// Reads a file that has about this length to its end, or until it is longer than
/// `limit`.
///
/// What is read goes straight to the buffer that is wiped, which has room for no more
/// than the file holds.
fn read_to_end(file: &mut File, length: usize, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // One byte more, so that the end is noticed.
    let most = limit.saturating_add(1);
    let room = length.saturating_add(1).min(most);
    let mut bytes = Zeroizing::new(vec![0; room]);
    let mut filled = 0;
    loop {
        match file.read(bytes.get_mut(filled..).unwrap_or_default()) {
            Ok(0) if filled < bytes.len() || filled == most => break,
            // It is longer than it was. The buffer never grows by itself: that would leave
            // a copy that is not wiped.
            Ok(0) => {
                let room = filled.saturating_mul(2).min(most);
                let mut more = Zeroizing::new(vec![0; room]);
                if let Some(start) = more.get_mut(..filled) {
                    start.copy_from_slice(&bytes);
                }
                bytes = more;
            }
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Checks that only its owner may access an open file. Returns what is known about it.
pub(crate) fn check(path: &Path, file: &File, plain: bool) -> Result<Metadata, FileError> {
    let about = file.metadata().map_err(FileError::io(path, "looked at"))?;
    let refuse = |problem| Err(FileError::new(path, problem));
    if about.is_dir() || (plain && !about.is_file()) {
        return refuse(Problem::NotAFile);
    }
    let mode = about.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let wanted = 0o600;
        return refuse(Problem::Open { mode, wanted });
    }
    Ok(about)
}
