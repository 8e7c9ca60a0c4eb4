#![doc = include_str!("../README.md")]
// A scenario says what it expects by failing.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

mod alone;
mod certificates;
mod client;
mod faults;
mod guard;
mod held;
mod limits;
mod list;
mod observers;
mod redirects;
mod session;
mod sharing;
mod stage;
mod tls;
mod traces;
mod transport;

pub use self::{
    client::{Client, Options, Watcher},
    held::HeldLogin,
    list::scenarios,
    redirects::nobody_follows,
    stage::{
        Builder, IDLE, LONG, MINUTE, Stage, account, connections_to, credentials, devices,
        impatient, server_that, settings,
    },
};
