//! Time that passes when the test says so, for all processes at the same moment, those
//! that are stopped included.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use nix::time::{ClockId, clock_gettime};
use thingspace_core::Timestamp;

/// What a store says of an age is as exact as that: a file system's clock ticks 250 times
/// a second.
const MARGIN: Duration = Duration::from_millis(20);

/// The time: the system's, and what has passed beside it. Each line of the file says when
/// time was made to pass, by the clock that all processes have in common, and how much.
#[derive(Clone, Debug)]
pub(crate) struct Time(PathBuf);

impl Time {
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Lets time pass. Nothing is saved just before, so that everybody knows what was first.
    pub(crate) fn pass(&self, time: Duration) {
        thread::sleep(MARGIN * 5);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)
            .unwrap();
        let line = format!("{} {}\n", common().as_millis(), time.as_millis());
        file.write_all(line.as_bytes()).unwrap();
        thread::sleep(MARGIN * 5);
    }

    /// The time by the clock of this process.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now()) + self.passed(Duration::MAX)
    }

    /// The age of what is this old by the system's clock.
    ///
    /// What was saved at the very moment at which time was made to pass was saved after it:
    /// those who waited for that moment save at once.
    pub(crate) fn age(&self, age: Duration) -> Duration {
        age + self.passed(age.saturating_sub(MARGIN))
    }

    /// The time that was made to pass within the last `age`.
    fn passed(&self, age: Duration) -> Duration {
        let lines = fs::read_to_string(&self.0).unwrap_or_default();
        let since = common().saturating_sub(age).as_millis();
        let passed = lines.lines().filter_map(|line| {
            let (at, time) = line.split_once(' ')?;
            let (at, time): (u128, u64) = (at.parse().ok()?, time.parse().ok()?);
            (at >= since).then_some(Duration::from_millis(time))
        });
        passed.sum()
    }
}

/// The clock that all processes have in common: nothing sets it.
fn common() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}
