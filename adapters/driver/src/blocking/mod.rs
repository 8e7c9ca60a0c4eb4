//! What a client needs whose HTTP stack blocks: each call is driven on the thread that
//! makes it.

mod client;

pub use self::client::Client;
pub use thingspace_core::session::Blocking;
