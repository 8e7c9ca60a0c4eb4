//! The options of a bench that shows tables.

use std::env;

/// What was asked for: `-- PART... --rounds N record`.
pub(crate) struct Options {
    parts: Vec<String>,
    pub(crate) rounds: usize,
    /// True if the tables are written to README.md, too.
    pub(crate) records: bool,
}

impl Options {
    /// Reads the arguments; `None` if this is not run as a bench.
    pub(crate) fn of_bench(rounds: usize) -> Option<Self> {
        let mut options = Self {
            parts: Vec::new(),
            rounds,
            records: false,
        };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--bench" => is_bench = true,
                "record" => options.records = true,
                "--rounds" => {
                    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                    options.rounds = rounds.expect("give --rounds a number");
                }
                _ => options.parts.push(argument),
            }
        }
        is_bench.then_some(options)
    }

    /// Returns true if this part of all is asked for by its name, or none is.
    pub(crate) fn wants(&self, part: &str, all: &[&str]) -> bool {
        let is_one = |name: &String| all.contains(&&**name);
        !self.parts.iter().any(is_one) || self.parts.iter().any(|name| name == part)
    }
}
