//! Many processes and threads that share one file, each with a clock of its own: each
//! operation begins once, one at a time, and everything that was saved stays saved.
//!
//! Each process is this program itself, started with the path of the file.

#![cfg(test)]

use std::{
    env,
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Response;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Session, SessionBuilder,
    SharedStep, Timestamp, UserCredentials,
    session::{Loaded, OperationKind, Revision, Saved, Snapshot, Store, WaitReason},
};
use thingspace_file::{FileStore, Lock};

const PROCESSES: u64 = 10;
const THREADS: u64 = 3;
/// The number of times that each thread opens the session and ends it.
const ROUNDS: u64 = 20;

fn main() {
    let args: Vec<_> = env::args_os().skip(1).collect();
    match &*args {
        [role, folder, process] if role == "one-of-many" => {
            let process: u64 = process.to_str().unwrap().parse().unwrap();
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let number = process * THREADS + thread;
                    scope.spawn(move || open_and_end(folder.as_ref(), number));
                }
            });
        }
        [role, folder] if role == "holder" => hold(folder.as_ref()),
        _ => {
            crowd();
            stopped();
        }
    }
}

/// Takes the lock, says so, and keeps it until the end of the input.
fn hold(folder: &Path) {
    let _held = Lock::attempt(&folder.join("state/session.json.lock"))
        .unwrap()
        .unwrap();
    println!("held");
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A process that is stopped while it holds the lock stops no other for longer than that
/// one is willing to wait.
fn stopped() {
    let folder = tempfile::tempdir().unwrap();
    let store = file(folder.path()).lock_timeout(Duration::from_millis(100));
    let mut holder = Command::new(env::current_exe().unwrap())
        .arg("holder")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut says = String::new();
    let mut output = BufReader::new(holder.stdout.take().unwrap());
    output.read_line(&mut says).unwrap();
    assert_eq!(says, "held\n");
    let id = Pid::from_child(&holder);
    kill_process(id, Signal::STOP).unwrap();

    let session = session().seed(1).build().unwrap();
    let snapshot = session.snapshot(SystemTime::now().into());
    assert!(store.save(None, &snapshot).is_err());
    assert_eq!(store.load().unwrap(), None);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(store.save(None, &snapshot).unwrap(), Saved::Saved);
    println!("a process that was stopped with the lock stopped no other");
}

fn crowd() {
    let folder = tempfile::tempdir().unwrap();
    let processes: Vec<_> = (0..PROCESSES)
        .map(|number| {
            Command::new(env::current_exe().unwrap())
                .arg("one-of-many")
                .arg(folder.path())
                .arg(number.to_string())
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }

    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let count = |what: &str| log.lines().filter(|line| *line == what).count();
    let begun: Vec<_> = log.lines().filter(|line| *line != "saved").collect();
    // One at a time: whatever begins ends before the next one begins.
    for pair in begun.chunks(2) {
        let [begins, ends] = pair else {
            panic!("{pair:?}");
        };
        assert_eq!(begins.replace("begins", "ends"), *ends);
    }
    assert_eq!(count("TokenFetch begins"), 1);
    assert_eq!(count("LogIn begins"), count("LogOut begins"));
    assert!(count("LogIn begins") >= usize::try_from(ROUNDS).unwrap());

    let saved = file(folder.path()).load().unwrap().unwrap().snapshot;
    let revision = usize::try_from(saved.revision().version).unwrap();
    assert_eq!(revision, count("saved"));
    // Each process drew its number from all that had begun before.
    let saved: Value = serde_json::to_value(&saved).unwrap();
    let contents = saved.as_object().unwrap().values().next().unwrap();
    let operations = contents["memory"]["operations"].as_u64().unwrap();
    assert_eq!(operations, u64::try_from(begun.len() / 2).unwrap());
    println!("{operations} operations began, each once; {revision} times it was saved");
}

fn file(folder: &Path) -> FileStore {
    let file = FileStore::new(folder.join("state/session.json"));
    // The machine may be slow; nobody is stopped.
    file.lock_timeout(Duration::from_secs(60))
}

/// A process that drives its calls by hand.
struct Process {
    session: Session,
    store: Logged,
    /// The lead of its clock.
    ahead: Duration,
}

/// A store that logs each save.
struct Logged {
    file: FileStore,
    log: fs::File,
}

impl Logged {
    /// Logs a line, in one write.
    fn write(&self, line: &str) {
        (&self.log)
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    fn load(&self) -> Option<Loaded> {
        self.file.load().unwrap()
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Saved {
        let saved = self.file.save(seen, snapshot).unwrap();
        if saved == Saved::Saved {
            self.write("saved");
        }
        saved
    }
}

fn session() -> SessionBuilder {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    SessionBuilder::new(Credentials::new(app, user))
        .environment(Environment::mock())
        .shared(Duration::from_millis(1))
}

fn open_and_end(folder: &Path, number: u64) {
    let session = session().seed(number + 1);
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"));
    let mut process = Process {
        session: session.build().unwrap(),
        store: Logged {
            file: file(folder),
            log: log.unwrap(),
        },
        // No two clocks agree, by hours.
        ahead: Duration::from_secs(number * 60 * 60),
    };
    for _ in 0..ROUNDS {
        process.run(Call::log_in()).into_logged_in().unwrap();
        process.run(Call::log_out()).into_logged_out().unwrap();
    }
}

impl Process {
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now()) + self.ahead
    }

    /// Drives a call to its end.
    fn run(&mut self, mut call: Call) -> Completion {
        loop {
            let now = self.now();
            match call.step_shared(&mut self.session, now) {
                SharedStep::Send(transmit) => {
                    let operation = transmit.attempt.operation().unwrap();
                    let kind = operation.kind();
                    self.store.write(&format!("{kind:?} begins"));
                    let response = Response::new(response_to(kind));
                    self.store.write(&format!("{kind:?} ends"));
                    self.session.receive(now, operation, Ok(response));
                    self.run(Call::sync()).into_synced().unwrap();
                }
                SharedStep::Wait(wait) => {
                    // No login failed, and none is taken for one that did.
                    assert_ne!(wait.reason, WaitReason::Backoff);
                    thread::sleep(wait.until.since(self.now()));
                }
                SharedStep::Load => {
                    let loaded = self.store.load();
                    let now = self.now();
                    call.loaded(&mut self.session, now, Ok(loaded));
                }
                SharedStep::Save { seen, snapshot } => {
                    let saved = self.store.save(seen, &snapshot);
                    let now = self.now();
                    call.saved(&mut self.session, now, Ok(saved));
                }
                SharedStep::Done(result) => return result.unwrap(),
            }
        }
    }
}

fn response_to(kind: OperationKind) -> Bytes {
    Bytes::from_static(match kind {
        OperationKind::TokenFetch => br#"{"access_token":"cf1b","expires_in":3600}"#,
        _ => br#"{"sessionToken":"d2c4"}"#,
    })
}
