#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod forward;
mod headers;
mod listener;
mod local;
mod path;
mod probes;
mod problem;
mod proxy;
mod rules;
mod server;
mod writes;

pub use self::{
    listener::{Listener, ListenerError, SocketAccess},
    problem::ERROR_HEADER,
    proxy::{Proxy, ResetError, Resetting},
    rules::{CallPattern, PatternError, Rules},
    server::{Drained, Server},
};
pub use thingspace_hyper::{self, core};
