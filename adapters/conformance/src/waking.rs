//! Those who watch a place.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use crate::{
    Can, Place,
    stage::{Process, Stage, until},
};

/// The longest interval of a store that does not tell of changes: a login of another
/// process is waited for that long.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

/// The time to wait for a report before something is changed once more: no store has to
/// tell of every change.
const A_WHILE: Duration = Duration::from_millis(100);

pub(crate) fn a_change_of_another_process_is_reported_to_those_who_watch<P: Place>() {
    Stage::<P>::each(|stage| {
        let (here, there) = (stage.process(), stage.process());
        let interval = here.face().store.poll_interval();
        assert!(interval > Duration::ZERO, "it is looked at all the time");
        // Who waits has looked before, and a store may have no connection until then.
        here.find();
        let (first, second) = (Watching::new(&here), Watching::new(&here));
        match stage.place.wakes() {
            Can::Yes(()) => {
                first.hears_of_changes_by(&there);
                second.hears_of_changes_by(&there);
                // One that goes takes nobody with it.
                drop(first);
                second.hears_of_changes_by(&there);
                second.hears_of_changes_by(&stage.process());
            }
            Can::No(_) => assert!(
                interval <= LONGEST_INTERVAL,
                "it tells of no change, and is looked at every {interval:?}"
            ),
        }
        // Nor does one that is gone harm anything.
        drop(second);
        let changed = there.change();
        assert_eq!(here.saved(), changed);
    });
}

/// Somebody who watches a place.
pub(crate) struct Watching {
    reports: mpsc::Receiver<()>,
    _watcher: Arc<dyn Fn() + Send + Sync>,
}

impl Watching {
    /// Watches the place through the store of a process.
    pub(crate) fn new<P: Place>(process: &Process<P>) -> Self {
        let (report, reports) = mpsc::channel();
        let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            report.send(()).ok();
        });
        let _entered = process.place().enter();
        process.face().store.watch(Arc::downgrade(&watcher));
        Self {
            reports,
            _watcher: watcher,
        }
    }

    /// Asserts that changes by another process are reported.
    #[track_caller]
    pub(crate) fn hears_of_changes_by<P: Place>(&self, process: &Process<P>) {
        while self.reports.try_recv().is_ok() {}
        until("a change is reported", || {
            process.change();
            self.reports.recv_timeout(A_WHILE).is_ok()
        });
    }
}
