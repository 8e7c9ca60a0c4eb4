//! The context of a command: the environment, the user, the session's store and
//! a client that shares it.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::ClientConfig;
use thingspace_ureq::{
    Builder, Client, Config,
    core::{
        Credentials, Environment, Error, Password, Session, SessionBuilder, Timestamp,
        session::{BlockReason, Call, Completion, LoginGuard, Settings, SnapshotError, Store},
        variables::{BASE_URL, INSECURE_HTTP_HOST},
    },
};

use crate::{
    clock::now,
    common::{Common, NamedEnvironment},
    credentials::CredentialSources,
    deadline,
    failure::Failure,
    message,
    record::Records,
    roots,
    store::{self, Address, Place, STORE},
    watch::Watch,
};

/// The time by which the last use that the file has may lag behind: far less than a
/// session lives without use.
const USE_SAVED_EVERY: Duration = Duration::from_secs(60);

/// The context of a command. Nothing is read or made until it is asked for.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) credentials: CredentialSources,
    place: Place,
    path: PathBuf,
    pub(crate) settings: Settings,
    cacert: Option<PathBuf>,
    /// The observer of the command's calls.
    pub(crate) watch: Watch,
    /// The time at which the command's calls end.
    deadline: Option<Timestamp>,
    json: bool,
}

