#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod changes;
mod error;
mod limits;
mod server;
mod store;
mod tls;
mod worker;

pub use self::{
    changes::Changes,
    error::{Problem, RemoteError},
    limits::Limits,
    server::{BoxError, Connection, Record, Save, Server},
    store::RemoteStore,
    tls::trusting,
};
