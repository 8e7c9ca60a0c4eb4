//! The service's address, and the requests that may go there.
//!
//! Tokens go to one origin and nowhere else. An [`Environment`] is that origin,
//! checked when it is made. Every request is built from it, and checked against
//! it once more before a token is put on the request.

mod base;
mod path;
mod place;
mod request_error;
mod trusted;

pub(crate) use self::place::Place;
pub use self::{
    base::{Environment, EnvironmentError},
    request_error::RequestError,
    trusted::TrustedOrigin,
};
