//! Placeholder tour.
mod time;

pub use time::Timestamp;
