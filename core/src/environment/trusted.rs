//! Other places that may be given the tokens of a session, because the caller names
//! them.

use http::{HeaderName, Uri};

use super::Environment;

/// A place beside the environment that may be given a session's tokens: another product
/// that takes them.
///
/// ```
/// use http::HeaderName;
/// use thingspace_core::{TrustedOrigin, session::Settings};
///
/// let mut settings = Settings::default();
/// settings.trusted_origins.push(TrustedOrigin::new(
///     "https://imp.thingspace.verizon.com/api".parse()?,
///     HeaderName::from_static("sessiontoken"),
/// ));
/// # Ok::<(), thingspace_core::EnvironmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedOrigin {
    base: Environment,
    pub(crate) session_header: HeaderName,
}

impl TrustedOrigin {
    /// Everything below this base: an https origin, with a path or without. The session
    /// token goes there in the header of this name.
    pub const fn new(base: Environment, session_header: HeaderName) -> Self {
        Self {
            base,
            session_header,
        }
    }

    /// Returns true if this address is below the base.
    pub(crate) fn has(&self, uri: &Uri) -> bool {
        self.base.check_origin(uri).is_ok()
    }
}
