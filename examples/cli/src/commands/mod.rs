//! The commands: a file for each, with its arguments and its code.

mod call;
mod check;
mod completions;
mod forget;
mod log_in;
mod log_out;
mod man;
mod proxy;
mod reset_password;
mod simulate;
mod status;
mod tokens;
mod unblock;

pub(crate) use self::{
    call::Call, check::Check, completions::Completions, forget::Forget, log_in::LogIn,
    log_out::LogOut, man::Man, proxy::Proxy, reset_password::ResetPassword, simulate::Simulate,
    status::Status, tokens::Tokens, unblock::Unblock,
};
