//! The fleet as the test sees it: the service, the server of the store, and the processes.

use std::{
    collections::HashMap,
    fmt,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use thingspace_fleet::{Postgres, Redis};
use thingspace_simulator::{Call, Server, Simulator};

use crate::{
    messages::{Failed, Orders, Report, Stack, Task, View, What},
    place::Place,
    time::Time,
};

/// The time after which a call that has not ended never ends: far more than any of its
/// deadlines.
pub(crate) const NEVER: Duration = Duration::from_secs(180);

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    File,
    Postgres,
    Redis,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        })
    }
}

/// What holds the store.
pub(crate) enum Holder {
    File(TempDir),
    Postgres(Postgres),
    Redis(Redis),
}

impl Holder {
    pub(crate) fn start(kind: StoreKind) -> Self {
        match kind {
            StoreKind::File => Self::File(tempfile::tempdir().unwrap()),
            StoreKind::Postgres => Self::Postgres(Postgres::start()),
            StoreKind::Redis => Self::Redis(Redis::start()),
        }
    }

    /// The place of the session.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::File(folder) => Place::File(folder.path().join("state/session.json")),
            Self::Postgres(server) => Place::Postgres(server.address()),
            Self::Redis(server) => Place::Redis(server.address()),
        }
    }

    /// The same place, reached in another way if there is one.
    pub(crate) fn same_place(&self) -> Place {
        match self {
            Self::File(_) => self.place(),
            Self::Postgres(server) => Place::Postgres(server.address_by_socket()),
            Self::Redis(server) => Place::Redis(server.address_by_socket()),
        }
    }

    /// The same place, reached through something else at this address.
    pub(crate) fn place_at(&self, address: SocketAddr) -> Place {
        match self {
            Self::File(_) => panic!("a file has no address"),
            Self::Postgres(server) => Place::Postgres(server.address_at(address)),
            Self::Redis(server) => Place::Redis(server.address_at(address)),
        }
    }

    /// The address of the server.
    pub(crate) fn socket_address(&self) -> SocketAddr {
        match self {
            Self::File(_) => panic!("a file has no address"),
            Self::Postgres(server) => server.socket_address(),
            Self::Redis(server) => server.socket_address(),
        }
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(&self) {
        match self {
            Self::File(_) => panic!("a file has no server"),
            Self::Postgres(server) => server.kill(),
            Self::Redis(server) => server.kill(),
        }
    }

    /// Makes restarts fast: what the kernel has survives that a process is killed, so
    /// nothing needs to be on the disk. PostgreSQL would sync all files at each start.
    pub(crate) fn restart_fast(&self) {
        if let Self::Postgres(server) = self {
            server.sql("alter system set fsync = off");
            server.sql("select pg_reload_conf()");
        }
    }

    pub(crate) fn restart(&self) {
        match self {
            Self::File(_) => {}
            Self::Postgres(server) => server.restart(),
            Self::Redis(server) => server.restart(),
        }
    }
}

/// A service, the processes' time, and what was reported.
pub(crate) struct World {
    pub(crate) service: Server,
    pub(crate) time: Time,
    pub(crate) history: Arc<History>,
    _folder: TempDir,
}

/// The reports of all workers, in the order of their arrival.
#[derive(Default)]
pub(crate) struct History(Mutex<Vec<(usize, Report)>>);

impl History {
    pub(crate) fn reports(&self) -> MutexGuard<'_, Vec<(usize, Report)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            service: Server::start(Simulator::new(42)).unwrap(),
            time: Time::at(&folder.path().join("time")),
            history: Arc::default(),
            _folder: folder,
        }
    }

    /// Lets time pass for the service and all processes.
    pub(crate) fn pass(&self, time: Duration) {
        self.time.pass(time);
        self.service.advance(time);
    }

    /// The orders of a worker, to be changed where a story is about something else.
    pub(crate) fn orders(&self, number: usize, place: Place) -> Orders {
        Orders {
            stack: Stack::of(number),
            place,
            base: self.service.base().to_owned(),
            password: Simulator::PASSWORD.to_owned(),
            seed: u64::try_from(number).unwrap() + 1,
            time: self.time.path().to_owned(),
            attempt_timeout: 5_000,
            call_timeout: 60_000,
        }
    }

    /// Starts a worker with these orders.
    pub(crate) fn worker(&self, number: usize, orders: &Orders) -> Worker {
        self.worker_with(number, orders, &[])
    }

    /// Starts a worker with these orders in an environment of its own.
    pub(crate) fn worker_with(
        &self,
        number: usize,
        orders: &Orders,
        environment: &[(&str, String)],
    ) -> Worker {
        Worker::start(number, orders, environment, &self.history)
    }

    pub(crate) fn seen(&self, call: Call) -> u64 {
        self.service.with(|service| service.counts().seen(call))
    }

    pub(crate) fn done(&self, call: Call) -> u64 {
        self.service.with(|service| service.counts().done(call))
    }

    pub(crate) fn failed_logins(&self) -> u64 {
        self.service.with(|service| service.counts().failed_logins)
    }

    /// The password that the service has.
    pub(crate) fn password(&self) -> String {
        self.service
            .with(|service| service.reveal_password().to_owned())
    }

    /// Asserts that the user name was never locked, nor close to it.
    pub(crate) fn assert_not_locked(&self) {
        self.service.with(|service| {
            assert!(!service.is_locked(), "the user name is locked");
            assert_eq!(service.counts().locked_logins, 0);
        });
    }
}

