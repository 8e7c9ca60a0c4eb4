//! The error of a response: what it can say, whoever reads it.

use bytes::Bytes;
use http::Response;

use crate::response::{InvalidResponse, Refusal, Unread};

/// The reason why a response is not what was asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service refused the call.
    #[error("the call was refused: {0}")]
    Refused(Box<Refusal>),

    /// The service accepted the call with an invalid response.
    #[non_exhaustive]
    #[error("the response is invalid: {invalid}")]
    Invalid {
        /// The part that is invalid.
        invalid: InvalidResponse,
        /// The whole response, with whatever it holds.
        response: Unread,
    },
}

impl Error {
    /// The refusal, if the service refused.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Invalid { .. } => None,
        }
    }

    /// The whole response as it came.
    pub const fn response(&self) -> &Response<Bytes> {
        match self {
            Self::Refused(refusal) => refusal.response(),
            Self::Invalid { response, .. } => response.response(),
        }
    }
}
