//! What a client needs whose HTTP stack blocks: each call is driven on the thread that
//! makes it.

mod client;
#[cfg(feature = "connectivity")]
mod paging;

pub use self::client::Client;
#[cfg(feature = "connectivity")]
pub use self::paging::Items;
pub use thingspace_core::session::Blocking;
