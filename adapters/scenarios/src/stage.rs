//! The setup of a scenario: a simulated ThingSpace on a loopback port, its clients,
//! and one virtual time for all of them.

use std::{
    io::Read,
    marker::PhantomData,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use socket2::{Domain, Socket, Type};
use thingspace_core::{
    AppCredentials, Credentials, Environment, Timestamp, UserCredentials,
    session::{self, Observer, Settings, Snapshot, SnapshotError, Store},
};
use thingspace_simulator::{Call, Fault, Server, Simulator};

use crate::{
    Client, Options,
    client::BoxedObserver,
    register::Register,
    time::{ClientsTime, Impatience},
};

/// One minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// A time after which an idle session has expired.
pub const IDLE: Duration = Duration::from_secs(21 * 60);

/// A time longer than any step that does not wait for a time limit, even on the
/// busiest machine.
pub const LONG: Duration = Duration::from_secs(20);

/// A service, the time, and the type of client under test.
pub struct Stage<C> {
    /// The service.
    pub server: Server,
    clients_time: ClientsTime,
    client: PhantomData<fn() -> C>,
}

impl<C> Stage<C> {
    /// Creates a stage with a fresh service.
    #[allow(clippy::new_without_default, reason = "a service is started")]
    pub fn new() -> Self {
        Self::of(Simulator::new(42))
    }

    /// Creates a stage with this simulator as the service.
    pub fn of(simulator: Simulator) -> Self {
        Self::at(Server::start(simulator).unwrap())
    }

    /// Creates a stage with a service that is already running.
    pub fn at(server: Server) -> Self {
        Self {
            server,
            clients_time: ClientsTime::default(),
            client: PhantomData,
        }
    }

    /// Returns the options of a client with the right password.
    pub fn options(&self) -> Options {
        self.options_with(Simulator::PASSWORD)
    }

    /// Returns the options of a client with this password.
    pub fn options_with(&self, password: &str) -> Options {
        let time = self.clients_time();
        Options {
            credentials: credentials(password),
            environment: self.environment(),
            root: None,
            settings: settings(),
            snapshot: None,
            store: None,
            clock: Box::new(move || time.now()),
            observer: BoxedObserver::new(()),
        }
    }

    /// Returns the environment of the service.
    pub fn environment(&self) -> Environment {
        self.server.base().parse().unwrap()
    }

    /// Advances the time of the service and its clients.
    pub fn pass(&self, time: Duration) {
        self.clients_time().pass(time);
        self.server.advance(time);
    }

    /// Returns the time of the clients alone.
    pub fn clients_time(&self) -> ClientsTime {
        self.clients_time.clone()
    }

    /// Returns a store whose time is that of the clients.
    pub fn register(&self) -> Register {
        Register::new(self.clients_time())
    }

    /// Returns an observer for clients that would have to back off for longer: their
    /// time passes at once. The service's does not.
    pub fn impatience(&self) -> Impatience {
        Impatience(self.clients_time())
    }

    /// Returns a call that sends this request to the service, to be given a deadline.
    pub fn call(&self, request: Request<Bytes>) -> session::Call {
        session::Call::to(request, &self.environment()).unwrap()
    }

    /// Applies `fault` to the next request for `call`.
    pub fn inject(&self, call: Call, fault: Fault) {
        self.server.with(|service| service.inject(call, fault));
    }

    /// Returns the number of requests for `call` that have arrived.
    pub fn seen(&self, call: Call) -> u64 {
        self.server.with(|service| service.counts().seen(call))
    }

    /// Returns the number of requests for `call` that were executed.
    pub fn done(&self, call: Call) -> u64 {
        self.server.with(|service| service.counts().done(call))
    }

    /// Returns the number of all requests that have arrived.
    pub fn seen_in_all(&self) -> u64 {
        self.server.with(|service| service.counts().seen_in_all())
    }

    /// Returns the number of failed logins that the service has counted.
    pub fn failed_logins(&self) -> u64 {
        self.server.with(|service| service.counts().failed_logins)
    }

    /// Returns true if the user name is locked.
    pub fn is_locked(&self) -> bool {
        self.server.with(|service| service.is_locked())
    }
}

impl<C: Client> Stage<C> {
    /// Builds a client with the right password.
    pub fn client(&self) -> C {
        self.builder().build().unwrap()
    }

    /// Returns a builder of a client with the right password.
    pub fn builder(&self) -> Builder<C> {
        Builder::new(self.options())
    }

    /// Returns a builder of a client with this password.
    pub fn builder_with(&self, password: &str) -> Builder<C> {
        Builder::new(self.options_with(password))
    }

    /// Returns a client with the same tokens, at another address.
    pub fn moved(&self, client: &C, to: Environment) -> C {
        let snapshot = client.session(|session| session.snapshot(client.now()));
        let snapshot = serde_json::to_string(&snapshot).unwrap();
        let snapshot = snapshot.replace(self.server.base(), &to.to_string());
        let mut options = self.options();
        options.environment = to;
        options.snapshot = Some(serde_json::from_str(&snapshot).unwrap());
        options.observer = BoxedObserver::new(self.impatience());
        C::build(options).unwrap()
    }
}

/// A builder of a client.
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

    /// Sets the environment to call.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.options.environment = environment;
        self
    }

    /// Sets the settings of the session.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.options.settings = settings;
        self
    }

    /// Sets the snapshot to continue the session from.
    pub fn snapshot(mut self, snapshot: Snapshot) -> Self {
        self.options.snapshot = Some(snapshot);
        self
    }

    /// Sets the store that the session is shared by.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.options.store = Some(Arc::new(store));
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.options.clock = Box::new(clock);
        self
    }

    /// Sets the observer.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.options.observer = BoxedObserver::new(observer);
        self
    }

    /// Builds the client.
    pub fn build(self) -> Result<C, SnapshotError> {
        C::build(self.options)
    }
}

