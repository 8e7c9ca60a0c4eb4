//! Random schedules.
//!
//! They are the same in every run, so that a run that fails fails again. Another
//! `THINGSPACE_SEED` draws others, and `THINGSPACE_CASES` says how many:
//!
//! ```sh
//! THINGSPACE_SEED=7 THINGSPACE_CASES=1000000 cargo test --release -p thingspace-core --test machine random
//! ```

use std::{fmt, panic};

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

use crate::world::{self, Act};

/// The settings of a test that draws so many cases.
pub fn config(cases: u32) -> ProptestConfig {
    let number = |name: &str| Some(std::env::var(name).ok()?.parse().unwrap());
    let cases = number("THINGSPACE_CASES").map_or(cases, |cases: u64| cases.try_into().unwrap());
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(number("THINGSPACE_SEED").unwrap_or_default()),
        ..ProptestConfig::default()
    }
}

/// A schedule that is shown as a test would have it, an act to a line.
#[derive(Clone)]
pub struct Script(pub Vec<Act>);

impl Script {
    pub fn any() -> impl Strategy<Value = Self> {
        let bytes = vec(any::<[u8; 3]>(), 1..120);
        bytes.prop_map(|acts| Self(Act::read_all(acts.as_flattened())))
    }

    fn is_lawful(&self) -> bool {
        panic::catch_unwind(|| world::run(&self.0)).is_ok()
    }

    /// The part of an unlawful script that it takes: nothing can be left out of it,
    /// neither one act nor two. (What one act is about depends on those before
    /// it, so that acts often go in pairs; proptest leaves out one at a time.)
    fn least(mut self) -> Self {
        let mut gap = 0;
        while gap < self.0.len() {
            let shorter = (0..self.0.len() - gap).map(|first| {
                let mut acts = self.0.clone();
                acts.remove(first + gap);
                if gap > 0 {
                    acts.remove(first);
                }
                Self(acts)
            });
            match shorter.into_iter().find(|script| !script.is_lawful()) {
                Some(script) => (self, gap) = (script, 0),
                None => gap += 1,
            }
        }
        self
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut acts = self.0.iter();
        acts.try_for_each(|act| writeln!(f, "    {act:?},"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_iters: 0,
        ..config(8000)
    })]

    #[test]
    fn the_laws_hold_under_any_schedule(script in Script::any()) {
        if !script.is_lawful() {
            let least = script.least();
            eprintln!("the schedule that breaks a law:\n{least:?}");
            world::run(&least.0);
        }
    }
}
