//! What a command works with: the environment, the user, the session's file and
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
    cli::{Common, Verizons},
    credentials::Given,
    failure::Failure,
    record::Records,
    watch::Watch,
};

/// What stays as it is in the name of a session's file.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// What opens a guard that logins have closed.
pub(crate) const HOW_TO_OPEN: &str = "Other credentials alone do not open the login guard here. Once they are right, open it with: thingspace rearm";

/// What a command works with. Nothing is read or made until it is asked for.
pub(crate) struct Desk {
    pub(crate) environment: Environment,
    pub(crate) given: Given,
    pub(crate) store: FileStore,
    settings: Settings,
}

impl Desk {
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        let environment = environment(common.environment)?;
        let given = Given::new(common.credentials.as_deref())?;
        let path = match &common.state {
            Some(path) => path.clone(),
            None => folder()?.join(name(&environment, &given)?),
        };
        let mut settings = Settings::default();
        settings.attempt_timeout = Duration::from_secs(common.timeout);
        Ok(Self {
            environment,
            given,
            store: FileStore::new(path),
            settings,
        })
    }

    /// The session's file.
    pub(crate) fn path(&self) -> &Path {
        self.store.path()
    }

    /// What is remembered of password resets.
    pub(crate) fn records(&self) -> Records {
        Records::beside(self.path())
    }

    /// The session as it is now, for those who only look at it or at its guard:
    /// its secrets are none. One that was never open is there as well.
    pub(crate) fn look(&self) -> Result<Session, Failure> {
        let names = self.given.names()?;
        let mut session = self.restored(names)?;
        session.age(now());
        Ok(session)
    }

    /// Does something with a client that may log in.
    pub(crate) fn work<R>(
        &self,
        work: impl FnOnce(&Client) -> Result<R, Error>,
    ) -> Result<R, Failure> {
        let watch = Watch::default();
        let client = self.client(&watch)?;
        let password = client.session(|session| session.credentials().user.password().clone());
        if let Some(outdated) = self.records().outdated(&password)? {
            return self.work_without_login(&client, work, outdated);
        }
        let result = work(&client);
        if watch.logged_in() {
            self.records().settle(&password);
        }
        result.map_err(|error| self.explain(error))
    }

    /// Does something on the session that is open, with a client whose password is
    /// outdated.
    fn work_without_login<R>(
        &self,
        client: &Client,
        work: impl FnOnce(&Client) -> Result<R, Error>,
        outdated: Failure,
    ) -> Result<R, Failure> {
        // A session that is not restored knows of no reset, so its guard is closed once
        // it finds that there was one.
        client.session(|session| {
            let unaware = Session::new(self.environment.clone(), session.credentials().clone(), 0);
            *session = unaware.with_settings(self.settings.clone());
        });
        let is_closed = client.transact(|session| session.gate().closed.is_some())?;
        if !is_closed {
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
        let credentials = self.given.credentials()?;
        let builder = Client::builder(credentials)
            .environment(self.environment.clone())
            .settings(self.settings.clone())
            .store(self.store.clone())
            .observer(watch.clone());
        let builder = match snapshot {
            Some(snapshot) => builder.restore(snapshot),
            None => builder,
        };
        builder.build().map_err(|error| self.strange(error))
    }

    /// What a call's error means, with what is known of a reset that it may come
    /// from, and what opens a guard that is closed.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        match error.gate().and_then(|gate| gate.closed.as_ref()) {
            None => error.into(),
            Some(GateReason::PasswordUnknown | GateReason::PasswordOutdated) => {
                self.records().explain(error.into())
            }
            // Nobody can tell whether the next invocation is given another password.
            Some(_) => Failure::from(error).and(HOW_TO_OPEN),
        }
    }

    /// The session's file is another session's.
    fn strange(&self, error: RestoreError) -> Failure {
        Failure::from(error).and(format!(
            "It is in {}: name the file of this session with --state, or leave that out.",
            self.path().display()
        ))
    }

    fn restored(&self, credentials: Credentials) -> Result<Session, Failure> {
        let environment = self.environment.clone();
        let session = match self.store.load()? {
            Some(snapshot) => Session::restore(snapshot, environment, credentials)
                .map_err(|error| self.strange(error))?,
            None => Session::new(environment, credentials, 0),
        };
        Ok(session.with_settings(self.settings.clone()))
    }
}

/// The time by the system's clock.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

fn environment(named: Option<Verizons>) -> Result<Environment, Failure> {
    let base = env::var_os("THINGSPACE_BASE_URL");
    match (named, base) {
        (Some(_), Some(_)) => Err(Failure::usage(
            "both --environment and THINGSPACE_BASE_URL are given; give one of them",
        )),
        (None, Some(base)) => Ok(base.to_string_lossy().parse()?),
        (Some(Verizons::Staging), None) => Ok(Environment::staging()),
        (Some(Verizons::Mock), None) => Ok(Environment::mock()),
        (Some(Verizons::Production) | None, None) => Ok(Environment::production()),
    }
}

/// Where the files of sessions are (XDG Base Directory Specification).
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

/// One name for each environment, user and key: none stands for two of them.
fn name(environment: &Environment, given: &Given) -> Result<String, Failure> {
    let environment = environment.to_string();
    let (username, key) = (given.username()?, given.key()?);
    let parts = [environment.as_str(), username.as_str(), key.as_str()];
    let plain = parts.map(|part| utf8_percent_encode(part, PLAIN).to_string());
    Ok(format!("{}.json", plain.join(",")))
}
