//! The API: endpoints, and the calls that open, keep and end a session.
//!
//! Two calls of OAuth, three of the session, all of one shape; a new call is a
//! copy of it. The room knows nothing of sessions.

mod authorization;
mod dead_session;
mod endpoint;
mod error;
pub mod oauth;
pub mod session;
mod stand_in;

pub(crate) use self::endpoint::complete;
pub use self::{
    authorization::{
        Authorization, CREDENTIAL_HEADERS, CallTokens, OfSession, WithApp, WithBearer, WithSession,
    },
    dead_session::DeadSession,
    endpoint::{CallOptions, Endpoint},
    error::Error,
    oauth::{RequestBearerToken, RevokeBearerToken},
    session::{LogIn, LogOut, ResetPassword},
};
pub use crate::environment::OwnCall;