/// Returns settings with short backoffs, so that scenarios take little time.
pub fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.first_backoff = Duration::from_millis(1);
    settings.longest_backoff = Duration::from_millis(4);
    settings.max_body = 64 * 1024;
    settings
}

/// Returns settings with short timeouts, for requests that will hang.
pub fn settings_with_short_timeouts() -> Settings {
    let mut settings = settings();
    settings.attempt_timeout = Duration::from_secs(1);
    settings
}

/// Returns the simulator's application and user with this password.
pub fn credentials(password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap(),
        UserCredentials::new(Simulator::USERNAME, password).unwrap(),
    )
}

/// Returns a request for the account, which is idempotent.
pub fn account() -> Request<Bytes> {
    Request::get(format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT))
        .body(Bytes::new())
        .unwrap()
}

/// Returns a request for devices: a POST, which must not be executed twice.
pub fn devices() -> Request<Bytes> {
    Request::post("/m2m/v1/devices/actions/list")
        .body(Bytes::from_static(b"{}"))
        .unwrap()
}

/// Returns an address that accepts no connection, and what holds it: as long as that lives,
/// nobody else gets the port.
pub fn unused_address() -> (SocketAddr, Socket) {
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    held.bind(&any.into()).unwrap();
    let address = held.local_addr().unwrap().as_socket().unwrap();
    (address, held)
}

/// Starts a server for behaviour that the simulator does not have. It calls `act` with
/// each connection and the bytes that arrived first.
pub fn server_that(act: impl Fn(TcpStream, &[u8]) + Send + Sync + 'static) -> Environment {
    connections_to(move |mut stream| {
        let mut first = [0; 4096];
        let length = stream.read(&mut first).unwrap();
        act(stream, &first[..length]);
    })
}

/// Starts a server that calls `act` with each connection, before anything is read.
pub fn connections_to(act: impl Fn(TcpStream) + Send + Sync + 'static) -> Environment {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let act = Arc::new(act);
    // A client may open several connections and use any of them first.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let act = Arc::clone(&act);
            thread::spawn(move || act(stream.unwrap()));
        }
    });
    format!("http://{address}/api").parse().unwrap()
}
