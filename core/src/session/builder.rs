//! The builder of a session: everything that a driver decides before the first step.

use std::{hash::Hasher, time::Duration};

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::{
    machine::Session,
    memory::Memory,
    settings::Settings,
    sharing::Sharing,
    snapshot::{Snapshot, SnapshotError},
};
use crate::{Credentials, Environment, Timestamp};

/// The most characters of a store's key (our choice). Most file systems take names of 255,
/// and the files beside a session's have longer names.
const MAX_KEY: usize = 200;

/// The characters that stay as they are in a store's key.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A builder of a [`Session`]. Everything but the credentials has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionBuilder {
    credentials: Credentials,
    environment: Environment,
    settings: Settings,
    snapshot: Option<(Snapshot, Timestamp)>,
    sharing: Option<Sharing>,
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
            sharing: None,
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

    /// Continues the session of a snapshot, with its tokens and its login guard. `age` is
    /// the time since the snapshot was taken, and `now` the time by the clock that the
    /// session will be given. If the snapshot was taken by the same clock, its age is
    /// `now.since(snapshot.saved_at())`.
    ///
    /// Credentials that were refused stay refused. Others may be tried.
    pub fn snapshot(mut self, snapshot: Snapshot, age: Duration, now: Timestamp) -> Self {
        self.snapshot = Some((snapshot, now.before(age)));
        self
    }

    /// Shares the session with all processes that use the same store. Calls that wait look
    /// at the store once in this interval. The driver loads and saves: see
    /// [`Store`](super::Store#the-drivers-loop).
    pub fn shared(mut self, poll_interval: Duration) -> Self {
        self.sharing = Some(Sharing::new(poll_interval));
        self
    }

    /// Sets the source of the jitter of backoffs, and of the names of operations. Give
    /// every process a different random number. Then processes that failed together do not
    /// come back together, and no two of them give the same name to two operations. The
    /// clients draw a random one by default; without a client, it is 0.
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

    /// The name of the session in a store that holds many. It differs for each environment,
    /// application and user. It is plain ASCII without slashes, and no secret. It has 200
    /// characters at most, so it can be the name of a file. The end of a longer one is
    /// replaced by a hash, which is the same in every version.
    pub fn store_key(&self) -> String {
        let parts = [
            &self.environment.to_string(),
            self.credentials.username().unwrap_or_default(),
            self.credentials.app.key(),
        ];
        shortened(
            parts
                .map(|part| utf8_percent_encode(part, PLAIN).to_string())
                .join(","),
        )
    }

    /// Builds the session. Nothing is sent until a call asks for it.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn build(self) -> Result<Session, SnapshotError> {
        let Self {
            credentials,
            environment,
            ..
        } = self;
        let memory = match self.snapshot {
            Some((snapshot, taken)) => snapshot.open(&environment, &credentials, taken)?,
            None => Memory::default(),
        };
        let mut session = Session::assemble(
            environment,
            credentials,
            self.settings,
            memory,
            self.seed.unwrap_or_default(),
            self.user_agent,
        );
        session.sharing = self.sharing;
        Ok(session)
    }
}

/// Returns a store's key that is not too long, and the same for the same key. A key that
/// was long enough has a `~`, which no other has.
fn shortened(mut key: String) -> String {
    if key.len() <= MAX_KEY {
        return key;
    }
    let mut hasher = SipHasher13::new();
    hasher.write(key.as_bytes());
    let hash = hasher.finish128().as_u128();
    let hash = format!("~{hash:032x}");
    key.truncate(MAX_KEY.saturating_sub(hash.len()));
    key + &hash
}

impl From<Credentials> for SessionBuilder {
    fn from(credentials: Credentials) -> Self {
        Self::new(credentials)
    }
}
