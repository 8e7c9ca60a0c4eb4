//! Responses of the service, read without trusting them.
//!
//! A response may be anything: JSON of another shape than documented, a proxy's
//! error page, ten megabytes of nothing. All of it is read here, under one rule:
//! no error, `Debug` or `Display` repeats what a response holds, since that may
//! be a token or the only copy of a password.
//!
//! - A success that can't be read is an [`InvalidResponse`].
//! - Anything else is a [`Refusal`], with its [`Shape`] and its [`ErrorCode`].

mod body;
mod code;
mod invalid;
mod json;
mod mended;
mod refusal;
mod retry_after;
mod xml;

#[cfg(feature = "connectivity")]
pub(crate) use self::json::value;
pub use self::{
    body::Unread,
    code::{Class, ErrorCode, MAX_CODE_LENGTH},
    invalid::{InvalidResponse, Problem},
    refusal::{Fault, OAuthError, Refusal, RestErrorResponse, Shape},
};
pub(crate) use self::{
    json::{Field, is_blank, json, without_mark},
    mended::UNREADABLE,
};
