//! The errors of what the machine asks of others: an HTTP stack and a store.

use std::{error::Error as StdError, fmt, sync::Arc};

/// The error of an HTTP stack that has no response to give, with what it knows of
/// the request.
#[derive(Clone, Debug)]
pub struct TransportError {
    may_have_left: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// The request certainly did not leave: no byte of it was handed to a
    /// connection. When in doubt, it is [`unknown`](Self::unknown).
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            may_have_left: false,
            source: Some(Arc::from(source.into())),
        }
    }

    /// The request may have been executed; nobody knows.
    pub fn unknown(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            may_have_left: true,
            source: Some(Arc::from(source.into())),
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
        }
    }

    /// Returns true if the request may have left.
    pub const fn may_have_left(&self) -> bool {
        self.may_have_left
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
