//! Free ports of this machine.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// The ports below those that the system gives to connections, one of which might
/// otherwise get the port of a server that is down for a moment.
const FIRST: u32 = 10_000;
const COUNT: u32 = 22_000;

/// Returns an address on the loopback interface with a port that nobody listens on, and
/// that this process has not had before.
pub(crate) fn free() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin far from each other.
    let start = process::id().wrapping_mul(7_919);
    for _ in 0..COUNT {
        let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + number).expect("a port");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free");
}
