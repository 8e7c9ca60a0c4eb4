//! Shell completions.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::{failure::Failure, output};

/// Write completions for a shell
#[derive(Args)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, command: &mut Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, command, "thingspace", &mut script);
        output::to_stdout(&script)
    }
}
