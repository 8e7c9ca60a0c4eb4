//! Saves of processes that do not know of each other: compare-and-swap.

use std::{
    collections::HashMap,
    sync::{Barrier, Mutex},
    thread,
};

use thingspace_core::session::{Revision, Saved};

use crate::{
    Place,
    snapshots::next,
    stage::{Stage, chain},
};

pub(crate) fn a_save_that_has_seen_anything_else_conflicts<P: Place>() {
    Stage::<P>::each(|stage| {
        let process = stage.process();
        let first = process.change().revision();
        process.change();
        let saved = stage.process().change();
        let text = stage.text();
        let Revision { version, nonce } = saved.revision();
        let revision = |version, nonce| Some(Revision { version, nonce });
        for seen in [
            None,
            Some(first),
            Some(Revision::default()),
            revision(version - 1, nonce),
            revision(version + 1, nonce),
            revision(u64::MAX, u64::MAX),
            // As high, of another history: also if only one bit tells.
            revision(version, nonce ^ 1),
            revision(version, nonce ^ (1 << 63)),
            revision(version, 0),
            revision(nonce, version),
        ] {
            process.refuses(seen, &next(seen.filter(|seen| seen.version < u64::MAX)));
            stage.process().refuses(seen, &next(None));
        }
        assert_eq!(stage.text(), text);
        assert_eq!(process.saved(), saved);
        // No more is asked of the next one than that it has seen this.
        let lower = next(None);
        process.takes(Some(saved.revision()), &lower);
        assert_eq!(process.saved(), lower);
    });
}

/// The number of processes of each kind, with two threads each, and of the times that each
/// thread tries to save.
const CROWD: usize = 2;
const ROUNDS: usize = 15;

pub(crate) fn of_those_who_save_at_once_nobody_is_overwritten_unseen<P: Place>() {
    Stage::<P>::each(|stage| {
        let processes: Vec<_> = (0..CROWD).flat_map(|_| stage.processes()).collect();
        let start = Barrier::new(processes.len() * 2);
        // What was saved, by what its process had seen.
        let history = Mutex::new(HashMap::new());
        thread::scope(|scope| {
            for process in &processes {
                for process in [process, &process.clone()].map(Clone::clone) {
                    let (start, history) = (&start, &history);
                    scope.spawn(move || {
                        start.wait();
                        for _ in 0..ROUNDS {
                            let seen = process.revision();
                            let mine = next(seen);
                            match process.save(seen, &mine) {
                                Ok(Saved::Saved) => {
                                    let mut history = history.lock().unwrap();
                                    let other = history.insert(seen, mine.revision());
                                    assert_eq!(other, None, "two were saved in place of one");
                                }
                                Ok(Saved::Conflict) => {}
                                Err(error) => panic!("{}", chain(&error)),
                            }
                        }
                    });
                }
            }
        });

        // They are one line, from nothing to what is saved.
        let history = history.into_inner().unwrap();
        let line = std::iter::successors(history.get(&None), |last| history.get(&Some(**last)));
        let line: Vec<_> = line.collect();
        assert_eq!(line.len(), history.len(), "an update is lost");
        let last = stage.process().revision().unwrap();
        assert_eq!(line.last(), Some(&&last), "the last update is lost");
        assert_eq!(usize::try_from(last.version).unwrap(), history.len());
        // Whoever met a conflict was too late for somebody else.
        assert!(
            history.len() >= ROUNDS,
            "{} saves took place",
            history.len()
        );
    });
}
