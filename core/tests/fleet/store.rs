//! The store that the processes share: a register with compare-and-swap that
//! knows the age of what it holds. It may fail, forget, go back in time, and show
//! two processes two different things.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use thingspace_core::{
    StoreError,
    session::{Loaded, Revision, Saved, Snapshot},
};

use crate::millis;

/// The name of a snapshot's only field.
pub const FORMAT: &str = "thingspace-session-3";

/// The number of earlier states to which the store may go back.
const REMEMBERED: usize = 12;

/// What becomes of an access to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storing {
    Fine,
    /// It fails, and nothing is saved.
    FailsBefore,
    /// It is saved, and fails all the same.
    FailsAfter,
}

/// What happens to the store itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Emptied,
    /// It goes back by so many saves.
    RolledBack(usize),
    /// Every other host sees another store from now on, which begins as the same.
    Forked,
    /// All hosts see the first store again, or the second.
    Joined(usize),
    /// It holds values that no session ever had.
    Impossible(usize),
}

#[derive(Clone, Debug, Default)]
pub struct Store {
    branches: Vec<Branch>,
    /// True if every access fails.
    pub is_down: bool,
}

#[derive(Clone, Debug, Default)]
struct Branch {
    record: Option<Arc<Record>>,
    history: Vec<Arc<Record>>,
}

#[derive(Debug)]
pub struct Record {
    snapshot: Snapshot,
    saved_at: u64,
    pub read: Option<Read>,
}

/// What is read of a snapshot, naively.
#[derive(Debug, Deserialize)]
pub struct Read {
    pub operations: u64,
    pub lease: Option<Lease>,
    pub ended_session: Id,
    pub open: Option<Open>,
    pub guard: Guard,
}

#[derive(Debug, Deserialize)]
pub struct Lease {
    pub operation: Id,
}

#[derive(Debug, Deserialize)]
pub struct Open {
    pub generation: Id,
}

#[derive(Debug, Deserialize)]
pub struct Guard {
    pub salt: u64,
    pub counted: Vec<Counted>,
    pub settled: Vec<Settled>,
    pub refused: Vec<Refused>,
    pub doubts: Vec<Doubt>,
    pub unblocked: Option<Unblocked>,
}

#[derive(Debug, Deserialize)]
pub struct Counted {
    pub id: Id,
}

#[derive(Debug, Deserialize)]
pub enum Settled {
    Counted(Id),
    Refused(Id),
    Doubt(Id),
    Unblocked(Id),
}

#[derive(Debug, Deserialize)]
pub struct Refused {
    pub id: Id,
    pub tag: u16,
    reason: Value,
}

impl Refused {
    /// Returns true if it is these credentials that were refused, and not only another
    /// login.
    pub fn is_about_credentials(&self) -> bool {
        self.reason != "BudgetSpent"
    }
}

#[derive(Debug, Deserialize)]
pub struct Doubt {
    pub reset: Id,
    pub awaits_confirmation: bool,
}

#[derive(Debug, Deserialize)]
pub struct Unblocked {
    pub id: Id,
    pub tag: u16,
    pub login: Option<Id>,
}

/// The name of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Id {
    pub number: u64,
    pub nonce: u64,
}

impl Store {
    pub fn new() -> Self {
        Self {
            branches: vec![Branch::default(), Branch::default()],
            is_down: false,
        }
    }

    fn branch(&mut self, which: usize) -> &mut Branch {
        &mut self.branches[which % 2]
    }

    /// What this branch holds.
    pub fn record(&self, branch: usize) -> Option<&Arc<Record>> {
        self.branches[branch % 2].record.as_ref()
    }

    pub fn load(&self, branch: usize) -> Result<Option<Arc<Record>>, StoreError> {
        if self.is_down {
            return Err(down());
        }
        Ok(self.record(branch).cloned())
    }

    pub fn save(
        &mut self,
        branch: usize,
        now: u64,
        seen: Option<Revision>,
        snapshot: Snapshot,
        storing: Storing,
    ) -> Result<Saved, StoreError> {
        if self.is_down || storing == Storing::FailsBefore {
            return Err(down());
        }
        let held = self.record(branch).map(|record| record.snapshot.revision());
        let saved = if held == seen {
            let record = Arc::new(Record::new(snapshot, now));
            self.branch(branch).put(record);
            Saved::Saved
        } else {
            Saved::Conflict
        };
        if storing == Storing::FailsAfter {
            return Err(down());
        }
        Ok(saved)
    }

