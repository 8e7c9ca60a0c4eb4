//! A process whose store forgets, goes back in time, and returns what others have
//! saved, or have damaged.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use thingspace_core::{
    Call, Completion, Error, Session, SharedStep, StoreError, Timestamp,
    session::{Loaded, Revision, Saved, Snapshot, SnapshotError},
};

use crate::{
    snapshot::{FORMAT, GREATEST_NUMBER, MOST_LOGINS, Owner, Service, assert_message, is, steady},
    text::parts,
};

/// The number of things that were taken back, and of counted logins, of all snapshots
/// together that a process certainly remembers.
const MAX_REMEMBERED: usize = 12;

/// The largest number of parts that are read.
const LONGEST: usize = 60;

/// Runs a process whose store has the content that `data` says. Its parts are divided by
/// lines of three hyphens. The first line of a part is a command:
///
/// - `load` with milliseconds: the store has what follows, which is this old.
/// - `empty`, `down`, `up`: the store has nothing, fails, works again.
/// - `login`, `logout`, `reset`, `call`, `sync`, each with `honest`, `refusing` or
///   `silent`: a call to a service that behaves so.
/// - `wait` with milliseconds, `restart`.
///
/// The process makes no more logins than may fail since its last success, whatever the
/// store has. What it saves can be loaded. Every call ends, and no error shows a token.
pub fn history(data: &[u8]) {
    let parts = parts(data);
    let mut stored = parts.iter().filter_map(|part| split(part).1);
    let Some(owner) = stored.find_map(owner) else {
        return;
    };
    let mut process = Process::new(&owner);
    for part in parts.iter().take(LONGEST) {
        let (command, content) = split(part);
        process.run(command, content);
    }
    process.is_down = false;
    process.call(Call::log_in(), Service::Honest);
}

/// The command of a part, and what follows it.
fn split(part: &[u8]) -> (&str, Option<&[u8]>) {
    let end = part.iter().position(|byte| *byte == b'\n');
    let (command, content) = match end {
        Some(end) => (&part[..end], Some(&part[end + 1..])),
        None => (part, None),
    };
    (std::str::from_utf8(command).unwrap_or_default(), content)
}

fn owner(content: &[u8]) -> Option<Owner> {
    let snapshot: Snapshot = serde_json::from_slice(content).ok()?;
    Owner::of(&serde_json::to_value(snapshot).unwrap())
}

/// The content of a store.
enum Content {
    Nothing,
    Session { snapshot: Snapshot, at: Timestamp },
    Damaged,
}

/// A process, and its store.
struct Process<'a> {
    owner: &'a Owner,
    session: Session,
    now: Timestamp,
    content: Content,
    is_down: bool,
    /// The logins that were sent since the last one that succeeded.
    logins: u64,
    /// The unblockings that others have left, by their names.
    unblocked: BTreeSet<(u64, u64)>,
    /// The names of the operations that the process has begun.
    own: BTreeSet<(u64, u64)>,
    /// The names of all that was taken back.
    settled: BTreeSet<(u64, u64)>,
    /// The number of all that counts or was taken back.
    remembered: usize,
    tokens: BTreeSet<String>,
    lives: u64,
}

impl<'a> Process<'a> {
    fn new(owner: &'a Owner) -> Self {
        Self {
            owner,
            session: session(owner, 1),
            now: Timestamp::from_millis(1_700_000_600_000),
            content: Content::Nothing,
            is_down: false,
            logins: 0,
            unblocked: BTreeSet::new(),
            own: BTreeSet::new(),
            settled: BTreeSet::new(),
            remembered: 0,
            tokens: BTreeSet::new(),
            lives: 1,
        }
    }

    fn run(&mut self, command: &str, content: Option<&[u8]>) {
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        let time = Duration::from_millis(rest.trim().parse().unwrap_or_default());
        match name {
            "load" => self.replace(content.unwrap_or_default(), time),
            "empty" => self.content = Content::Nothing,
            "down" => self.is_down = true,
            "up" => self.is_down = false,
            "wait" => self.now = self.now + time,
            "restart" => {
                self.lives += 1;
                self.session = session(self.owner, self.lives);
                self.logins = 0;
            }
            _ => {
                let service = match rest.trim() {
                    "honest" => Service::Honest,
                    "refusing" => Service::Refusing,
                    _ => Service::Silent,
                };
                let call = match name {
                    "login" => Call::log_in(),
                    "logout" => Call::log_out(),
                    "reset" => Call::reset_password(),
                    "sync" => Call::sync(),
                    "call" => {
                        let work = Request::get("/m2m/v1/work").body(Bytes::new()).unwrap();
                        let Ok(call) = Call::to(work, &self.owner.environment) else {
                            return;
                        };
                        call
                    }
                    _ => return,
                };
                self.call(call, service);
            }
        }
    }

