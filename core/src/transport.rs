//! The errors of what the machine asks of others: an HTTP stack and a store.

use std::{error::Error as StdError, fmt, sync::Arc};

use bytes::Bytes;
use http::Response;

/// The error of an HTTP stack that has no response to give, with what it knows of
/// the request.
///
/// The words of its source are written to logs: they must not hold a secret.
#[derive(Clone)]
pub struct TransportError {
    may_have_left: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    part: Option<Arc<Response<Bytes>>>,
}

impl TransportError {
    /// The request certainly did not leave: no byte of it was handed to a
    /// connection. Or as good as that: instead of a response, the service stated in
    /// the protocol's own words that it did not process the request (`REFUSED_STREAM`
    /// of HTTP/2). When in doubt, it is [`unknown`](Self::unknown): the kind of an I/O
    /// error proves nothing, since a connection in use has the same ones.
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            may_have_left: false,
            source: Some(Arc::from(source.into())),
            part: None,
        }
    }

    /// The request may have been executed; nobody knows.
    pub fn unknown(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            may_have_left: true,
            source: Some(Arc::from(source.into())),
            part: None,
        }
    }

    /// The response broke off: this part of it came. It may hold the only copy of a
    /// password.
    pub fn broken_off(
        part: Response<Bytes>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            part: Some(Arc::new(part)),
            ..Self::unknown(source)
        }
    }

    /// The error of a request, or of the driver that sent it, of which nothing
    /// was heard.
    pub(crate) const fn silence() -> Self {
        Self::remembered(true)
    }

    /// An error of which only this much is remembered.
    pub(crate) const fn remembered(may_have_left: bool) -> Self {
        Self {
            may_have_left,
            source: None,
            part: None,
        }
    }

    /// The part of the response that came before it broke off: its status, its headers
    /// and the beginning of its body.
    pub fn part(&self) -> Option<&Response<Bytes>> {
        self.part.as_deref()
    }

    /// Returns true if the request may have left.
    pub const fn may_have_left(&self) -> bool {
        self.may_have_left
    }
}

/// Shows the status of what came, and nothing else of it.
impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("may_have_left", &self.may_have_left)
            .field("source", &self.source)
            .field("part", &self.part().map(Response::status))
            .finish()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part.is_some() {
            return f.write_str("the response broke off");
        }
        f.write_str(match (self.may_have_left, &self.source) {
            (false, _) => "the HTTP stack could not send the request",
            (true, Some(_)) => "the HTTP stack sent the request and got no response",
            (true, None) => "nothing was heard of the request",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The error of a store that could not save or load.
#[derive(Clone, Debug)]
pub struct StoreError(Arc<dyn StdError + Send + Sync>);

impl StoreError {
    /// The error that has this source.
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store could not save or load")
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
