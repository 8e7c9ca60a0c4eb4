#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
pub mod api;
mod credentials;
pub mod endpoint;
mod environment;
mod error;
pub mod refusal;
pub mod session;
mod time;
mod token;

pub use self::{
    answer::{Malformed, Problem},
    credentials::{AppCredentials, Credentials, CredentialsError, Password, UserCredentials},
    endpoint::Endpoint,
    environment::{Environment, EnvironmentError},
    error::{Answer, Error, Fate, RequestError, StoreError, TransportError},
    refusal::{ErrorCode, Refusal},
    session::{Call, Session, Step},
    time::Timestamp,
    token::{BearerToken, MAX_TOKEN_LENGTH, SessionToken, TokenError},
};
