//! Snapshots of one session from several histories, which are merged.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use thingspace_core::{
    Call, Completion, Error, ErrorKind, Session, SharedStep, Timestamp,
    session::{Loaded, Saved, Snapshot},
};

use crate::{
    response::assert_hides,
    snapshot::{FORMAT, Owner, assert_message, steady},
    text::parts,
};

/// The number of counted logins that are remembered.
const MAX_COUNTED: usize = 16;

/// The number of things that were taken back that are remembered.
const MAX_SETTLED: usize = 64;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_600_000);

/// Reads the parts of `data`, which are divided by lines of three hyphens, as snapshots
/// that processes of one session have saved, and gives them to a process one after the
/// other, in each order and twice.
///
/// No failed login is forgotten that one of them knows of, unless it was taken back.
/// What was seen before changes nothing. What is saved can be loaded. A snapshot with
/// values that no session ever had is refused by a process that knows nothing, and
/// replaced by one that knows better.
pub fn merge(data: &[u8]) {
    let mut histories: Vec<(Snapshot, Value)> = parts(data)
        .into_iter()
        .take(3)
        .filter_map(|part| serde_json::from_slice(part).ok())
        .map(|snapshot: Snapshot| {
            let stored = serde_json::to_value(&snapshot).unwrap();
            (snapshot, stored)
        })
        .collect();
    let Some(owner) = histories.first().and_then(|(_, stored)| Owner::of(stored)) else {
        return;
    };
    let is_possible = |snapshot: &Snapshot| owner.restore(snapshot, Duration::ZERO, NOW).is_ok();
    let (possible, impossible): (Vec<_>, Vec<_>) = histories
        .drain(..)
        .partition(|(snapshot, _)| is_possible(snapshot));
    for (snapshot, _) in &impossible {
        assert_is_refused(&owner, snapshot, data);
        for (better, _) in &possible {
            assert_is_replaced(&owner, snapshot, better);
        }
    }
    let known = Known::of(&possible);
    let orders: &[&[usize]] = match possible.len() {
        0 => return,
        1 => &[&[0]],
        2 => &[&[0, 1], &[1, 0]],
        _ => &[
            &[0, 1, 2],
            &[0, 2, 1],
            &[1, 0, 2],
            &[1, 2, 0],
            &[2, 0, 1],
            &[2, 1, 0],
        ],
    };
    let mut counts = BTreeSet::new();
    for order in orders {
        let mut process = Process::knowing(&owner, &possible[order[0]].0);
        let others = || order[1..].iter().map(|number| &possible[*number].0);
        others().for_each(|snapshot| process.load(snapshot));
        known.assert_is_known_to(&process.session);
        let counted = process.session.login_guard().failed_logins;

        // What was seen before changes nothing.
        let memory = process.memory();
        let version = process.session.version();
        others().for_each(|snapshot| process.load(snapshot));
        if known.fits {
            assert_eq!(process.memory(), memory, "merged twice");
            let woken = u64::try_from(2 * others().count()).unwrap();
            assert!(process.session.version() - version <= 4 * woken);
        }
        known.assert_is_known_to(&process.session);
        counts.insert(counted);
    }
    assert!(!known.fits || counts.len() == 1, "by the order: {counts:?}");
}

/// The logins that count by several histories, found in a naive way.
struct Known {
    counted: BTreeSet<(u64, u64)>,
    /// True if all that is known can be remembered.
    fits: bool,
}

impl Known {
    fn of(histories: &[(Snapshot, Value)]) -> Self {
        let guards = || {
            let memories = histories
                .iter()
                .map(|(_, stored)| &stored[FORMAT]["memory"]);
            memories.map(|memory| &memory["guard"])
        };
        let settled: Vec<_> = guards().flat_map(|guard| list(guard, "settled")).collect();
        let taken_back: BTreeSet<_> = settled
            .iter()
            .filter_map(|settled| Some(id(settled.get("Counted")?)))
            .collect();
        let all: Vec<_> = guards()
            .flat_map(|guard| list(guard, "counted"))
            .map(|one| id(&one["id"]))
            .collect();
        let refused = guards()
            .map(|guard| list(guard, "refused").len())
            .sum::<usize>();
        let salts: BTreeSet<_> = guards().map(|guard| guard["salt"].as_u64()).collect();
        Self {
            counted: all
                .iter()
                .filter(|id| !taken_back.contains(id))
                .copied()
                .collect(),
            fits: all.len() <= MAX_COUNTED
                && all.len() == all.iter().collect::<BTreeSet<_>>().len()
                && settled.len() <= MAX_SETTLED / 2
                && refused <= 4
                && salts.len() == 1,
        }
    }