/// A process of the fleet. It ends with this value.
pub(crate) struct Worker {
    pub(crate) number: usize,
    process: Child,
    input: ChildStdin,
    ends: Arc<Ends>,
    reader: Option<JoinHandle<()>>,
    /// The time by its system's clock when it was ready, in milliseconds.
    pub(crate) system: u64,
}

/// The tasks that have not ended.
#[derive(Default)]
struct Ends(Mutex<HashMap<u64, Sender<Result<View, Failed>>>>);

impl Worker {
    fn start(
        number: usize,
        orders: &Orders,
        environment: &[(&str, String)],
        history: &Arc<History>,
    ) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(crate::WORKER)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        writeln!(input, "{}", serde_json::to_string(orders).unwrap()).unwrap();
        let ends = Arc::<Ends>::default();
        let (ready, is_ready) = channel();
        let (tasks, history) = (Arc::clone(&ends), Arc::clone(history));
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                match serde_json::from_str(&line).unwrap() {
                    Report::Ready { system } => ready.send(system).unwrap(),
                    Report::Done { number, result } => {
                        let end = tasks.0.lock().unwrap().remove(&number);
                        // Nobody may wait for it any more.
                        let _ = end.unwrap().send(result);
                    }
                    report => history.reports().push((number, report)),
                }
            }
        });
        let system = is_ready.recv_timeout(NEVER).expect("a worker that starts");
        Self {
            number,
            process,
            input,
            ends,
            reader: Some(reader),
            system,
        }
    }

    /// Gives it a task.
    pub(crate) fn begin(&mut self, what: What) -> Pending {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (end, ended) = channel();
        self.ends.0.lock().unwrap().insert(number, end);
        let pending = Pending {
            worker: self.number,
            what: what.clone(),
            ended,
        };
        let task = serde_json::to_string(&Task { number, what }).unwrap();
        writeln!(self.input, "{task}").expect("a worker that runs");
        pending
    }

    /// Gives it a task, and waits for its end.
    pub(crate) fn run(&mut self, what: What) -> Result<View, Failed> {
        self.begin(what).end()
    }

    /// Gives it a task that must succeed.
    pub(crate) fn must(&mut self, what: What) -> View {
        self.begin(what).succeeds()
    }

    /// Stops it with SIGSTOP.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // All that it reported is part of the history.
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// A task that was begun.
pub(crate) struct Pending {
    worker: usize,
    pub(crate) what: What,
    ended: Receiver<Result<View, Failed>>,
}

impl Pending {
    /// Waits for its end. Every call has one.
    pub(crate) fn end(self) -> Result<View, Failed> {
        let end = self.ended.recv_timeout(NEVER);
        end.unwrap_or_else(|_| panic!("worker {}: {:?} never ended", self.worker, self.what))
    }

    pub(crate) fn succeeds(self) -> View {
        let (worker, what) = (self.worker, self.what.clone());
        let end = self.end();
        end.unwrap_or_else(|failed| panic!("worker {worker}: {what:?}: {failed:?}"))
    }
}

/// Waits for something that happens soon.
pub(crate) fn wait_until(what: &str, happens: impl Fn() -> bool) {
    let deadline = Instant::now() + NEVER;
    while !happens() {
        assert!(Instant::now() < deadline, "{what}: it did not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The number of rounds of a story that has rounds.
pub(crate) fn rounds(usual: u32) -> u32 {
    let given = std::env::var("THINGSPACE_ROUNDS").ok();
    given.map_or(usual, |rounds| rounds.parse().expect("a number of rounds"))
}

/// The library that gives a process another clock.
pub(crate) fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten();
    let found = folders.filter_map(|folder| {
        let library = folder.ok()?.path().join("faketime/libfaketimeMT.so.1");
        library.exists().then_some(library)
    });
    let mut found = found;
    found.next().expect("libfaketime (Debian: faketime)")
}
