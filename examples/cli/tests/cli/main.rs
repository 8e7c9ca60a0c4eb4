//! The program itself, against the simulator on a loopback port: its output, its
//! exit code and the files that it leaves behind.

#![cfg(test)]

#[path = "../../build.rs"]
#[allow(dead_code, reason = "cargo runs the rest of it")]
mod build;
mod call;
mod check;
mod credentials;
mod crowd;
mod deadline;
mod forget;
mod help;
mod killed;
mod log_in_out;
mod pasted;
mod proxy;
mod proxy_reset;
mod reset;
mod roots;
mod simulate;
mod stage;
mod state;
mod status;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod stepped;
mod store;
#[cfg(feature = "tools")]
mod terminal;
mod tokens;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod traced;
mod unblock;
mod verbose;
mod version;
mod waits;
