#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod api;
#[cfg(feature = "connectivity")]
pub mod asynchronous;
#[cfg(feature = "connectivity")]
pub mod callback;
mod credentials;
mod environment;
#[cfg(doc)]
pub mod guide;
#[cfg(feature = "connectivity")]
pub mod model;
pub mod response;
pub mod session;
mod time;
mod token;
mod transport;
pub mod variables;

pub use self::{
    api::{CallOptions, Endpoint, Idempotent, WithSession, json_body, read_json},
    credentials::{AppCredentials, Credentials, CredentialsError, Password, UserCredentials},
    environment::{Environment, EnvironmentError, RequestError, TrustedOrigin},
    response::{ErrorCode, InvalidResponse, Refusal},
    session::{
        Call, Completion, Error, ErrorKind, Outcome, Session, SessionBuilder, SharedStep, Step,
    },
    time::Timestamp,
    token::{BearerToken, MAX_TOKEN_LENGTH, SessionToken, TokenError},
    transport::{StoreError, TransportError},
};
// In the signatures of this crate: a caller needs no dependency of their own.
pub use bytes;
pub use http;
