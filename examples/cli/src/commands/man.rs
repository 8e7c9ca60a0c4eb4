//! The manual pages.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, Command};

use crate::{failure::Failure, output};

/// Write the manual pages
///
/// With a folder, each command has a page of its own there: thingspace.1,
/// thingspace-login.1 and so on. Without one, all of them go to the standard output.
#[derive(Args)]
pub(crate) struct Man {
    /// The folder, which is made if it is not there
    folder: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, mut command: Command) -> Result<(), Failure> {
        command.build();
        let mut parts = vec![command.clone()];
        parts.extend(command.get_subcommands().cloned());
        let unwritten =
            |error: io::Error| Failure::usage(format!("the pages can't be written: {error}"));
        if let Some(folder) = self.folder {
            return into_folder(&folder, parts).map_err(unwritten);
        }
        let mut page = Vec::new();
        for part in parts {
            clap_mangen::Man::new(part)
                .render(&mut page)
                .map_err(unwritten)?;
        }
        output::to_stdout(&page)
    }
}

fn into_folder(folder: &Path, parts: Vec<Command>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for part in parts {
        let name = part
            .get_display_name()
            .unwrap_or(part.get_name())
            .to_owned();
        let mut page = Vec::new();
        clap_mangen::Man::new(part).render(&mut page)?;
        fs::write(folder.join(format!("{name}.1")), page)?;
    }
    Ok(())
}
