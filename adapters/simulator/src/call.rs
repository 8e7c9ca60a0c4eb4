//! The calls that the simulator knows, by method and path: faults are queued
//! and requests are counted by these names.

use http::Method;

/// What a request asks for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `POST /ts/v1/oauth2/token`: a bearer token for the application's key
    /// and secret.
    BearerToken,
    /// `POST /ts/v1/oauth2/revoke`: the end of a bearer token.
    RevokeToken,
    /// `POST /m2m/v1/session/login`: a session token for a username and
    /// password.
    LogIn,
    /// `POST /m2m/v1/session/logout`: the end of a session.
    LogOut,
    /// `PUT /m2m/v1/session/password/actions/reset`: a new random password.
    ResetPassword,
    /// `GET /m2m/v1/accounts/{name}`: information about an account.
    Account,
    /// `POST /m2m/v1/devices/actions/list`: devices, a page at a time.
    Devices,
    /// Anything else, which the gateway has no resource for.
    Unknown,
}

impl Call {
    /// What `method` on `path` asks for, the base's own path taken off.
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

/// The account's name as it stands in the path of [`Call::Account`], not yet
/// percent-decoded.
pub(crate) fn account_in(path: &str) -> Option<&str> {
    path.strip_prefix("/m2m/v1/accounts/")
        .filter(|name| !name.is_empty() && !name.contains('/'))
}
