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
mod callbacks;
mod certificates;
mod client;
mod faults;
mod following;
mod gateway;
mod guard;
mod headers;
mod held;
mod keeper;
mod limits;
mod list;
mod network;
mod observers;
mod paging;
mod redirects;
mod register;
mod reset;
mod session;
mod sharing;
mod stage;
mod store;
mod time;
mod tls;
mod traces;
mod transport;
mod watch;

pub use self::{
    client::{BoxError, BoxedObserver, Client, Listing, Options, Waited},
    held::HeldRequest,
    list::scenarios,
    redirects::nobody_follows,
    register::Register,
    stage::{
        Builder, IDLE, LONG, MINUTE, Stage, account, connections_to, credentials, devices,
        server_that, settings, settings_with_short_timeouts, unused_address,
    },
    time::{ClientsTime, Impatience},
    tls::connections_resume_tls_sessions,
    watch::EventSender,
};
pub use thingspace_driver::Mailbox;
