//! A place that hangs.

use std::{sync::mpsc, thread, time::Duration};

use thingspace_core::session::Saved;

use crate::{
    Can, Place,
    place::Hangs,
    snapshots::next,
    stage::{Stage, nothing_to_check},
    waking::Watching,
};

/// The time by which an access may be later than its bound.
const SLACK: Duration = Duration::from_secs(5);

pub(crate) fn no_access_to_a_place_that_hangs_lasts_longer_than_its_bound<P: Place>() {
    Stage::<P>::each(|stage| {
        let (process, there) = (stage.process(), stage.process());
        let watching = Watching::new(&process);
        let saved = process.change();
        let frozen = match stage.place.freeze() {
            Can::Yes(frozen) => frozen,
            Can::No(why) => return nothing_to_check(why),
        };
        let bound = frozen.bound + SLACK;
        // Twice: one that had a connection, and one that needs another.
        for _ in 0..2 {
            let loading = process.clone();
            let loaded = within(bound, move || loading.load());
            match frozen.hangs {
                Hangs::All => assert!(loaded.is_err(), "it loads from a place that hangs"),
                Hangs::Saves => assert_eq!(loaded.unwrap().unwrap().snapshot, saved),
            }
            let (saving, seen) = (process.clone(), Some(saved.revision()));
            let done = within(bound, move || saving.save(seen, &next(seen)));
            assert!(
                !matches!(done, Ok(Saved::Saved)),
                "it saves in a place that hangs"
            );
            assert!(done.is_err(), "a place that hangs is a conflict");
        }
        drop(frozen);

        // The store that has failed works again.
        let changed = process.change_in_the_end();
        let loaded = there.change_in_the_end();
        assert!(loaded.revision().version > changed.revision().version);
        assert_eq!(process.saved(), loaded);
        if stage.place.wakes() == Can::Yes(()) {
            watching.hears_of_changes_by(&there);
        }
    });
}

/// Does something on a thread of its own, and asserts that it ends in time.
#[track_caller]
fn within<T: Send + 'static>(bound: Duration, job: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(job()));
    match result.recv_timeout(bound) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it is not over after {bound:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("it panics"),
    }
}
