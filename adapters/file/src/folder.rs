//! The folder that a shared file is in: whoever may write there may put another
//! file in its place, so it is its owner's alone.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::error::{FileError, Problem};

/// What may be done with it, and by its owner alone.
pub(crate) const MODE: u32 = 0o700;

/// The folder that a file is in.
pub(crate) fn of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The path with something added to the end of its name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Makes the folder, and those above it, if it is not there.
pub(crate) fn make(folder: &Path) -> Result<(), FileError> {
    match DirBuilder::new().mode(MODE).create(folder) {
        Ok(()) => keep_entries(of(folder)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(of(folder))?;
            make(folder)
        }
        Err(error) => Err(FileError::io(folder, "made")(error)),
    }
}

/// Whether the folder is there. Fails if it is not its owner's alone.
pub(crate) fn check(folder: &Path) -> Result<bool, FileError> {
    let about = match fs::metadata(folder) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(FileError::io(folder, "looked at")(error)),
    };
    let refuse = |problem| Err(FileError::new(folder, problem));
    if !about.is_dir() {
        return refuse(Problem::NotAFolder);
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return refuse(Problem::Foreign);
    }
    let mode = about.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let wanted = MODE;
        return refuse(Problem::Open { mode, wanted });
    }
    Ok(true)
}

/// Has the disk keep what the folder's files are called.
pub(crate) fn keep_entries(folder: &Path) -> Result<(), FileError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems keep them by themselves and know no such call.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced.map_err(FileError::io(folder, "kept by the disk")),
    }
}

/// Takes a file's name away, if there is one.
pub(crate) fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        cleared => cleared,
    }
}
