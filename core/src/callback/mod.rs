//! Callbacks: what ThingSpace sends to a listener of the caller's, read without I/O.
//!
//! The outcome of most actions on devices comes as a POST to an address that was
//! registered for the service. Its body names the user name and password that were
//! registered, and nothing else shows who sent it.

mod message;

pub use self::message::{CallbackMessage, FaultResponse};
