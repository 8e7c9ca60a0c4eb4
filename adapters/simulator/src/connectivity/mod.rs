//! Connectivity Management: accounts and all that is in them.

pub(crate) mod accounts;
pub(crate) mod activation;
mod ask;
pub(crate) mod changes;
mod date;
mod device;
pub(crate) mod diagnostics;
mod fleet;
pub(crate) mod groups;
pub(crate) mod histories;
pub(crate) mod inventory;
pub(crate) mod labels;
pub(crate) mod listeners;
pub(crate) mod models;
mod outbox;
mod pages;
pub(crate) mod profiles;
pub(crate) mod reports;
mod requests;
pub(crate) mod schema;
mod selection;
pub(crate) mod sms;
mod state;
pub(crate) mod uploads;

pub(crate) use ask::{Ask, Served};
pub use outbox::{CallbackFault, Delivery};
pub(crate) use state::Connectivity;

/// Executes a request for one call, or refuses it.
pub(crate) type Handler = fn(&mut Connectivity, &Ask) -> Served;
