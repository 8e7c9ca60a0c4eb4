//! The options that every command has.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The options of every command, which may stand before it or after it.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Common {
    /// Print everything as JSON, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Report each request, wait and event on the standard error, without secrets
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    /// The file that the session is shared in, and beside which resets are recorded
    /// [default: one for each environment,
    /// user and key, in thingspace under the user's state directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// The store that the session is shared in: a file, or for many machines the address
    /// of a PostgreSQL or Redis server, without its password [default: the file of
    /// --state]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,

    /// The environment of ThingSpace to use [default: production]
    #[arg(long, global = true, value_enum)]
    pub(crate) environment: Option<NamedEnvironment>,

    /// Allow plain HTTP to this host, to which `THINGSPACE_BASE_URL` leads: passwords and
    /// tokens go there in the clear. For a simulator in another container
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) insecure_http_host: Option<String>,

    /// A file with the credentials, which only you may read
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,

    /// A file of certificates in PEM form; no other authority is trusted then
    /// [default: the file that `SSL_CERT_FILE` names, or what Mozilla trusts]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// The timeout of each request, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,

    /// The longest wait until the service is ready again, or until the next login may be
    /// made, in seconds; the command fails if it would be longer
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) wait: u64,

    /// The longest time for the whole command, in seconds; it ends within two more. A
    /// password reset that has begun is brought to its end
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) deadline: Option<u64>,
}

/// The environments that Verizon runs.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum NamedEnvironment {
    Production,
    Staging,
    Mock,
}
