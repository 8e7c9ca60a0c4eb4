//! The context of a command: the environment, the user, the session's file and
//! a client that shares it.

use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use thingspace_file::FileStore;
use thingspace_ureq::{
    Client, Config,
    core::{
        Credentials, Environment, Error, Session, SessionBuilder, Timestamp,
        session::{BlockReason, OtherSession, Settings, Store},
    },
};

use crate::{
    cli::{Common, NamedEnvironment},
    credentials::CredentialSources,
    failure::Failure,
    record::Records,
    watch::Watch,
};

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
        let path = if let Some(path) = &common.state {
            path.clone()
        } else {
            let session = SessionBuilder::new(credentials.without_secrets()?);
            let key = session.environment(environment.clone()).store_key();
            folder()?.join(format!("{key}.json"))
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
        let mut builder = self.builder(self.credentials.without_secrets()?);
        if let Some(snapshot) = self.store.load()? {
            builder = builder.snapshot(snapshot);
        }
        let mut session = self.build(builder)?;
        session.expire(now());
        Ok(session)
    }

    /// Runs work with a client that may log in.
    pub(crate) fn run<R>(
        &self,
        work: impl FnOnce(&Client) -> Result<R, Error>,
    ) -> Result<R, Failure> {
        let watch = Watch::default();
        let client = self.client(self.store.clone(), &watch)?;
        let began = client.now();
        let password = client.session(|session| session.credentials().user.password().clone());
        if let Some(outdated) = self.records().outdated(&password)? {
            return self.run_without_login(&client, work, outdated);
        }
        let result = work(&client);
        let opened_at = client.session(|session| session.opened_at());
        if watch.has_sent_login() && opened_at >= Some(began) {
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
        // A session without a snapshot knows of no reset, so its guard is blocked once
        // it finds that there was one.
        let credentials = client.session(|session| session.credentials().clone());
        let unaware = self.build(self.builder(credentials))?;
        client.session(|session| *session = unaware);
        let is_blocked = client.transact(|session| session.login_guard().blocked.is_some())?;
        if !is_blocked {
            return Err(outdated);
        }
        work(client).map_err(|error| {
            if error.is_blocked() && !error.is_outcome_unknown() {
                outdated
            } else {
                self.explain(error)
            }
        })
    }

    /// A client that shares the session, through this store of its file.
    pub(crate) fn client(
        &self,
        store: impl Store + 'static,
        watch: &Watch,
    ) -> Result<Client, Failure> {
        // The session first: a password that is read after it is as new as what the
        // session knows of, or newer.
        let snapshot = store.load()?;
        let mut builder = self.builder(self.credentials.credentials()?);
        if let Some(snapshot) = snapshot {
            builder = builder.snapshot(snapshot);
        }
        let config = Config::new(builder).observer(watch.clone());
        let client = Client::builder(config).store(store).build();
        client.map_err(|error| self.other_session(error))
    }

    /// Explains a call's error, with what is known of a reset that it may come
    /// from, and with what unblocks a guard that is blocked.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        let blocked = error
            .login_guard()
            .and_then(|guard| guard.blocked.as_ref())
            .cloned();
        let failure = error.into();
        match blocked {
            None => failure,
            Some(
                BlockReason::PasswordInDoubt
                | BlockReason::AwaitingConfirmation
                | BlockReason::PasswordOutdated,
            ) => self.records().explain(failure, blocked.as_ref()),
            // The next invocation may be given another password, or not.
            Some(_) => failure.with_advice(HOW_TO_UNBLOCK),
        }
    }

    /// The failure if the session's file belongs to another session.
    fn other_session(&self, error: OtherSession) -> Failure {
        Failure::from(error).with_advice(format!(
            "It is in {}: name the file of this session with --state, or leave that out.",
            self.path().display()
        ))
    }

    /// A builder of a session with these credentials, without a snapshot.
    fn builder(&self, credentials: Credentials) -> SessionBuilder {
        SessionBuilder::new(credentials)
            .environment(self.environment.clone())
            .settings(self.settings.clone())
    }

    fn build(&self, builder: SessionBuilder) -> Result<Session, Failure> {
        let session = builder.build();
        session.map_err(|error| self.other_session(error))
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
