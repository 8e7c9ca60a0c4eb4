//! Every call of Connectivity Management against the catalogue: the request as it is
//! documented, and read back by parsers of somebody else's, whatever a caller puts in;
//! the documented response, and all that may have become of it on its way.

#![cfg(test)]
#![cfg(feature = "connectivity")]

mod account_requests;
mod accounts;
mod callbacks;
mod device_groups;
mod device_history;
mod device_labels;
mod device_orders;
mod device_profiles;
mod device_service;
mod devices;
mod euicc_profiles;
mod pages;
mod reachability;
mod service_plans;
mod sms;
mod stage;
