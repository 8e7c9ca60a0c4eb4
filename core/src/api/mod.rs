//! The calls of ThingSpace: how each request is built, and how its response is read.
//!
//! Without a feature, these are two calls of OAuth and three of the session. All calls
//! have one shape, the [`Endpoint`]; to add a call, copy one. Nothing here knows of a
//! [`Session`](crate::Session).
//!
//! With the feature `connectivity` there are also all other calls of Connectivity
//! Management, in a module for each of Verizon's groups. Each of them is a
//! `ConnectivityCall`. A call whose response may be one page of several is `Paged`. A call
//! that takes a limited number of devices is `Batched`.
//!
//! Verizon's names for the calls are in the [guide](crate::guide::sdk_names).

#[cfg(feature = "connectivity")]
#[doc(alias = "AccountRequestsController")]
pub mod account_requests;
#[cfg(feature = "connectivity")]
#[doc(alias = "AccountsController")]
pub mod accounts;
mod authorization;
#[cfg(feature = "connectivity")]
mod batches;
#[cfg(feature = "connectivity")]
#[doc(alias = "ConnectivityCallbacksController")]
pub mod callbacks;
#[cfg(feature = "connectivity")]
mod connectivity;
mod dead_session;
#[cfg(feature = "connectivity")]
#[doc(alias = "DeviceGroupsController")]
pub mod device_groups;
#[cfg(feature = "connectivity")]
pub mod device_history;
#[cfg(feature = "connectivity")]
pub mod device_labels;
#[cfg(feature = "connectivity")]
pub mod device_orders;
#[cfg(feature = "connectivity")]
#[doc(alias = "DeviceProfileManagementController")]
pub mod device_profiles;
#[cfg(feature = "connectivity")]
pub mod device_service;
#[cfg(feature = "connectivity")]
#[doc(alias = "DeviceManagementController")]
pub mod devices;
mod endpoint;
mod error;
#[cfg(feature = "connectivity")]
#[doc(alias = "EUICCDeviceProfileManagementController")]
pub mod euicc_profiles;
mod idempotent;
mod json_body;
pub mod oauth;
#[cfg(feature = "connectivity")]
mod paging;
#[cfg(feature = "connectivity")]
#[doc(alias = "DeviceDiagnosticsController")]
#[doc(alias = "DeviceMonitoringController")]
pub mod reachability;
#[cfg(feature = "connectivity")]
#[doc(alias = "ServicePlansController")]
pub mod service_plans;
#[doc(alias = "SessionController")]
#[doc(alias = "SessionManagementController")]
pub mod session;
#[cfg(feature = "connectivity")]
#[doc(alias = "SMSController")]
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