    /// Asserts that nothing that counts is forgotten.
    fn assert_is_known_to(&self, session: &Session) {
        let counted = session.login_guard().failed_logins;
        assert!(
            counted as usize >= self.counted.len().min(MAX_COUNTED),
            "law 15: {counted} of {:?}",
            self.counted
        );
    }
}

fn list<'a>(guard: &'a Value, name: &str) -> &'a [Value] {
    guard[name].as_array().unwrap()
}

fn id(of: &Value) -> (u64, u64) {
    let number = |name: &str| of[name].as_u64().unwrap();
    (number("number"), number("nonce"))
}

/// Asserts that a process that knows nothing takes the store for down.
fn assert_is_refused(owner: &Owner, snapshot: &Snapshot, data: &[u8]) {
    let mut process = Process::new(owner);
    let error = process.sync(snapshot).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Store(_)));
    assert_message(&error.to_string());
    assert_hides(&format!("{error} {error:?}"), data, "");
    assert_eq!(process.session.login_guard().failed_logins, 0);
    assert!(process.saved.is_none());
}

/// Asserts that a process that knows better replaces it, unless it is another
/// session's.
fn assert_is_replaced(owner: &Owner, snapshot: &Snapshot, better: &Snapshot) {
    let mut process = Process::knowing(owner, better);
    let knows = process.memory()["operations"].as_u64() > Some(0);
    let before = process.session.login_guard();
    let is_another = owner.of_another(snapshot);
    let synced = process.sync(snapshot);
    assert_eq!(synced.is_ok(), knows && !is_another, "{synced:?}");
    assert_eq!(process.session.login_guard(), before);
    assert_eq!(process.saved.is_some(), synced.is_ok());
}

/// A process that shares the session.
struct Process<'a> {
    owner: &'a Owner,
    session: Session,
    now: Timestamp,
    saved: Option<Snapshot>,
}

impl<'a> Process<'a> {
    fn new(owner: &'a Owner) -> Self {
        let builder = owner.builder().settings(steady());
        let session = builder.shared(Duration::from_millis(100)).seed(7).build();
        Self {
            owner,
            session: session.unwrap(),
            now: NOW,
            saved: None,
        }
    }

    /// A process that was restored from this snapshot.
    fn knowing(owner: &'a Owner, snapshot: &Snapshot) -> Self {
        let builder = owner.builder().settings(steady());
        let builder = builder.snapshot(snapshot.clone(), Duration::ZERO, NOW);
        let session = builder.shared(Duration::from_millis(100)).seed(7).build();
        Self {
            session: session.unwrap(),
            ..Self::new(owner)
        }
    }

    /// The memory, as it would be saved, without the description of the last failure:
    /// that belongs to no login by name, so it may be learned again.
    fn memory(&self) -> Value {
        let mut stored = serde_json::to_value(self.session.snapshot(NOW)).unwrap();
        let mut memory = stored[FORMAT]["memory"].take();
        memory["guard"]["last_failure"].take();
        memory
    }

    /// Loads this, and saves what it lacks.
    fn load(&mut self, snapshot: &Snapshot) {
        match self.sync(snapshot) {
            Ok(completion) => assert!(matches!(completion, Completion::Synced)),
            Err(error) => panic!("{error:?}"),
        }
        if let Some(saved) = &self.saved {
            // What one has saved, others can load.
            let stored = serde_json::to_value(saved).unwrap();
            let again: Snapshot = serde_json::from_value(stored).unwrap();
            assert!(again == *saved);
            assert!(self.owner.restore(saved, Duration::ZERO, NOW).is_ok());
        }
    }

    /// Runs a call that finds this in the store.
    fn sync(&mut self, snapshot: &Snapshot) -> Result<Completion, Error> {
        const MOST_STEPS: u32 = 10;
        // So that it is loaded again.
        self.now = self.now + Duration::from_secs(1);
        let mut stored = snapshot.clone();
        let mut call = Call::sync();
        for _ in 0..MOST_STEPS {
            match call.step_shared(&mut self.session, self.now) {
                SharedStep::Load => {
                    let loaded = Loaded {
                        snapshot: stored.clone(),
                        age: self.now.since(NOW),
                    };
                    call.loaded(&mut self.session, self.now, Ok(Some(loaded)));
                }
                SharedStep::Save { seen, snapshot } => {
                    assert_eq!(seen, Some(stored.revision()));
                    assert_ne!(snapshot.revision(), stored.revision());
                    stored = snapshot.clone();
                    self.saved = Some(snapshot);
                    call.saved(&mut self.session, self.now, Ok(Saved::Saved));
                }
                SharedStep::Wait(wait) => {
                    assert!(wait.until > self.now, "the wait has no end in the future");
                    self.now = wait.until;
                }
                SharedStep::Done(result) => return result,
                SharedStep::Send(transmit) => panic!("it is only to save: {transmit:?}"),
            }
        }
        panic!("law 12: no end");
    }
}
