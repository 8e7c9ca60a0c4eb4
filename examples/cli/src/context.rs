//! The context of a command: the environment, the user, the session's file and
//! a client that shares it.

use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thingspace_file::FileStore;
use thingspace_ureq::{
    Client,
    core::{
        Credentials, Environment, Error, Session, Timestamp,
        session::{GateReason, RestoreError, Settings, Store},
    },
};

use crate::{
    cli::{Common, NamedEnvironment},
    credentials::CredentialSources,
    failure::Failure,
    record::Records,
    watch::Watch,
};

/// The characters that the name of a session's file holds unescaped.
const UNESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// The advice for a guard that failed logins have blocked.
pub(crate) const HOW_TO_UNBLOCK: &str = "Other credentials alone do not unblock the login guard here. Once they are right, unblock it with: thingspace unblock";

/// The context of a command. Nothing is read or made until it is asked for.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) credentials: CredentialSources,
    pub(crate) store: FileStore,
    settings: Settings,
}

impl Context {
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        let environment = environment(common.environment)?;
        let credentials = CredentialSources::new(common.credentials.as_deref())?;
        let path = match &common.state {
            Some(path) => path.clone(),
            None => folder()?.join(file_name(&environment, &credentials)?),
        };
        let mut settings = Settings::default();
        settings.attempt_timeout = Duration::from_secs(common.timeout);
        Ok(Self {
            environment,
            credentials,
            store: FileStore::new(path),
            settings,
        })
    }

    /// The session's file.
    pub(crate) fn path(&self) -> &Path {
        self.store.path()
    }

    /// The records of password resets.
    pub(crate) fn records(&self) -> Records {
        Records::beside(self.path())
    }

    /// The session as it is now, or a new one if none was saved. It has no real
    /// secrets, so it serves only to look at it or at its guard.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let credentials = self.credentials.without_secrets()?;
        let mut session = self.restored(credentials)?;
        session.age(now());
        Ok(session)
    }

    /// Runs work with a client that may log in.
    pub(crate) fn run<R>(
        &self,
        work: impl FnOnce(&Client) -> Result<R, Error>,
    ) -> Result<R, Failure> {
        let watch = Watch::default();
        let client = self.client(&watch)?;
        let password = client.session(|session| session.credentials().user.password().clone());
        if let Some(outdated) = self.records().outdated(&password)? {
            return self.run_without_login(&client, work, outdated);
        }
        let result = work(&client);
        if watch.logged_in() {
            self.records().settle(&password);
        }
        result.map_err(|error| self.explain(error))
    }

    /// Runs work on the session that is open, with a client whose password is
    /// outdated.
    fn run_without_login<R>(
        &self,
        client: &Client,
        work: impl FnOnce(&Client) -> Result<R, Error>,
        outdated: Failure,
    ) -> Result<R, Failure> {
        // A session that is not restored knows of no reset, so its guard is blocked
        // once it finds that there was one.
        client.session(|session| {
            let unaware = Session::new(self.environment.clone(), session.credentials().clone(), 0);
            *session = unaware.with_settings(self.settings.clone());
        });
        let is_blocked = client.transact(|session| session.gate().closed.is_some())?;
        if !is_blocked {
            return Err(outdated);
        }
        work(client).map_err(|error| {
            if error.is_gate_closed() && error.is_never_sent() {
                outdated
            } else {
                self.explain(error)
            }
        })
    }

    /// A client that shares the session.
    pub(crate) fn client(&self, watch: &Watch) -> Result<Client, Failure> {
        // The session first: a password that is read after it is as new as what the
        // session knows of, or newer.
        let snapshot = self.store.load()?;
        let credentials = self.credentials.credentials()?;
        let builder = Client::builder(credentials)
            .environment(self.environment.clone())
            .settings(self.settings.clone())
            .store(self.store.clone())
            .observer(watch.clone());
        let builder = match snapshot {
            Some(snapshot) => builder.restore(snapshot),
            None => builder,
        };
        builder.build().map_err(|error| self.other_session(error))
    }

    /// Explains a call's error, with what is known of a reset that it may come
    /// from, and with what unblocks a guard that is blocked.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        match error.gate().and_then(|guard| guard.closed.as_ref()) {
            None => error.into(),
            Some(GateReason::PasswordUnknown | GateReason::PasswordOutdated) => {
                self.records().explain(error.into())
            }
            // The next invocation may be given another password, or not.
            Some(_) => Failure::from(error).with_advice(HOW_TO_UNBLOCK),
        }
    }

    /// The failure if the session's file belongs to another session.
    fn other_session(&self, error: RestoreError) -> Failure {
        Failure::from(error).with_advice(format!(
            "It is in {}: name the file of this session with --state, or leave that out.",
            self.path().display()
        ))
    }

    fn restored(&self, credentials: Credentials) -> Result<Session, Failure> {
        let environment = self.environment.clone();
        let session = match self.store.load()? {
            Some(snapshot) => Session::restore(snapshot, environment, credentials)
                .map_err(|error| self.other_session(error))?,
            None => Session::new(environment, credentials, 0),
        };
        Ok(session.with_settings(self.settings.clone()))
    }
}

/// The time by the system's clock.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

fn environment(named: Option<NamedEnvironment>) -> Result<Environment, Failure> {
    let base = env::var_os("THINGSPACE_BASE_URL");
    match (named, base) {
        (Some(_), Some(_)) => Err(Failure::usage(
            "both --environment and THINGSPACE_BASE_URL are given; give one of them",
        )),
        (None, Some(base)) => Ok(base.to_string_lossy().parse()?),
        (Some(NamedEnvironment::Staging), None) => Ok(Environment::staging()),
        (Some(NamedEnvironment::Mock), None) => Ok(Environment::mock()),
        (Some(NamedEnvironment::Production) | None, None) => Ok(Environment::production()),
    }
}

/// The folder of the session files (XDG Base Directory Specification).
fn folder() -> Result<PathBuf, Failure> {
    let absolute = |name| {
        let path = env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("thingspace"))
        .ok_or_else(|| {
            Failure::usage(
                "neither XDG_STATE_HOME nor HOME is set; name the session's file with --state",
            )
        })
}

/// The name of a session's file. Each combination of environment, user and key
/// has a name of its own.
fn file_name(
    environment: &Environment,
    credentials: &CredentialSources,
) -> Result<String, Failure> {
    let environment = environment.to_string();
    let (username, key) = (credentials.username()?, credentials.key()?);
    let parts = [environment.as_str(), username.as_str(), key.as_str()];
    let escaped = parts.map(|part| utf8_percent_encode(part, UNESCAPED).to_string());
    Ok(format!("{}.json", escaped.join(",")))
}
