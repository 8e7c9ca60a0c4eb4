//! What is saved, and how it is loaded again.

use std::{sync::Barrier, thread};

use crate::{
    Place,
    snapshots::{NOW, SOMEBODY_ELSE, USER, builder, largest, of_revision, open, refused},
    stage::Stage,
};

pub(crate) fn everything_that_one_process_saves_another_loads<P: Place>() {
    Stage::<P>::each(|stage| {
        let here = stage.process();
        let there = stage.process();
        let unopened = builder(USER).build().unwrap().snapshot(NOW);
        let sealed = open(USER).seal("c2VhbGVk \u{1f512} \"\\\n".into());
        // Versions up to the highest that a session has.
        let versions = [0, 1, 1 << 32, (1 << 53) - 1];
        let mut seen = None;
        for version in versions {
            for snapshot in [
                &unopened,
                &open(USER),
                &open(SOMEBODY_ELSE),
                &refused(),
                &sealed,
            ] {
                let snapshot = of_revision(snapshot, version);
                here.takes(seen, &snapshot);
                assert_eq!(here.saved(), snapshot);
                assert_eq!(there.saved(), snapshot);
                // One that is started later.
                assert_eq!(stage.process().saved(), snapshot);
                seen = Some(snapshot.revision());
            }
        }
    });
}

pub(crate) fn the_largest_session_is_saved_and_loaded<P: Place>() {
    Stage::<P>::each(|stage| {
        let process = stage.process();
        let small = process.change();
        let large = of_revision(&largest(), 2);
        process.takes(Some(small.revision()), &large);
        assert!(stage.process().saved() == large, "something is cut off");
        // Nothing of it is left when it is small again.
        let small = process.change();
        assert_eq!(stage.process().saved(), small);
    });
}

/// The number of processes of each kind, and of the loads of each.
const CROWD: usize = 4;
const LOADS: usize = 25;

pub(crate) fn many_processes_load_at_once<P: Place>() {
    Stage::<P>::each(|stage| {
        let saved = stage.process().change();
        let start = Barrier::new(CROWD * 2);
        thread::scope(|scope| {
            for _ in 0..CROWD {
                let process = stage.process();
                // Two threads of one process share its store.
                for process in [process.clone(), process] {
                    let (start, saved) = (&start, &saved);
                    scope.spawn(move || {
                        start.wait();
                        for _ in 0..LOADS {
                            assert_eq!(process.saved(), *saved);
                        }
                    });
                }
            }
        });
    });
}
