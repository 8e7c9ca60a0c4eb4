//! Futures that are dropped: a call may be given up at any point.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};

use thingspace_core::session::{Saved, Snapshot};

use crate::{
    Place,
    snapshots::next,
    stage::{PATIENCE, Process, Stage, nothing_to_check},
};

/// More awaits than any store has.
const AWAITS: usize = 1000;

/// The moment at which a future is dropped.
#[derive(Clone, Copy, Debug)]
enum Dropped {
    /// As soon as it awaits something.
    AtOnce,
    /// When what it awaits has come, and before it hears of that.
    Late,
}

pub(crate) fn a_load_that_is_dropped_anywhere_harms_nothing<P: Place>() {
    at_each_await::<P>(|process, polls, dropped| {
        let saved = process.change();
        let loading = process.face().store.load();
        let ended = poll(loading, polls, dropped);
        if let Some(loaded) = &ended {
            assert_eq!(loaded.as_ref().unwrap().as_ref().unwrap().snapshot, saved);
        }
        assert_eq!(process.saved(), saved);
        ended.is_some()
    });
}

pub(crate) fn a_save_that_is_dropped_anywhere_takes_place_whole_or_not_at_all<P: Place>() {
    at_each_await::<P>(|process, polls, dropped| {
        let old = process.change_in_the_end();
        let new = next(Some(old.revision()));
        let saving = process.face().store.save(Some(old.revision()), &new);
        let ended = poll(saving, polls, dropped);
        let is_one_of_them = |saved: Snapshot| saved == old || saved == new;
        if let Some(saved) = &ended {
            assert_eq!(*saved.as_ref().unwrap(), Saved::Saved);
            assert_eq!(process.saved(), new);
        } else {
            assert!(is_one_of_them(process.saved()), "it is saved by halves");
        }
        // It may take place later, but not after somebody else has saved.
        let changed = process.change_in_the_end();
        assert_eq!(process.saved(), changed);
        ended.is_some()
    });
}

/// Drops a future at its first await, at its second one, and so on until it has ended.
fn at_each_await<P: Place>(ends: impl Fn(&Process<P>, usize, Dropped) -> bool) {
    Stage::<P>::each(|stage| {
        let process = stage.process();
        if process.face().blocks {
            return nothing_to_check("the store blocks, and is never dropped meanwhile");
        }
        let _entered = stage.place.enter();
        let mut awaits = 0..AWAITS;
        let is_over =
            |polls| ends(&process, polls, Dropped::AtOnce) && ends(&process, polls, Dropped::Late);
        assert!(awaits.any(is_over), "it never ends");
        // Another process finds a place that is in order.
        stage.process().change();
        process.change();
    });
}

/// Polls a future this many times, each time when it has been woken, and drops it then.
/// Returns its result if it has ended before.
fn poll<T>(
    mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>,
    polls: usize,
    dropped: Dropped,
) -> Option<T> {
    let alarm = Arc::new(Alarm(AtomicBool::new(false), thread::current()));
    let waker = Waker::from(Arc::clone(&alarm));
    for poll in 1..=polls {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return Some(result),
            Poll::Pending if poll < polls || matches!(dropped, Dropped::Late) => alarm.wait(),
            Poll::Pending => {}
        }
    }
    None
}

/// A waker of a thread.
struct Alarm(AtomicBool, Thread);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        self.1.unpark();
    }
}

impl Alarm {
    fn wait(&self) {
        let start = Instant::now();
        while !self.0.swap(false, Ordering::SeqCst) {
            assert!(start.elapsed() < PATIENCE, "it is never woken");
            thread::park_timeout(PATIENCE);
        }
    }
}