    /// Replaces what the store has.
    fn replace(&mut self, content: &[u8], age: Duration) {
        let Ok(snapshot) = serde_json::from_slice::<Snapshot>(content) else {
            self.content = Content::Damaged;
            return;
        };
        let stored = serde_json::to_value(&snapshot).unwrap();
        let memory = &stored[FORMAT]["memory"];
        let guard = &memory["guard"];
        for holder in ["bearer", "open"] {
            let token = memory[holder]["token"].as_str().unwrap_or_default();
            if token.len() >= 13 {
                self.tokens.insert(token.to_owned());
            }
        }
        let list = |name: &str| guard[name].as_array().unwrap();
        let settled = list("settled").iter().filter_map(|one| one.get("Counted"));
        self.settled.extend(settled.map(id));
        self.remembered += list("settled").len() + list("counted").len();
        if guard["unblocked"].is_object() {
            self.unblocked.insert(id(&guard["unblocked"]["id"]));
        }
        let age = u64::try_from(age.as_millis()).unwrap();
        let at = Timestamp::from_millis(self.now.as_millis().saturating_sub(age));
        self.content = Content::Session { snapshot, at };
    }

    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        match &self.content {
            _ if self.is_down => Err(StoreError::new("the store is down")),
            Content::Nothing => Ok(None),
            Content::Damaged => Err(StoreError::new("damaged")),
            Content::Session { snapshot, at } => Ok(Some(Loaded {
                snapshot: snapshot.clone(),
                age: self.now.since(*at),
            })),
        }
    }

    fn save(&mut self, seen: Option<Revision>, snapshot: Snapshot) -> Result<Saved, StoreError> {
        let stored = serde_json::to_value(&snapshot).unwrap();
        let memory = &stored[FORMAT]["memory"];
        if memory["lease"].is_object() {
            self.own.insert(id(&memory["lease"]["operation"]));
        }
        let again: Snapshot = serde_json::from_value(stored.clone()).unwrap();
        assert!(again == snapshot);
        let restored = self.owner.restore(&snapshot, Duration::ZERO, self.now);
        let is_at_the_end = memory["operations"].as_u64() > Some(GREATEST_NUMBER)
            || memory["password_epoch"].as_u64() > Some(GREATEST_NUMBER);
        match restored.map(drop) {
            Ok(()) => {}
            Err(error) => assert!(is_at_the_end && error == SnapshotError::Damaged),
        }
        let held = match &self.content {
            _ if self.is_down => return Err(StoreError::new("the store is down")),
            Content::Damaged => return Err(StoreError::new("damaged")),
            Content::Nothing => None,
            Content::Session { snapshot, .. } => Some(snapshot.revision()),
        };
        if held != seen {
            return Ok(Saved::Conflict);
        }
        let at = self.now;
        self.content = Content::Session { snapshot, at };
        Ok(Saved::Saved)
    }

    /// Drives a call to its end, then saves what the store does not have.
    fn call(&mut self, call: Call, service: Service) {
        if let Err(error) = self.drive(call, service) {
            assert_message(&error.to_string());
            self.assert_hides_tokens(&format!("{error} {error:?}"));
        }
        self.assert_hides_tokens(&format!("{:?}", self.session));
    }

    fn drive(&mut self, mut call: Call, service: Service) -> Result<Completion, Error> {
        const MOST_STEPS: u32 = 200;
        for _ in 0..MOST_STEPS {
            match call.step_shared(&mut self.session, self.now) {
                SharedStep::Send(transmit) => {
                    let is_login = is(&transmit.request, "login");
                    if is_login {
                        self.logins += 1;
                        self.assert_within_budget();
                    }
                    self.now = self.now + Duration::from_millis(50);
                    let result = service.respond(&transmit.request);
                    if is_login && matches!(service, Service::Honest) {
                        self.logins = 0;
                    }
                    call.receive(&mut self.session, self.now, transmit.attempt, result);
                    if self.session.is_unsaved(self.now) {
                        let _ = self.drive(Call::sync(), service);
                    }
                }
                SharedStep::Load => {
                    let loaded = self.load();
                    call.loaded(&mut self.session, self.now, loaded);
                }
                SharedStep::Save { seen, snapshot } => {
                    let saved = self.save(seen, snapshot);
                    call.saved(&mut self.session, self.now, saved);
                }
                SharedStep::Wait(wait) => {
                    assert!(wait.until > self.now, "the wait has no end in the future");
                    self.now = wait.until;
                }
                SharedStep::Done(result) => return result,
            }
        }
        panic!("law 12: no end");
    }

    /// Asserts that no more logins were made than may fail.
    fn assert_within_budget(&self) {
        // Others may have seen one of these logins succeed; and who has seen more than any
        // session ever remembers may forget.
        let is_taken_back = !self.settled.is_disjoint(&self.own);
        if is_taken_back || self.remembered > MAX_REMEMBERED {
            return;
        }
        let allowed = MOST_LOGINS + u64::try_from(self.unblocked.len()).unwrap();
        assert!(self.logins <= allowed, "law 15: {} logins", self.logins);
    }

    fn assert_hides_tokens(&self, shown: &str) {
        for token in &self.tokens {
            assert!(!shown.contains(token), "{token} shows");
        }
    }
}

/// The session of a process that knows nothing yet.
fn session(owner: &Owner, seed: u64) -> Session {
    let builder = owner.builder().settings(steady()).seed(seed);
    builder.shared(Duration::from_secs(5)).build().unwrap()
}

fn id(of: &Value) -> (u64, u64) {
    let number = |name: &str| of[name].as_u64().unwrap();
    (number("number"), number("nonce"))
}
