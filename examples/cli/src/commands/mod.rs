//! The commands: a file for each, with its arguments and what it does.

mod call;
mod completions;
mod log_in;
mod log_out;
mod man;
mod rearm;
mod reset_password;
mod simulate;
mod status;

pub(crate) use self::{
    call::Call, completions::Completions, log_in::LogIn, log_out::LogOut, man::Man, rearm::Rearm,
    reset_password::ResetPassword, simulate::Simulate, status::Status,
};