impl Context {
    /// The context of a command, with a warning if the environment is an insecure one.
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        let context = Self::of(common)?;
        if let Some(warning) = context.insecure() {
            Failure::usage(warning).warn(common.json);
        }
        Ok(context)
    }

    /// The context of a command that has a log, which the warnings belong into.
    pub(crate) fn of(common: &Common) -> Result<Self, Failure> {
        let watch = Watch::new(common);
        let deadline = deadline::begin(common, &watch);
        let environment = environment(common)?;
        let credentials = CredentialSources::new(common.credentials.as_deref())?;
        let session = SessionBuilder::new(credentials.without_secrets()?);
        let key = session.environment(environment.clone()).store_key();
        let address = address(common)?;
        let path = match (&address, &common.state) {
            (Some(Address::File(_)), Some(_)) => {
                return Err(Failure::usage(
                    "the session's file is given twice, with --state and as the store; give it once",
                ));
            }
            (Some(Address::File(path)), None) | (_, Some(path)) => path.clone(),
            (_, None) => folder()?.join(format!("{key}.json")),
        };
        let address = address.unwrap_or_else(|| Address::File(path.clone()));
        let mut settings = Settings::default();
        let timeout = common
            .deadline
            .map_or(common.timeout, |deadline| common.timeout.min(deadline));
        settings.attempt_timeout = Duration::from_secs(timeout);
        settings.longest_wait = Duration::from_secs(common.wait);
        Ok(Self {
            environment,
            place: store::open(&address, &key, &credentials)?,
            credentials,
            path,
            settings,
            cacert: common.cacert.clone(),
            watch,
            deadline,
            json: common.json,
        })
    }

    /// The warning of an environment that is insecure.
    pub(crate) fn insecure(&self) -> Option<String> {
        let environment = &self.environment;
        environment.is_insecure().then(|| {
            format!(
                "passwords and tokens go to {environment} in the clear, as --insecure-http-host or {INSECURE_HTTP_HOST} allows"
            )
        })
    }

    /// The path that resets are recorded beside: that of the session's file, if it is in
    /// one.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the place where the session is.
    pub(crate) fn place(&self) -> &str {
        &self.place.name
    }

    /// The store where the session is.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.place.store
    }

    /// The same store, for a client that has it to itself.
    pub(crate) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.place.store)
    }

    /// The certificates to trust, for a client that awaits.
    pub(crate) fn tls(&self) -> Result<Option<ClientConfig>, Failure> {
        roots::async_tls(self.cacert.as_deref())
    }

    /// The records of password resets.
    pub(crate) fn records(&self) -> Records {
        Records::beside(self.path())
    }

    /// The session as it is now, or a new one if none was saved. It has no real
    /// secrets, so it serves only to look at it, and its login guard is that of a
    /// password that was never refused.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        self.session_of(self.credentials.without_secrets()?)
    }

    /// The session as it is now, with these credentials, to look at it.
    pub(crate) fn session_of(&self, credentials: Credentials) -> Result<Session, Failure> {
        let builder = self.builder(|| Ok(credentials))?;
        let mut session = self.built(builder.build())?;
        session.expire(now());
        Ok(session)
    }

    /// Runs work with a client that may log in.
    pub(crate) fn run<R>(
        &self,
        work: impl FnOnce(&Client) -> Result<R, Error>,
    ) -> Result<R, Failure> {
        let client = self.client()?;
        let began = client.now();
        let password = password_in_use(&client)?;
        if let Some(outdated) = self.records().outdated(&password)? {
            return self.run_without_login(&client, work, outdated);
        }
        let result = self.run_saved(&client, work);
        let opened_at = client.session(|session| session.opened_at());
        if self.watch.logins() > 0 && opened_at >= Some(began) {
            self.records().settle(&password);
        }
        result.map_err(|error| self.explain(&client, error))
    }

    /// Runs work on the session that is open, with a client whose password is
    /// outdated.
    fn run_without_login<R>(
        &self,
        client: &Client,
        work: impl FnOnce(&Client) -> Result<R, Error>,
        outdated: Failure,
    ) -> Result<R, Failure> {
        // The guard knows of the reset, unless its file was lost.
        self.sync(client)?;
        if client.session(|session| session.login_guard().blocked.is_none()) {
            return Err(outdated);
        }
        self.run_saved(client, work).map_err(|error| {
            if error.is_blocked() && !error.is_outcome_unknown() {
                outdated
            } else {
                self.explain(client, error)
            }
        })
    }

    /// Runs work, and saves what it has changed.
    pub(crate) fn run_saved<R>(
        &self,
        client: &Client,
        work: impl FnOnce(&Client) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let used = client.session(|session| session.last_used());
        let result = work(client);
        self.save(client, used);
        result
    }

    /// Saves what the session's file does not have. A process ends at once after that,
    /// so whatever the client saves beside its calls must be waited for.
    fn save(&self, client: &Client, used_before: Option<Timestamp>) {
        let now = client.now();
        let is_unsaved = client.session(|session| {
            let used = session.last_used().unwrap_or_default();
            let since_saved = used.since(used_before.unwrap_or_default());
            session.is_unsaved(now) || since_saved >= USE_SAVED_EVERY
        });
        if !is_unsaved {
            return;
        }
        if let Err(failure) = self.sync(client) {
            failure
                .with_advice(format!(
                    "The session could not be saved ({}), so other invocations do not know what this one did.",
                    self.place()
                ))
                .warn(self.json);
        }
    }

    /// Makes a call, which ends at the deadline of the command.
    pub(crate) fn call(&self, client: &Client, call: Call) -> Result<Completion, Error> {
        client.run(match self.deadline {
            Some(deadline) => call.with_deadline(deadline),
            None => call,
        })
    }

    /// Brings the session and its store to know the same. There is time for that after the
    /// deadline of the command.
    pub(crate) fn sync(&self, client: &Client) -> Result<(), Failure> {
        let call = match self.deadline {
            Some(deadline) => Call::sync().with_deadline(deadline + deadline::TO_SAVE),
            None => Call::sync(),
        };
        let synced = client.run(call).and_then(Completion::into_synced);
        synced.map_err(|error| Failure::of_call(error, &self.watch))
    }

    /// Fails if the deadline of the command has passed.
    pub(crate) fn check_deadline(&self) -> Result<(), Failure> {
        match self.deadline {
            Some(deadline) if now() >= deadline => Err(deadline::passed(&self.watch)),
            _ => Ok(()),
        }
    }

    /// A client that shares the session.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        self.client_of(|| self.credentials.credentials())
    }

    /// A client that shares the session, with these credentials.
    pub(crate) fn client_of(
        &self,
        credentials: impl FnOnce() -> Result<Credentials, Failure>,
    ) -> Result<Client, Failure> {
        let builder = self.builder(credentials)?;
        let config = Config::new(builder).observer(self.watch.clone());
        let client = Builder::new(config).store(Arc::clone(&self.place.store));
        let client = match roots::tls(self.cacert.as_deref())? {
            Some(tls) => client.tls(tls),
            None => client,
        };
        self.built(client.build())
    }

    /// Explains a call's error, with what is known of a reset that it may come
    /// from, and with what allows a login that is not made.
    pub(crate) fn explain(&self, client: &Client, error: Error) -> Failure {
        self.explained(error, || client.session(Self::guard_without_session))
    }

    /// The login guard that may be why a call failed, since no session is open.
    pub(crate) fn guard_without_session(session: &mut Session) -> Option<LoginGuard> {
        match session.opened_at() {
            None => Some(session.login_guard()).filter(|guard| guard.blocked.is_none()),
            Some(_) => None,
        }
    }

    /// Explains a call's error, which may come from this login guard if it has none itself.
    pub(crate) fn explained(
        &self,
        error: Error,
        guard: impl FnOnce() -> Option<LoginGuard>,
    ) -> Failure {
        let guard = error.login_guard().cloned().or_else(guard);
        let failure = Failure::of_call(error, &self.watch);
        let Some(guard) = guard else {
            return failure;
        };
        match &guard.blocked {
            Some(
                BlockReason::PasswordInDoubt
                | BlockReason::AwaitingConfirmation
                | BlockReason::PasswordOutdated,
            ) => self.records().explain(failure, &guard),
            // The next invocation may be given another password, or not.
            _ => match message::how_to_unblock(&guard) {
                Some(advice) => failure.with_advice(advice),
                None => failure,
            },
        }
    }

    /// A builder of the session as it was saved, with these credentials.
    ///
    /// The session first: a password that is read after it is as new as what the
    /// session knows of, or newer.
    pub(crate) fn builder(
        &self,
        credentials: impl FnOnce() -> Result<Credentials, Failure>,
    ) -> Result<SessionBuilder, Failure> {
        let loaded = self.store().load()?;
        let builder = SessionBuilder::new(credentials()?)
            .environment(self.environment.clone())
            .settings(self.settings.clone());
        Ok(match loaded {
            Some(loaded) => builder.snapshot(loaded.snapshot, loaded.age, now()),
            None => builder,
        })
    }

    /// Returns what was built from the saved session, or the failure if that can't be
    /// used.
    pub(crate) fn built<T>(&self, built: Result<T, SnapshotError>) -> Result<T, Failure> {
        built.map_err(|error| Failure::usage(message::unusable(error, self.place())))
    }
}

