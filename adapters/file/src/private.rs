//! Files that only their owner may read.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::error::{FileError, Problem};

/// Reads a file that only its owner may read. Returns `None` if there is no such
/// file. Follows a symbolic link, and reads a pipe to its end.
///
/// Fails if others may read or change it, if it is a folder, or if it holds more
/// than `limit` bytes.
pub fn read_private(path: &Path, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    read(path, limit, OFlags::empty())
}

/// Reads a private file that this crate wrote. It must be a plain file and no link.
/// Otherwise like [`read_private`].
pub(crate) fn read_plain(
    path: &Path,
    limit: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    // Opening must not wait for a writer, should a pipe be there.
    read(path, limit, OFlags::NOFOLLOW | OFlags::NONBLOCK)
}

fn read(path: &Path, limit: usize, plain: OFlags) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let io = |doing| FileError::io(path, doing);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | plain;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(FileError::new(path, Problem::NotAFile)),
        Err(error) => return Err(io("opened")(error.into())),
    };
    check(path, &file, !plain.is_empty())?;
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    // The buffer never grows: a reallocation would leave a copy that is not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit.saturating_add(1)));
    match file.take(most).read_to_end(&mut bytes) {
        Ok(read) if read > limit => Err(FileError::new(path, Problem::TooLarge { limit })),
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(FileError::new(path, Problem::NotAFile))
        }
        Err(error) => Err(io("read")(error)),
    }
}

/// Checks that only its owner may access an open file.
pub(crate) fn check(path: &Path, file: &File, plain: bool) -> Result<(), FileError> {
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
    Ok(())
}
