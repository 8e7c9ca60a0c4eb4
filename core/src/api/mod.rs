//! The API: endpoints, and the calls that open, keep and end a session.
//!
//! Two calls of OAuth, three of the session, all of one shape; a new call is a
//! copy of it. The room knows nothing of sessions.
//!
//! With the feature `connectivity` there are all other calls of Connectivity Management,
//! too: one file for each of Verizon's groups. Each is a `ConnectivityCall`; those whose
//! response may be one page of several are `Paged`, and those that take so many devices in
//! one request are `Batched`.

#[cfg(feature = "connectivity")]
pub mod account_requests;
#[cfg(feature = "connectivity")]
pub mod accounts;
mod authorization;
#[cfg(feature = "connectivity")]
mod batches;
#[cfg(feature = "connectivity")]
pub mod callbacks;
#[cfg(feature = "connectivity")]
mod connectivity;
mod dead_session;
#[cfg(feature = "connectivity")]
pub mod device_groups;
#[cfg(feature = "connectivity")]
pub mod device_history;
#[cfg(feature = "connectivity")]
pub mod device_labels;
#[cfg(feature = "connectivity")]
pub mod device_orders;
#[cfg(feature = "connectivity")]
pub mod device_profiles;
#[cfg(feature = "connectivity")]
pub mod device_service;
#[cfg(feature = "connectivity")]
pub mod devices;
mod endpoint;
mod error;
#[cfg(feature = "connectivity")]
pub mod euicc_profiles;
mod idempotent;
mod json_body;
pub mod oauth;
#[cfg(feature = "connectivity")]
mod paging;
#[cfg(feature = "connectivity")]
pub mod reachability;
#[cfg(feature = "connectivity")]
pub mod service_plans;
pub mod session;
#[cfg(feature = "connectivity")]
pub mod sms;
mod stand_in;

pub(crate) use self::endpoint::complete;
pub use self::{
    authorization::{
        Authorization, CREDENTIAL_HEADERS, CallTokens, OfSession, WithApp, WithBearer, WithSession,
    },
    dead_session::DeadSession,
    endpoint::{CallOptions, Endpoint},
    error::Error,
    idempotent::Idempotent,
    json_body::{json_body, read_json},
    oauth::{RequestBearerToken, RevokeBearerToken},
    session::{LogIn, LogOut, ResetPassword},
};
#[cfg(feature = "connectivity")]
pub use self::{
    batches::Batched,
    connectivity::{ConnectivityCall, Route},
    paging::{Paged, Pages},
};
pub use crate::environment::OwnCall;
