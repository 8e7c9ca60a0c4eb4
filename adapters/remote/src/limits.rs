//! What a store may take of time.

use std::time::Duration;

/// The limits of a store on a server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The longest time that a load or a save may take, connecting included: 5 seconds
    /// unless said otherwise.
    pub access: Duration,
    /// The time after which a connection that nobody uses is closed: a minute unless said
    /// otherwise.
    pub idle: Duration,
    /// The interval at which a call that waits looks at the store, in case it was not told
    /// of a change: a second unless said otherwise.
    pub poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            access: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            poll: Duration::from_secs(1),
        }
    }
}