/// The password that a client uses.
pub(crate) fn password_in_use(client: &Client) -> Result<Password, Failure> {
    let password = client.session(|session| session.credentials().password().cloned());
    password.ok_or_else(|| Failure::usage("no user name and password are given"))
}

/// The address of the store, if one is given.
fn address(common: &Common) -> Result<Option<Address>, Failure> {
    let variable = env::var_os(STORE);
    match (&common.store, variable) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "both --store and {STORE} are given; give one of them"
        ))),
        (Some(address), None) => Address::new(address).check_argument().map(Some),
        (None, Some(address)) => Ok(Some(Address::new(&address.to_string_lossy()))),
        (None, None) => Ok(None),
    }
}

/// The environment to use.
fn environment(common: &Common) -> Result<Environment, Failure> {
    let base = env::var_os(BASE_URL);
    match (common.environment, base) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "both --environment and {BASE_URL} are given; give one of them"
        ))),
        (None, Some(base)) => {
            let base = base.to_string_lossy();
            match insecure_host(common)? {
                Some(host) => Ok(Environment::insecure_http(&base, &host)?),
                None => Ok(base.parse()?),
            }
        }
        (Some(NamedEnvironment::Staging), None) => Ok(Environment::staging()),
        (Some(NamedEnvironment::Mock), None) => Ok(Environment::mock()),
        (Some(NamedEnvironment::Production) | None, None) => Ok(Environment::production()),
    }
}

/// The host to which plain HTTP is allowed, if one is given.
fn insecure_host(common: &Common) -> Result<Option<String>, Failure> {
    let variable = env::var_os(INSECURE_HTTP_HOST);
    match (&common.insecure_http_host, variable) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "both --insecure-http-host and {INSECURE_HTTP_HOST} are given; give one of them"
        ))),
        (Some(host), None) => Ok(Some(host.clone())),
        (None, Some(host)) => Ok(Some(host.to_string_lossy().into_owned())),
        (None, None) => Ok(None),
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
