//! The time and the allocations of each work, by hand and by the library:
//!
//! ```text
//! cargo bench -p thingspace-bench --bench micro
//! cargo bench -p thingspace-bench --bench micro -- --test    # does each once
//! ```
//!
//! It fails if a request that is made by hand is not the same, byte for byte.
//!
//! Times say little on a machine that does other things too; rely on `counts`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod works;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use http::Request;

use crate::works::{
    BEARER, CALL, LOG_IN, LOG_OUT, RESET, WORKS, Work, by_hand as hand, by_thingspace as ours,
};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    same(LOG_IN, hand::log_in_request(), ours::log_in_request());
    same(LOG_OUT, hand::log_out_request(), ours::log_out_request());
    same(RESET, hand::reset_request(), ours::reset_request());
    same(BEARER, hand::bearer_request(), ours::bearer_request());
    same(CALL, hand::call_request(), ours::call_request());
    let mut session = ours::open_session();
    same(CALL, hand::call_request_with_user_agent(), || {
        let mut call = ours::call_to(ours::account(), &session);
        ours::send(&mut call, &mut session).request
    });
    divan::main();
}

/// Checks that both make the same request.
fn same(
    work: &str,
    mut by_hand: impl FnMut() -> Request<Bytes>,
    mut ours: impl FnMut() -> Request<Bytes>,
) {
    assert_eq!(wire(&by_hand()), wire(&ours()), "{work}");
}

/// The bytes of a request on the wire, but for those that every HTTP stack adds.
fn wire(request: &Request<Bytes>) -> Vec<u8> {
    let mut wire = format!("{} {}\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        wire.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    wire.extend_from_slice(request.body());
    wire
}

#[divan::bench(args = WORKS)]
fn work(bencher: Bencher<'_, '_>, work: &Work) {
    bencher.bench_local(work.prepare());
}
