#![cfg_attr(feature = "serve", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "serve"),
    doc = "A Verizon ThingSpace in memory: see [`Simulator`]."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod bearer;
#[cfg(feature = "serve")]
mod body;
mod call;
#[cfg(feature = "serve")]
mod connection;
mod connectivity;
mod counts;
#[cfg(feature = "serve")]
mod cut;
#[cfg(feature = "serve")]
mod deliver;
mod fault;
mod form;
mod input;
mod outage;
mod refusal;
mod reply;
mod route;
mod routes;
#[cfg(feature = "serve")]
mod server;
mod service;
mod session;
#[cfg(feature = "serve")]
mod shared;
mod simulator;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "serve")]
mod tracker;

pub use call::Call;
pub use connectivity::{CallbackFault, Delivery};
pub use counts::Counts;
pub use fault::Fault;
pub use form::Form;
pub use outage::Part;
pub use reply::Reply;
#[cfg(feature = "serve")]
pub use server::Server;
pub use simulator::Simulator;
