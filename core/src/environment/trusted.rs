//! Other places that may be given the tokens of a session, because the caller names
//! them.

use http::{HeaderName, Uri};

use super::{Environment, RequestError};

/// A place beside the environment that may be given a session's tokens: another product
/// that takes them. The calls that open, end or re-key a session are made to the
/// environment alone.
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

    /// Checks that a caller's request may go to `uri` with the tokens, as
    /// [`Environment::check_call`] does. The base may be less than the service's own, so
    /// that the `session_calls` stand deeper below it: they are kept off there too.
    pub(crate) fn check_call(
        &self,
        uri: &Uri,
        session_calls: &[Option<&str>],
    ) -> Result<(), RequestError> {
        self.base.check_rare_call(uri, session_calls)?;
        let below_api = [&[Some("api")], session_calls].concat();
        self.base.check_rare_call(uri, &below_api)
    }
}
