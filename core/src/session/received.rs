//! The result of a request, as far as every purpose takes it the same way.

use bytes::Bytes;
use http::Response;

use super::error::{Error, ErrorKind};
use crate::{
    Timestamp,
    response::{InvalidResponse, Problem, Refusal, Unread},
    transport::TransportError,
};

/// Reads the result of a request: a response of success, or the error that it
/// is.
pub(super) fn read(
    result: Result<Response<Bytes>, TransportError>,
    max_body: usize,
    now: Timestamp,
) -> Result<Response<Bytes>, Error> {
    let response = result.map_err(Error::transport_failed)?;
    let too_long = response.body().len() > max_body;
    if response.status().is_success() {
        if too_long {
            return Err(Error::new(ErrorKind::InvalidResponse {
                invalid: InvalidResponse::new("the body", Problem::TooLong(max_body)),
                response: Unread::new(response),
            }));
        }
        return Ok(response);
    }
    let refusal = if too_long {
        Refusal::unread(response)
    } else {
        Refusal::read(response)
    };
    Err(Error::new(if refusal.is_throttled() {
        ErrorKind::Throttled {
            retry_at: refusal.retry_after(now).unwrap_or(now),
            refusal,
        }
    } else {
        ErrorKind::Refused(refusal)
    }))
}

impl Error {
    /// The time at which the service asked to be called again.
    pub(super) fn requested_retry(&self, now: Timestamp) -> Option<Timestamp> {
        self.refusal()?.retry_after(now)
    }
}
