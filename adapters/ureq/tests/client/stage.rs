//! The stage of the stories: a ThingSpace on a loopback port, clients of it, and
//! one time that passes for all of them.

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Request;
use thingspace_simulator::{Call, Fault, Server, Simulator};
use thingspace_ureq::{
    Builder, Client,
    core::{
        AppCredentials, Credentials, Environment, Timestamp, UserCredentials, session::Settings,
    },
    ureq::{Agent, SendBody, middleware::MiddlewareNext},
};

pub const MINUTE: Duration = Duration::from_secs(60);

/// After how long an idle session is dead.
pub const IDLE: Duration = Duration::from_secs(21 * 60);

/// Longer than anything takes that does not wait for a time limit, on the
/// busiest machine.
pub const LONG: Duration = Duration::from_secs(20);

/// A service, and the time.
pub struct Stage {
    pub server: Server,
    /// How many milliseconds the clients' clock is before the system's.
    ahead: Arc<AtomicU64>,
}

impl Stage {
    pub fn new() -> Self {
        Self::of(Simulator::new(42))
    }

    pub fn of(simulator: Simulator) -> Self {
        Self {
            server: Server::start(simulator).unwrap(),
            ahead: Arc::default(),
        }
    }

    /// A client that knows the password.
    pub fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// A client that knows the password, to be changed before it is built.
    pub fn builder(&self) -> Builder {
        self.builder_with(Simulator::PASSWORD)
    }

    pub fn builder_with(&self, password: &str) -> Builder {
        let ahead = Arc::clone(&self.ahead);
        Client::builder(credentials(password))
            .environment(self.environment())
            .settings(settings())
            .clock(move || {
                let ahead = Duration::from_millis(ahead.load(Ordering::Relaxed));
                Timestamp::from(SystemTime::now()) + ahead
            })
    }

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

    pub fn is_locked(&self) -> bool {
        self.server.with(|service| service.is_locked())
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

/// A login that stops before it is sent, on the thread that carries it, until it
/// is told how to go on. Only the first one does.
pub struct HeldLogin {
    pub agent: Agent,
    pub is_held: Receiver<()>,
    pub go_on: Sender<fn()>,
}

impl HeldLogin {
    pub fn new() -> Self {
        let (holds, is_held) = mpsc::channel();
        let (go_on, told) = mpsc::channel::<fn()>();
        let told = Mutex::new(told);
        let is_first = AtomicBool::new(true);
        let hold = move |request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
            if request.uri().path().ends_with("/login") && is_first.swap(false, Ordering::Relaxed) {
                holds.send(()).unwrap();
                let how = told.lock().unwrap().recv().unwrap();
                how();
            }
            next.handle(request)
        };
        Self {
            agent: Agent::config_builder().middleware(hold).build().into(),
            is_held,
            go_on,
        }
    }
}

/// A server for what the simulator can't do, which does this with one connection
/// after the other, given what came first.
pub fn server_that(act: impl Fn(TcpStream, &[u8]) + Send + 'static) -> Environment {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut first) = (stream.unwrap(), [0; 4096]);
            let length = stream.read(&mut first).unwrap();
            act(stream, &first[..length]);
        }
    });
    format!("http://{address}/api").parse().unwrap()
}
