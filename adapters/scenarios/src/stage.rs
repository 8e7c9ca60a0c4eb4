//! The stage of the stories: a ThingSpace on a loopback port, clients of it, and
//! one time that passes for all of them.

use std::{
    io::Read,
    marker::PhantomData,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Request;
use thingspace_core::{
    AppCredentials, Credentials, Environment, Timestamp, UserCredentials,
    session::{Observer, RestoreError, Settings, Snapshot},
};
use thingspace_simulator::{Call, Fault, Server, Simulator};

use crate::{Client, Options, client::Watcher};

/// A minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// After how long an idle session is dead.
pub const IDLE: Duration = Duration::from_secs(21 * 60);

/// Longer than anything takes that does not wait for a time limit, on the
/// busiest machine.
pub const LONG: Duration = Duration::from_secs(20);

/// A service, the time, and the kind of client that the story is told of.
pub struct Stage<C> {
    /// The service.
    pub server: Server,
    /// How many milliseconds the clients' clock is before the system's.
    ahead: Arc<AtomicU64>,
    client: PhantomData<fn() -> C>,
}

impl<C> Stage<C> {
    /// With a service that nothing has happened to.
    #[allow(clippy::new_without_default, reason = "a service is started")]
    pub fn new() -> Self {
        Self::of(Simulator::new(42))
    }

    /// With this service.
    pub fn of(simulator: Simulator) -> Self {
        Self::at(Server::start(simulator).unwrap())
    }

    /// With the service that is here.
    pub fn at(server: Server) -> Self {
        Self {
            server,
            ahead: Arc::default(),
            client: PhantomData,
        }
    }

    /// What a client is built of that knows the password.
    pub fn options(&self) -> Options {
        self.options_with(Simulator::PASSWORD)
    }

    /// What a client is built of that takes this for the password.
    pub fn options_with(&self, password: &str) -> Options {
        let ahead = Arc::clone(&self.ahead);
        Options {
            credentials: credentials(password),
            environment: self.environment(),
            root: None,
            settings: settings(),
            snapshot: None,
            clock: Box::new(move || {
                let ahead = Duration::from_millis(ahead.load(Ordering::Relaxed));
                Timestamp::from(SystemTime::now()) + ahead
            }),
            observer: Watcher(Box::new(())),
        }
    }

    /// Where the service is.
    pub fn environment(&self) -> Environment {
        self.server.base().parse().unwrap()
    }

    /// Lets time pass, for the service and its clients.
    pub fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.ahead.fetch_add(millis, Ordering::Relaxed);
        self.server.advance(time);
    }

    /// Lets this befall the next request for `call`.
    pub fn inject(&self, call: Call, fault: Fault) {
        self.server.with(|service| service.inject(call, fault));
    }

    /// How many requests for `call` have arrived.
    pub fn seen(&self, call: Call) -> u64 {
        self.server.with(|service| service.counts().seen(call))
    }

    /// How many requests for `call` were carried out.
    pub fn done(&self, call: Call) -> u64 {
        self.server.with(|service| service.counts().done(call))
    }

    /// How many requests have arrived.
    pub fn seen_in_all(&self) -> u64 {
        self.server.with(|service| service.counts().seen_in_all())
    }

    /// How many logins the service holds against the user.
    pub fn failed_logins(&self) -> u64 {
        self.server.with(|service| service.counts().failed_logins)
    }

    /// Whether the user is locked out.
    pub fn is_locked(&self) -> bool {
        self.server.with(|service| service.is_locked())
    }
}

impl<C: Client> Stage<C> {
    /// A client that knows the password.
    pub fn client(&self) -> C {
        self.builder().build().unwrap()
    }

    /// A client that knows the password, to be changed before it is built.
    pub fn builder(&self) -> Builder<C> {
        Builder::new(self.options())
    }

    /// A client that takes this for the password, to be changed before it is
    /// built.
    pub fn builder_with(&self, password: &str) -> Builder<C> {
        Builder::new(self.options_with(password))
    }
}

/// A client to be.
#[must_use]
pub struct Builder<C> {
    options: Options,
    client: PhantomData<fn() -> C>,
}

impl<C: Client> Builder<C> {
    const fn new(options: Options) -> Self {
        Self {
            options,
            client: PhantomData,
        }
    }

    /// Where ThingSpace is.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.options.environment = environment;
        self
    }

    /// What the session goes by.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.options.settings = settings;
        self
    }

    /// The session to go on with.
    pub fn restore(mut self, snapshot: Snapshot) -> Self {
        self.options.snapshot = Some(snapshot);
        self
    }

    /// Who watches.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.options.observer = Watcher(Box::new(observer));
        self
    }

    /// The client.
    pub fn build(self) -> Result<C, RestoreError> {
        C::build(self.options)
    }
}

/// Settings that cost no time where nothing is waited for.
pub fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.first_backoff = Duration::from_millis(1);
    settings.longest_backoff = Duration::from_millis(4);
    settings.max_body = 64 * 1024;
    settings
}

/// Settings for requests that will hang.
pub fn impatient() -> Settings {
    let mut settings = settings();
    settings.attempt_timeout = Duration::from_secs(1);
    settings
}

/// The ready application and user, with this for the password.
pub fn credentials(password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap(),
        UserCredentials::new(Simulator::USERNAME, password).unwrap(),
    )
}

/// Asks for the account: may be done twice.
pub fn account() -> Request<Bytes> {
    Request::get(format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT))
        .body(Bytes::new())
        .unwrap()
}

/// Asks for devices: a POST, which must not be done twice.
pub fn devices() -> Request<Bytes> {
    Request::post("/m2m/v1/devices/actions/list")
        .body(Bytes::from_static(b"{}"))
        .unwrap()
}

/// A server for what the simulator can't do, which does this with each
/// connection, given what came first.
pub fn server_that(act: impl Fn(TcpStream, &[u8]) + Send + Sync + 'static) -> Environment {
    connections_to(move |mut stream| {
        let mut first = [0; 4096];
        let length = stream.read(&mut first).unwrap();
        act(stream, &first[..length]);
    })
}

/// A server that does this with each connection, of which nothing has been read.
pub fn connections_to(act: impl Fn(TcpStream) + Send + Sync + 'static) -> Environment {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let act = Arc::new(act);
    // A client may have several, whichever it uses first.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let act = Arc::clone(&act);
            thread::spawn(move || act(stream.unwrap()));
        }
    });
    format!("http://{address}/api").parse().unwrap()
}
