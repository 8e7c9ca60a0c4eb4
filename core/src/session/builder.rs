//! The builder of a session: what every driver has to know before the first
//! step.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    machine::Session,
    memory::Memory,
    settings::Settings,
    snapshot::{OtherSession, Snapshot},
};
use crate::{Credentials, Environment};

/// The characters that stay as they are in a store's key.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A builder of a [`Session`]. Everything but the credentials has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionBuilder {
    credentials: Credentials,
    environment: Environment,
    settings: Settings,
    snapshot: Option<Snapshot>,
    seed: Option<u64>,
    user_agent: HeaderValue,
}

impl SessionBuilder {
    /// A builder of a session of these credentials.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            environment: Environment::production(),
            settings: Settings::default(),
            snapshot: None,
            seed: None,
            user_agent: Session::USER_AGENT,
        }
    }

    /// Sets where ThingSpace is; production by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the numbers that tune the session.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Continues the session that a snapshot was taken of, with its tokens and
    /// its login guard as they were.
    ///
    /// A blocked guard stays blocked: a snapshot does not hold the password, so
    /// nobody can know whether the credentials are other ones.
    pub fn snapshot(mut self, snapshot: Snapshot) -> Self {
        self.snapshot = Some(snapshot);
        self
    }

    /// Continues the session that a snapshot was taken of, unless it is to
    /// continue another one: for drivers, which may have loaded one from a store.
    pub fn default_snapshot(mut self, snapshot: Option<Snapshot>) -> Self {
        self.snapshot = self.snapshot.or(snapshot);
        self
    }

    /// Sets the source of the jitter of backoffs. Give every process another one,
    /// so that many that failed together do not come back together. The clients
    /// draw a random one by default; without a client, it is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the source of the jitter, unless it is set already: for drivers, which
    /// can draw a random number.
    pub fn default_seed(mut self, seed: u64) -> Self {
        self.seed.get_or_insert(seed);
        self
    }

    /// Sets the `User-Agent` of every request that has none;
    /// `thingspace/VERSION` by default.
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// The name of the session in a store that holds many: one for each
    /// environment, application and user. Plain ASCII without slashes, and no
    /// secret.
    pub fn store_key(&self) -> String {
        let parts = [
            &self.environment.to_string(),
            self.credentials.user.username(),
            self.credentials.app.key(),
        ];
        parts
            .map(|part| utf8_percent_encode(part, PLAIN).to_string())
            .join(",")
    }

    /// Builds the session. Nothing is sent until a call asks for it.
    ///
    /// Fails if the snapshot is of another environment, application or user.
    pub fn build(self) -> Result<Session, OtherSession> {
        let Self {
            credentials,
            environment,
            ..
        } = self;
        let memory = match self.snapshot {
            Some(snapshot) => snapshot.open(&environment, &credentials)?,
            None => Memory::default(),
        };
        Ok(Session::assemble(
            environment,
            credentials,
            self.settings,
            memory,
            self.seed.unwrap_or_default(),
            self.user_agent,
        ))
    }
}

impl From<Credentials> for SessionBuilder {
    fn from(credentials: Credentials) -> Self {
        Self::new(credentials)
    }
}
