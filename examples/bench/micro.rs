//! How long each work takes and what it allocates, by hand and by the library:
//!
//! ```text
//! cargo bench -p thingspace-bench --bench micro
//! ```
//!
//! Times say little on a machine that does other things too; `counts` says what
//! can be relied on.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod works;

use divan::{AllocProfiler, Bencher};

use crate::works::{WORKS, Work};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = WORKS)]
fn work(bencher: Bencher<'_, '_>, work: &Work) {
    bencher.bench_local(work.prepare());
}
