//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    commands::{Call, Completions, LogIn, LogOut, Man, Rearm, ResetPassword, Simulate, Status},
    failure::Failure,
};

/// What `--help` and the man page say behind the options.
const CREDENTIALS_AND_CODES: &str = "\
Credentials:
  THINGSPACE_KEY, THINGSPACE_SECRET    the application's, from the ThingSpace portal
  THINGSPACE_USERNAME, THINGSPACE_PASSWORD    the user's
  Each can also be in a file that only you may read, named by the same variable
  with _FILE at its end: THINGSPACE_PASSWORD_FILE=/etc/thingspace/password. Or all
  in one such file, named by --credentials, with a line NAME=VALUE for each of
  these names. Give each once.
  THINGSPACE_BASE_URL is another address than Verizon's.

Exit codes:
  0  done
  1  the service refused
  2  usage or configuration, the state file among it
  3  the login guard is closed; nothing was sent
  4  never sent: the network, or a pause after failures
  5  fate unknown, or nowhere to write the answer: it may have been or was
     carried out, look before you repeat it";

/// Unofficial command line for Verizon ThingSpace: opens a session when one is
/// needed, and shares it with every other invocation on this machine.
#[derive(Parser)]
#[command(name = "thingspace", version, after_help = CREDENTIALS_AND_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(name = "login")]
    LogIn(LogIn),
    #[command(name = "logout")]
    LogOut(LogOut),
    Status(Status),
    Call(Call),
    ResetPassword(ResetPassword),
    Rearm(Rearm),
    Simulate(Simulate),
    Completions(Completions),
    Man(Man),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::LogIn(command) => command.run(),
            Self::LogOut(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Call(command) => command.run(),
            Self::ResetPassword(command) => command.run(),
            Self::Rearm(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }

    /// Whether a machine reads what it says.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::LogIn(LogIn { common })
            | Self::LogOut(LogOut { common })
            | Self::Status(Status { common })
            | Self::Call(Call { common, .. })
            | Self::ResetPassword(ResetPassword { common, .. })
            | Self::Rearm(Rearm { common, .. }) => common.json,
            Self::Simulate(Simulate { json, .. }) => *json,
            Self::Completions(_) | Self::Man(_) => false,
        }
    }
}

/// What every command with a session takes.
#[derive(Args)]
pub(crate) struct Common {
    /// Say everything in JSON, errors too
    #[arg(long)]
    pub(crate) json: bool,

    /// The file that the session is shared in [default: one for each environment,
    /// user and key, in thingspace under the user's state directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// Which ThingSpace to talk to [default: production]
    #[arg(long, value_enum)]
    pub(crate) environment: Option<Verizons>,

    /// A file with the credentials, which only you may read
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,

    /// How long one request may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// The environments of Verizon's.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Verizons {
    Production,
    Staging,
    Mock,
}
