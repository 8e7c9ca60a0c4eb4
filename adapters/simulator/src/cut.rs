//! That a request gets no answer, or only a part of one.

use std::error::Error;
use std::fmt;

/// Over HTTP/1.1 it closes the connection, over HTTP/2 it resets the stream.
#[derive(Debug)]
pub(crate) enum Cut {
    /// By either side. hyper resets the stream with `INTERNAL_ERROR`.
    Broken,
    /// By the service, which has not begun with the request.
    Refused(h2::Error),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut")
    }
}

impl Error for Cut {
    /// hyper resets the stream with the reason that it finds here.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken => None,
            Self::Refused(reason) => Some(reason),
        }
    }
}
