//! The clock.

use std::time::SystemTime;

use thingspace_ureq::core::Timestamp;

/// The time by the system's clock.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
