//! The store that a session is shared in: a file of this machine, or a database that many
//! machines share.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use thingspace_file::FileStore;
use thingspace_sealed::{Keys, Sealed};
use thingspace_ureq::core::session::Store;

use crate::{credentials::CredentialSources, failure::Failure};

/// The name that the environment gives the store's address under.
pub(crate) const STORE: &str = "THINGSPACE_STORE";

/// A store, and what to call it.
pub(crate) struct Place {
    pub(crate) store: Arc<dyn Store>,
    /// The path of the file, or the server's name without a password.
    pub(crate) name: String,
}

/// The address of a store.
pub(crate) enum Address {
    /// A file of this machine.
    File(PathBuf),
    /// A server, by its scheme and its whole address.
    Server(Scheme, String),
}

/// The kind of a server.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    Postgres,
    Redis,
}

impl Address {
    /// Reads an address: that of a server by its scheme, or a path.
    pub(crate) fn new(address: &str) -> Self {
        let (scheme, rest) = address.split_once(':').unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => Self::Server(Scheme::Postgres, address.to_owned()),
            "redis" | "rediss" | "redis+unix" | "unix" => {
                Self::Server(Scheme::Redis, address.to_owned())
            }
            "file" => Self::File(rest.strip_prefix("//").unwrap_or(rest).into()),
            _ => Self::File(address.into()),
        }
    }

    /// Fails if it holds a password, which `ps` would show of an argument.
    pub(crate) fn check_argument(self) -> Result<Self, Failure> {
        if let Self::Server(_, address) = &self {
            let (_, rest) = address.split_once("://").unwrap_or_default();
            let user = rest.split_once('@').map(|(user, _)| user);
            let names_one = user.is_some_and(|user| user.contains(':'));
            if names_one || address.contains("password=") {
                return Err(Failure::usage(format!(
                    "the address of --store holds a password, which every user of this machine can see; give it as {STORE}_PASSWORD, or the whole address as {STORE}"
                )));
            }
        }
        Ok(self)
    }
}

/// Opens the store of a session: a file, or one of the sessions of a server by its key.
pub(crate) fn open(
    address: &Address,
    key: &str,
    credentials: &CredentialSources,
) -> Result<Place, Failure> {
    let mut place = match address {
        Address::File(path) => file(path),
        Address::Server(Scheme::Postgres, address) => postgres(address, key, credentials)?,
        Address::Server(Scheme::Redis, address) => redis(address, key, credentials)?,
    };
    if let Some(keys) = credentials.store_key_file()? {
        place.store = Arc::new(Sealed::new(place.store, Keys::file(keys)));
    }
    Ok(place)
}

fn file(path: &Path) -> Place {
    Place {
        store: Arc::new(FileStore::new(path)),
        name: path.display().to_string(),
    }
}

#[cfg(feature = "postgres")]
fn postgres(address: &str, key: &str, credentials: &CredentialSources) -> Result<Place, Failure> {
    use thingspace_postgres::Postgres;

    use crate::failure::Exit;

    let refused = |error| Failure::caused_by(Exit::Usage, error);
    let place = Postgres::at(address).map_err(refused)?;
    let mut place = place.name(key).map_err(refused)?.create_table();
    if let Some(password) = credentials.store_password()? {
        place = place.password(password.as_bytes());
    }
    let store = place.store();
    let store = store.map_err(|error| Failure::caused_by(Exit::Usage, error))?;
    let name = store.server().to_owned();
    let store = Arc::new(store);
    Ok(Place { store, name })
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &str, _: &str, _: &CredentialSources) -> Result<Place, Failure> {
    Err(built_without("PostgreSQL"))
}

#[cfg(feature = "redis")]
fn redis(address: &str, key: &str, credentials: &CredentialSources) -> Result<Place, Failure> {
    use thingspace_redis::Redis;

    use crate::failure::Exit;

    let place = Redis::at(address).map_err(|error| Failure::caused_by(Exit::Usage, error))?;
    let mut place = place.key(format!("{}:{key}", Redis::KEY));
    if let Some(password) = credentials.store_password()? {
        place = place.password(password.as_str());
    }
    let store = place.store();
    let store = store.map_err(|error| Failure::caused_by(Exit::Usage, error))?;
    let name = store.server().to_owned();
    let store = Arc::new(store);
    Ok(Place { store, name })
}

#[cfg(not(feature = "redis"))]
fn redis(_: &str, _: &str, _: &CredentialSources) -> Result<Place, Failure> {
    Err(built_without("Redis"))
}

#[cfg(not(all(feature = "postgres", feature = "redis")))]
fn built_without(server: &str) -> Failure {
    Failure::usage(format!(
        "this program was built without {server}; build it with its default features, or name another store"
    ))
}
