//! The file of a [`Place`](crate::Place) whose store writes one.

use std::{
    fs::{self, DirBuilder, File},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::Can;

/// A file in a folder of its own, both of which only their owner may read.
#[derive(Clone, Debug)]
pub struct SavedFile {
    folder: PathBuf,
    path: PathBuf,
}

impl SavedFile {
    /// The file in a new folder below this one. Neither of them exists yet.
    pub fn below(root: &Path) -> Self {
        let folder = root.join("state");
        Self {
            path: folder.join("session.json"),
            folder,
        }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does what [`Place::read`](crate::Place::read) asks for.
    pub fn read(&self) -> Option<String> {
        fs::read_to_string(&self.path).ok()
    }

    /// Does what [`Place::write`](crate::Place::write) asks for.
    pub fn write(&self, text: Option<&str>) {
        fs::remove_file(&self.path).ok();
        let Some(text) = text else {
            return;
        };
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.unwrap();
        let file = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&self.path);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Does what [`Place::let_pass`](crate::Place::let_pass) asks for, with the time of the
    /// last change.
    pub fn let_pass(&self, time: Duration) -> Can<()> {
        let file = File::options().append(true).open(&self.path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - time).unwrap();
        Can::Yes(())
    }
}
