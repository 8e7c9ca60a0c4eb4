//! The simulated service on a port, with clients over HTTP/2 and TLS.
#![cfg(test)]

mod client;
mod http2;
#[cfg(feature = "tls")]
mod tls;
