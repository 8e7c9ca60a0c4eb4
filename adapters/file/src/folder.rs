//! The folder of a shared file. A user who may write there may replace the file,
//! so only its owner may access it.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::error::{FileError, Problem};

/// The folder's mode: full access for its owner, none for others.
pub(crate) const MODE: u32 = 0o700;

/// Returns the folder of a file.
pub(crate) fn of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the path with `end` appended to its name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Creates the folder and its missing parents.
pub(crate) fn make(folder: &Path) -> Result<(), FileError> {
    match DirBuilder::new().mode(MODE).create(folder) {
        Ok(()) => sync_entries(of(folder)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(of(folder))?;
            make(folder)
        }
        Err(error) => Err(FileError::io(folder, "made")(error)),
    }
}

/// Returns true if the folder exists. Fails if other users may access it.
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

/// Syncs the names of the folder's files to the disk.
pub(crate) fn sync_entries(folder: &Path) -> Result<(), FileError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems sync names on their own and do not support this call.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced.map_err(FileError::io(folder, "synced to the disk")),
    }
}

/// Removes a file, if it exists.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
