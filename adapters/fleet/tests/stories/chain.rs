//! The proof that no update was lost.
//!
//! Each save names the revision that it replaces. So all that took place are one line,
//! from the first save to what the store holds. A save that was reported as saved is on
//! it; one that failed may be; one that conflicted is not.

use std::{collections::HashMap, fmt};

use thingspace_core::session::Revision;

use crate::{
    fleet::History,
    messages::{Ended, Report, Save},
};

/// The counts of what took place.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) saved: usize,
    /// Saves that failed, and took place all the same.
    pub(crate) saved_unheard: usize,
    /// Saves that failed, and did not take place.
    pub(crate) failed: usize,
    pub(crate) conflicts: usize,
}

impl Chain {
    /// Asserts that all saves are one line that ends with `last`.
    pub(crate) fn of(history: &History, last: Revision) -> Self {
        let reports = history.reports();
        // A save that began and whose end was never reported may have taken place.
        let mut ends: HashMap<Revision, (Save, Ended)> = HashMap::new();
        for (worker, report) in &*reports {
            match report {
                Report::Saving { save } => {
                    let known = ends.insert(save.revision, (*save, Ended::Failed));
                    assert_eq!(known, None, "worker {worker} saves a revision twice");
                }
                Report::Saved { save, ended } => {
                    ends.insert(save.revision, (*save, *ended));
                }
                _ => {}
            }
        }
        let mut places = HashMap::new();
        let mut next = Some(last);
        while let Some(revision) = next {
            let (save, ended) = ends
                .get(&revision)
                .unwrap_or_else(|| panic!("nobody saved {revision:?}"));
            assert_ne!(
                *ended,
                Ended::Conflict,
                "{save:?} conflicted, and was saved"
            );
            assert_eq!(places.insert(revision, *ended), None, "it runs in a circle");
            next = save.seen;
        }
        for (save, ended) in ends.values() {
            if *ended == Ended::Saved {
                assert!(places.contains_key(&save.revision), "{save:?} was lost");
            }
        }
        // The version counts them all.
        assert_eq!(usize::try_from(last.version).unwrap(), places.len());
        let mut loaded: HashMap<usize, u64> = HashMap::new();
        for (worker, report) in &*reports {
            if let Report::Loaded(Some(revision)) = report {
                assert!(places.contains_key(revision), "{revision:?} was loaded");
                let before = loaded.insert(*worker, revision.version);
                assert!(
                    before.is_none_or(|before| before <= revision.version),
                    "worker {worker} loaded version {} after {before:?}",
                    revision.version,
                );
            }
        }
        let count = |which: Ended| ends.values().filter(|(_, ended)| *ended == which).count();
        let saved_unheard = places.values().filter(|end| **end == Ended::Failed).count();
        Self {
            saved: count(Ended::Saved),
            saved_unheard,
            failed: count(Ended::Failed) - saved_unheard,
            conflicts: count(Ended::Conflict),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            saved,
            saved_unheard,
            failed,
            conflicts,
        } = self;
        write!(
            f,
            "{saved} saves in one line, {saved_unheard} more in it that failed, {failed} failed, {conflicts} conflicts"
        )
    }
}
