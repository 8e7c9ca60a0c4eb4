//! What the listeners on hyper and on axum share: the [`Inbox`] that messages are saved
//! in, and a [ThingSpace](thingspace::play) that sends them some.

mod inbox;
pub mod thingspace;

use std::error::Error;

pub use self::inbox::Inbox;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;
