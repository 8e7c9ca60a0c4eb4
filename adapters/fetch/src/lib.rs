//! A ThingSpace client in WebAssembly, for wherever there is `fetch`.
//!
//! The module imports nothing. What happened goes in as JSON, with the time: a call
//! that begins, a response, the word of a store. What is to be done comes out as JSON:
//! send this, load, save, this call has ended, come back then. So a [`Host`] is a pure
//! function of what it was told, and `thingspace.js` beside this crate only does what it
//! says. Each instance of the module holds one client.
//!
//! ```text
//!   thingspace.js                                     this crate
//!   call, response, failure,      ── input, JSON ──▶   Host ─▶ the core's Session
//!   loaded, saved, woken, given up                      │
//!   fetch, store, timer, promises ◀── output, JSON ──   ▼  and its Calls
//! ```

pub mod abi;
mod client;
mod clock;
mod config;
mod failure;
mod host;
mod http_json;
mod json;
mod redact;
mod table;
mod value;
mod words;

pub use self::host::{Host, Output};
#[doc(hidden)]
pub use self::value::read_snapshot;
