//! The manual page.

use clap::{Args, CommandFactory};

use crate::{cli::Cli, failure::Failure, show};

/// Write the manual page
#[derive(Args)]
pub(crate) struct Man {}

impl Man {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self {} = self;
        let mut page = Vec::new();
        let mut command = Cli::command();
        command.build();
        let mut parts = vec![command.clone()];
        parts.extend(command.get_subcommands().cloned());
        for part in parts {
            clap_mangen::Man::new(part)
                .render(&mut page)
                .map_err(|error| Failure::usage(format!("the page can't be written: {error}")))?;
        }
        show::to_stdout(&page)
    }
}
