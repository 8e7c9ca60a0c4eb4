//! The commands: a file for each, with its arguments and its code.

mod call;
mod completions;
mod log_in;
mod log_out;
mod man;
mod reset_password;
mod simulate;
mod status;
mod unblock;

pub(crate) use self::{
    call::Call, completions::Completions, log_in::LogIn,
    log_out::LogOut, man::Man, reset_password::ResetPassword, simulate::Simulate, status::Status,
    unblock::Unblock,
};
