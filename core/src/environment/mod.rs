//! The service's address, and the requests that may go there.
//!
//! Tokens go to one origin and nowhere else. An [`Environment`] is that origin,
//! checked when it is made. Every request is built from it, and checked against
//! it once more before a token is put on the request.

mod base;
mod own_call;
mod path;
mod request_error;
mod trusted;

pub use self::{
    base::{Environment, EnvironmentError},
    own_call::OwnCall,
    request_error::RequestError,
    trusted::TrustedOrigin,
};
