//! What a client needs whose HTTP stack blocks: each call is driven on the thread that
//! makes it.

mod client;
mod store;

pub use self::{client::Client, store::Blocking};
