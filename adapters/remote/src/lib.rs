#![doc = include_str!("../README.md")]

mod changes;
mod error;
mod server;
mod store;
mod tls;
mod worker;

pub use self::{
    changes::Changes,
    error::{Problem, RemoteError},
    server::{BoxError, Connection, Record, Save, Server},
    store::{Limits, RemoteStore},
    tls::trusting,
};
