//! The address of a server: where the session is, and how to get there.

use std::{fmt, io, iter, net::IpAddr};

use rustls::ClientConfig;
use thingspace_remote::{Limits, RemoteStore, trusting};
use thiserror::Error;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// The longest name of a session in bytes: it must fit into a notification.
const MAX_NAME: usize = 1000;

/// The port of PostgreSQL, where an address names none.
const PORT: u16 = 5432;

/// A place for a session in a PostgreSQL database: one row of a table.
#[derive(Clone)]
#[must_use]
pub struct Postgres {
    pub(crate) config: Config,
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) creates_table: bool,
    pub(crate) tls: Option<ClientConfig>,
}

impl Postgres {
    /// The statement that makes the table. It holds a row for each session, by name.
    pub const TABLE: &str = "\
CREATE TABLE IF NOT EXISTS thingspace_session (
    name text PRIMARY KEY,
    revision text NOT NULL,
    snapshot text NOT NULL,
    saved_at timestamptz NOT NULL
)";

    /// The place at this address: `postgres://user:password@host:port/database`, or the
    /// settings of libpq (`host=… dbname=…`). Several hosts may be named; the session is
    /// at the one that can be written to.
    ///
    /// A host that is neither a socket nor this machine is connected to over TLS, and its
    /// certificate is verified, unless the address says `sslmode=disable`.
    ///
    /// Fails if it can't be read. The error does not repeat it.
    pub fn at(address: &str) -> Result<Self, AddressError> {
        let mut config: Config = address.parse().map_err(|_| AddressError::Unreadable)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::NoHost);
        }
        // A standby takes no save, and may not have the last one yet.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("thingspace");
        }
        let is_required = config.get_ssl_mode() == SslMode::Require;
        if is_local(&config) && !is_required {
            config.ssl_mode(SslMode::Disable);
        } else if config.get_ssl_mode() != SslMode::Disable {
            config.ssl_mode(SslMode::Require);
        }
        Ok(Self {
            config,
            name: "default".to_owned(),
            limits: Limits::default(),
            creates_table: false,
            tls: None,
        })
    }

    /// Logs in with this password, so that the address need not hold it.
    pub fn password(mut self, password: impl AsRef<[u8]>) -> Self {
        self.config.password(password);
        self
    }

    /// Saves the session under this name; `default` unless it is given. Each user name of
    /// `ThingSpace` needs one of its own.
    ///
    /// Fails if it is empty, or longer than 1,000 bytes.
    pub fn name(self, name: impl Into<String>) -> Result<Self, AddressError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
            return Err(AddressError::Name);
        }
        Ok(Self { name, ..self })
    }

    /// Makes the [table](Self::TABLE) when it connects, unless it is there: the user needs
    /// the right to do so.
    pub fn create_table(self) -> Self {
        Self {
            creates_table: true,
            ..self
        }
    }

    /// Trusts what this configuration trusts: for roots or a client certificate of one's
    /// own. Without one, the roots that Mozilla trusts.
    pub fn tls(self, config: ClientConfig) -> Self {
        Self {
            tls: Some(config),
            ..self
        }
    }

    /// Sets the limits of the store.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Creates the store. It connects when it is first used.
    ///
    /// Fails if the system gives no thread, or TLS can't be set up.
    pub fn store(mut self) -> io::Result<RemoteStore> {
        if self.tls.is_none() {
            self.tls = Some(trusting().map_err(io::Error::other)?);
        }
        let limits = self.limits;
        RemoteStore::new(self, limits)
    }

    /// The server and the name, without the password.
    pub(crate) fn shown(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let addresses = self.config.get_hostaddrs().iter().map(IpAddr::to_string);
        let hosts: Vec<_> = if self.config.get_hosts().is_empty() {
            addresses.collect()
        } else {
            hosts.collect()
        };
        // Each host has its own port, or one is for all.
        let ports = self.config.get_ports();
        let last = ports.last().unwrap_or(&PORT);
        let ports = ports.iter().chain(iter::repeat(last));
        let places: Vec<_> = hosts
            .iter()
            .zip(ports)
            .map(|(host, port)| format!("{host}:{port}"))
            .collect();
        let database = self.config.get_dbname().unwrap_or_default();
        format!(
            "PostgreSQL at {}/{database}, session {:?}",
            places.join(","),
            self.name
        )
    }
}

/// Returns true if all hosts are sockets, or this machine.
fn is_local(config: &Config) -> bool {
    let is_local_host = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(host) => {
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
    };
    config.get_hosts().iter().all(is_local_host)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Shows where it is, without the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.shown()).finish()
    }
}

/// The reason why a place can't be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The address is none of PostgreSQL's.
    #[error(
        "this is no address of a PostgreSQL database; write postgres://user@host:port/database, with sslmode=require or disable, and without the options that only libpq knows"
    )]
    Unreadable,
    /// The address names no host.
    #[error("the address names no host; write postgres://user@host:port/database")]
    NoHost,
    /// The session's name can't be one.
    #[error("a session's name has 1 to {MAX_NAME} bytes, and no zero among them")]
    Name,
}
