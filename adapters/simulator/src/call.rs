//! The calls that the simulator knows, by method and path. Faults are queued
//! and requests are counted by call.

use http::Method;

/// The kind of a request.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `POST /ts/v1/oauth2/token`: returns a bearer token for the
    /// application's key and secret.
    BearerToken,
    /// `POST /ts/v1/oauth2/revoke`: revokes a bearer token.
    RevokeToken,
    /// `POST /m2m/v1/session/login`: returns a session token for a username
    /// and password.
    LogIn,
    /// `POST /m2m/v1/session/logout`: ends a session.
    LogOut,
    /// `PUT /m2m/v1/session/password/actions/reset`: returns a new random
    /// password.
    ResetPassword,
    /// `GET /m2m/v1/accounts/{name}`: returns information about an account.
    Account,
    /// `POST /m2m/v1/devices/actions/list`: lists devices, a page at a
    /// time.
    Devices,
    /// Anything else. The gateway has no resource for it.
    Unknown,
}

impl Call {
    /// Returns the call with this method and path. `path` is without the prefix
    /// of the base.
    pub(crate) fn at(method: &Method, path: &str) -> Self {
        match (method.as_str(), path) {
            ("POST", "/ts/v1/oauth2/token") => Self::BearerToken,
            ("POST", "/ts/v1/oauth2/revoke") => Self::RevokeToken,
            ("POST", "/m2m/v1/session/login") => Self::LogIn,
            ("POST", "/m2m/v1/session/logout") => Self::LogOut,
            ("PUT", "/m2m/v1/session/password/actions/reset") => Self::ResetPassword,
            ("POST", "/m2m/v1/devices/actions/list") => Self::Devices,
            ("GET", path) if account_in(path).is_some() => Self::Account,
            _ => Self::Unknown,
        }
    }
}

/// Returns the account's name in the path of [`Call::Account`], still
/// percent-encoded.
pub(crate) fn account_in(path: &str) -> Option<&str> {
    path.strip_prefix("/m2m/v1/accounts/")
        .filter(|name| !name.is_empty() && !name.contains('/'))
}
