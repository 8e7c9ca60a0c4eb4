//! The address of a server: where the session is, and how to get there.

use std::{fmt, io, sync::Arc};

use redis::{ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};
use rustls::{ClientConfig, pki_types::ServerName};
use thingspace_remote::{Limits, RemoteStore, trusting};
use thiserror::Error;

use crate::connection::{Host, RedisServer, Session};

/// A place for a session in Redis: a key.
#[derive(Clone)]
#[must_use]
pub struct Redis {
    host: Host,
    /// The user, the password and the number of the database.
    login: RedisConnectionInfo,
    key: String,
    replicas: u8,
    limits: Limits,
    tls: Option<ClientConfig>,
}

impl Redis {
    /// The key of the session, unless another is given.
    pub const KEY: &str = "thingspace:session";

    /// The place at this address: `redis://user:password@host:port/database`,
    /// `rediss://…` for TLS, or
    /// `unix:///path?db=database&user=user&pass=password`. All but the host or the path may
    /// be left out. `?replicas=1` is the same as [`replicas(1)`](Self::replicas).
    ///
    /// Fails if it can't be read. The error does not repeat it.
    pub fn at(address: &str) -> Result<Self, AddressError> {
        let unreadable = AddressError::Unreadable;
        let mut url = redis::parse_redis_url(address).ok_or(unreadable)?;
        if url.fragment().is_some() {
            // `#insecure` would trust anybody.
            return Err(unreadable);
        }
        let is_socket = url.scheme().ends_with("unix");
        let (mut replicas, mut rest) = (0, Vec::new());
        for (name, value) in url.query_pairs() {
            match (&*name, is_socket) {
                ("replicas", _) => {
                    replicas = value.parse().map_err(|_| AddressError::Replicas)?;
                }
                ("db" | "user" | "pass", true) => {
                    rest.push((name.into_owned(), value.into_owned()));
                }
                // A misspelt number of replicas would not be safe.
                _ => return Err(AddressError::Parameter),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        // The client library is built without TLS, so it reads the address as one without.
        let has_tls = matches!(url.scheme(), "rediss" | "valkeys");
        if has_tls {
            url.set_scheme("redis").map_err(|()| unreadable)?;
        }
        let read = url.into_connection_info().map_err(|_| unreadable)?;
        let host = match read.addr() {
            ConnectionAddr::Tcp(host, port) if has_tls => {
                let name = ServerName::try_from(host.clone()).map_err(|_| unreadable)?;
                Host::Tls(host.clone(), *port, name)
            }
            ConnectionAddr::Tcp(host, port) => Host::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Host::Unix(path.clone()),
            _ => return Err(unreadable),
        };
        // Changes are reported on the connection that saves: the protocol before could not.
        let login = read.redis_settings().clone();
        let login = login.set_protocol(ProtocolVersion::RESP3);
        Ok(Self {
            host,
            login: login.set_skip_set_lib_name(),
            key: Self::KEY.to_owned(),
            replicas,
            limits: Limits::default(),
            tls: None,
        })
    }

    /// Logs in with this password, so that the address need not hold it.
    pub fn password(self, password: impl AsRef<str>) -> Self {
        Self {
            login: self.login.set_password(password),
            ..self
        }
    }

    /// Saves the session under this key; [`KEY`](Self::KEY) unless it is given. Each user
    /// name of `ThingSpace` needs one of its own.
    ///
    /// What is saved is published on the channel `KEY:saved`, by its revision only.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            ..self
        }
    }

    /// Sets the number of replicas that must have a save before it counts as saved; none
    /// unless it is given. Name all that may be promoted, or a failover may lose saves.
    ///
    /// With fewer replicas a save fails, and with it a login, logout or reset.
    #[doc(alias = "WAIT")]
    #[doc(alias = "failover")]
    pub fn replicas(self, replicas: u8) -> Self {
        Self { replicas, ..self }
    }

    /// Trusts what this configuration trusts: for roots or a client certificate of one's
    /// own. Without one, the roots that Mozilla trusts.
    ///
    /// It is used with `rediss://` only.
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
    pub fn store(self) -> io::Result<RemoteStore> {
        let name = self.to_string();
        let tls = match self.host {
            Host::Tls(..) => {
                let config = self.tls.map_or_else(trusting, Ok);
                Some(Arc::new(config.map_err(io::Error::other)?))
            }
            Host::Tcp(..) | Host::Unix(_) => None,
        };
        // A save whose replicas are slow is sent again on another connection, in time.
        let patience = self.limits.access / 4;
        let server = RedisServer {
            name,
            host: self.host,
            login: self.login,
            tls,
            session: Arc::new(Session::new(self.key, self.replicas, patience)),
        };
        RemoteStore::new(server, self.limits)
    }
}

/// Shows the server and the key, without the password.
impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis at ")?;
        match &self.host {
            Host::Tcp(host, port) | Host::Tls(host, port, _) if host.contains(':') => {
                write!(f, "[{host}]:{port}")?;
            }
            Host::Tcp(host, port) | Host::Tls(host, port, _) => write!(f, "{host}:{port}")?,
            Host::Unix(path) => write!(f, "{}", path.display())?,
        }
        write!(f, "/{}, key {:?}", self.login.db(), self.key)
    }
}

/// Shows the server and the key, without the password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.to_string()).finish()
    }
}

/// The reason why a place can't be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The address is none of Redis'.
    #[error(
        "this is no address of a Redis server; write redis://user:password@host:port/database, the same with rediss:// for TLS, or unix:///path"
    )]
    Unreadable,
    /// The address has a parameter that nobody knows.
    #[error("the address has a parameter that is not known; write ?replicas=1, or none")]
    Parameter,
    /// The number of replicas is none.
    #[error("the address has a number of replicas that is none; write 0 to 255")]
    Replicas,
}
