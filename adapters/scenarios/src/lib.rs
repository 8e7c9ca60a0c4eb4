#![doc = include_str!("../README.md")]
// A scenario fails by a panic.
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
mod headers;
mod held;
mod limits;
mod list;
mod observers;
mod redirects;
mod reset;
mod session;
mod sharing;
mod stage;
mod tls;
mod traces;
mod transport;
mod watch;

pub use self::{
    client::{BoxedObserver, Client, Options},
    held::HeldRequest,
    list::scenarios,
    redirects::nobody_follows,
    stage::{
        Builder, ClientsTime, IDLE, LONG, MINUTE, Stage, account, connections_to, credentials,
        devices, server_that, settings, settings_with_short_timeouts,
    },
    watch::EventSender,
};
