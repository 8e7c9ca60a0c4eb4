#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// A law that is broken is a panic.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

mod absence;
mod age;
mod conflicts;
mod damage;
mod drops;
mod list;
mod loss;
mod place;
#[cfg(unix)]
mod saved_file;
mod saving;
mod secrets;
mod sessions;
mod snapshots;
mod stage;
mod waiting;
mod waking;

#[cfg(unix)]
pub use self::saved_file::SavedFile;
#[doc(hidden)]
pub use self::stage::set_patience;
pub use self::{
    list::laws,
    place::{Can, Frozen, Held, Opened, Place},
};
