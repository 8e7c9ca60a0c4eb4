//! The command line: the commands, and the help behind them.

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    commands::{
        Call, Check, Completions, Forget, LogIn, LogOut, Man, Proxy, ResetPassword, Simulate,
        Status, Tokens, Unblock,
    },
    common::Common,
    failure::Failure,
};

/// The text that `--help` and the man page show after the options.
const CREDENTIALS_AND_CODES: &str = "\
Credentials:
  THINGSPACE_KEY, THINGSPACE_SECRET    the application's, from the ThingSpace portal
  THINGSPACE_USERNAME, THINGSPACE_PASSWORD    the user's
  Each can also be in a file that only you may read, named by the same variable
  with _FILE at its end: THINGSPACE_PASSWORD_FILE=/etc/thingspace/password. Or all
  in one such file, named by --credentials, with a line NAME=VALUE for each of
  these names. Give each once.
  THINGSPACE_BASE_URL is another address than Verizon's, and
  THINGSPACE_INSECURE_HTTP_HOST is the host of --insecure-http-host.
  THINGSPACE_STORE is the store's address, as of --store; THINGSPACE_STORE_PASSWORD
  is its password, or in a file like the others. What is saved there is encrypted
  if THINGSPACE_STORE_KEY_FILE names a file with a key: openssl rand -hex 32
  SSL_CERT_FILE is a file of certificates to trust, as of --cacert.

Exit codes:
  0  done
  1  the service refused: the call, or a token fetch or login that it needed
  2  usage or configuration, the state file among it
  3  the login guard is blocked, and this command made no login
  4  the call was never sent: the network, the deadline, a wait after failures that
     is too long, or a login of this command that had no response
  5  outcome unknown, or the response could not be written: the command may have
     been or was executed; look before you retry it";

/// The version with the commit, from the build script.
const VERSION: &str = env!("THINGSPACE_VERSION");

/// Unofficial command line for Verizon ThingSpace: opens a session when one is
/// needed, and shares it with every other invocation on this machine.
#[derive(Parser)]
#[command(name = "thingspace", version = VERSION, after_help = CREDENTIALS_AND_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,

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
    Check(Check),
    Tokens(Tokens),
    Forget(Forget),
    ResetPassword(ResetPassword),
    Unblock(Unblock),
    Proxy(Box<Proxy>),
    Simulate(Simulate),
    Completions(Completions),
    Man(Man),
}

impl Command {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        match self {
            Self::LogIn(command) => command.run(common),
            Self::LogOut(command) => command.run(common),
            Self::Status(command) => command.run(common),
            Self::Call(command) => command.run(common),
            Self::Check(command) => command.run(common),
            Self::Tokens(command) => command.run(common),
            Self::Forget(command) => command.run(common),
            Self::ResetPassword(command) => command.run(common),
            Self::Unblock(command) => command.run(common),
            Self::Proxy(command) => command.run(common),
            Self::Simulate(command) => command.run(common),
            Self::Completions(command) => command.run(&mut Cli::command()),
            Self::Man(command) => command.run(Cli::command()),
        }
    }
}
