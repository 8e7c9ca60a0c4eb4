//! The error that ends a request without a whole response.

use std::error::Error;
use std::fmt;

/// The reason why a response is missing or cut short.
///
/// Over HTTP/1.1 it closes the connection, over HTTP/2 it resets the stream.
#[derive(Debug)]
pub(crate) enum Cut {
    /// Cut by either side. hyper resets the stream with `INTERNAL_ERROR`.
    Broken,
    /// Refused by the service, which states that it did not process the request.
    Refused(h2::Error),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut")
    }
}

impl Error for Cut {
    /// Returns the reason with which hyper resets the stream.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken => None,
            Self::Refused(reason) => Some(reason),
        }
    }
}