    pub fn empty(&mut self, branch: usize) {
        self.branch(branch).record = None;
    }

    pub fn roll_back(&mut self, branch: usize, saves: usize) {
        let branch = self.branch(branch);
        for _ in 0..saves {
            branch.history.pop();
        }
        branch.record = branch.history.last().cloned();
    }

    pub fn fork(&mut self) {
        self.branches[1] = self.branches[0].clone();
    }

    pub fn join(&mut self, which: usize) {
        let kept = self.branches[which % 2].clone();
        self.branches = vec![kept.clone(), kept];
    }

    /// Puts something impossible into what it holds, of one kind or another.
    pub fn damage(&mut self, branch: usize, kind: usize) {
        let Some(record) = self.record(branch).cloned() else {
            return;
        };
        let mut snapshot = serde_json::to_value(&record.snapshot).unwrap();
        let contents = &mut snapshot[FORMAT];
        let greatest = json!(u64::MAX);
        match kind % 5 {
            0 => contents["memory"]["operations"] = greatest,
            1 => contents["revision"]["version"] = greatest,
            2 => contents["memory"]["password_epoch"] = greatest,
            3 => contents["memory"]["guard"]["salt"] = json!(0),
            _ => {
                let lease = &mut contents["memory"]["lease"];
                *lease = json!({
                    "operation": {"number": 1, "nonce": 1},
                    "kind": "LogIn",
                    "span": {"from": 0, "millis": u64::MAX},
                });
            }
        }
        let snapshot = serde_json::from_value(snapshot).unwrap();
        let record = Record {
            snapshot,
            saved_at: record.saved_at,
            read: None,
        };
        self.branch(branch).record = Some(Arc::new(record));
    }

    /// Returns true if it holds values that no session ever had.
    pub fn is_damaged(&self, branch: usize) -> bool {
        self.record(branch)
            .is_some_and(|record| record.read.is_none())
    }

    /// Everything that decides what it does next, in parts: each with the time by which
    /// it is written.
    pub fn show(&self, now: u64) -> Vec<(u64, String)> {
        let records = self
            .branches
            .iter()
            .filter_map(|branch| branch.record.as_ref());
        let mut shown = Vec::new();
        for record in records {
            let text = serde_json::to_string(&record.snapshot).unwrap();
            let age = format!(" {} {:?}", record.saved_at, record.read.is_some());
            shown.push((record.snapshot.saved_at().as_millis(), text));
            shown.push((now, age));
        }
        shown.push((now, self.is_down.to_string()));
        shown
    }
}

impl Branch {
    fn put(&mut self, record: Arc<Record>) {
        if self.history.len() == REMEMBERED {
            self.history.remove(0);
        }
        self.history.push(record.clone());
        self.record = Some(record);
    }
}

impl Record {
    /// What somebody gets who loads it now.
    pub fn loaded(&self, now: u64) -> Loaded {
        Loaded {
            snapshot: self.snapshot.clone(),
            age: millis(now - self.saved_at),
        }
    }

    pub fn revision(&self) -> Revision {
        self.snapshot.revision()
    }

    fn new(snapshot: Snapshot, saved_at: u64) -> Self {
        Self {
            read: Some(read(&snapshot)),
            snapshot,
            saved_at,
        }
    }
}

/// Reads a snapshot.
pub fn read(snapshot: &Snapshot) -> Read {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "thingspace-session-3")]
        contents: Contents,
    }
    #[derive(Deserialize)]
    struct Contents {
        memory: Read,
    }
    let text = serde_json::to_string(snapshot).unwrap();
    let file: File = serde_json::from_str(&text).unwrap();
    file.contents.memory
}

/// A snapshot but for what is another one at each saving.
pub fn without_revision(snapshot: &Snapshot) -> Value {
    let mut snapshot = serde_json::to_value(snapshot).unwrap();
    snapshot[FORMAT]["revision"] = Value::Null;
    snapshot
}

pub fn down() -> StoreError {
    StoreError::new("the store is down")
}
