//! The calls of a session's own: their methods and paths.

use http::Method;

/// A call that opens, ends or re-keys a session, or is about its bearer token. A session
/// makes these itself.
///
/// For programs that stand between others and the service: they recognise such a call by
/// its [path](Self::at), and do not pass it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnCall {
    /// Opens a session.
    LogIn,
    /// Ends a session.
    LogOut,
    /// Resets the password.
    ResetPassword,
    /// Asks for a bearer token.
    RequestBearerToken,
    /// Ends a bearer token.
    RevokeBearerToken,
}

/// The path to which Verizon's Python SDK 2.0.0 sends the token request of its second
/// scheme (seen in its source; what the service makes of it is not known).
const SECOND_TOKEN_PATH: &str = "/ts/v1";

impl OwnCall {
    /// Every call, in order.
    pub(super) const ALL: [Self; 5] = [
        Self::LogIn,
        Self::LogOut,
        Self::ResetPassword,
        Self::RequestBearerToken,
        Self::RevokeBearerToken,
    ];

    /// The call at a path below the base, as "/m2m/v1/session/login"; `None` if there is
    /// none. The path is decoded. Its case does not matter, nor a slash at its end.
    pub fn at(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.eq_ignore_ascii_case(SECOND_TOKEN_PATH) {
            return Some(Self::RequestBearerToken);
        }
        Self::ALL
            .into_iter()
            .find(|call| path.eq_ignore_ascii_case(call.path()))
    }

    /// The path under an environment's base.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::LogIn => "/m2m/v1/session/login",
            Self::LogOut => "/m2m/v1/session/logout",
            Self::ResetPassword => "/m2m/v1/session/password/actions/reset",
            Self::RequestBearerToken => "/ts/v1/oauth2/token",
            Self::RevokeBearerToken => "/ts/v1/oauth2/revoke",
        }
    }

    /// The method.
    pub const fn method(self) -> Method {
        match self {
            Self::ResetPassword => Method::PUT,
            Self::LogIn | Self::LogOut | Self::RequestBearerToken | Self::RevokeBearerToken => {
                Method::POST
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_stands_at_its_own_number() {
        for (number, call) in OwnCall::ALL.into_iter().enumerate() {
            assert_eq!(call as usize, number);
        }
    }

    #[test]
    fn a_call_is_known_by_its_path() {
        for call in OwnCall::ALL {
            let path = call.path();
            for path in [path.to_owned(), path.to_uppercase(), format!("{path}/")] {
                assert_eq!(OwnCall::at(&path), Some(call));
            }
        }
        assert_eq!(OwnCall::at("/ts/v1/"), Some(OwnCall::RequestBearerToken));
        for path in [
            "",
            "/",
            "/m2m/v1/session",
            "/m2m/v1/session/login/x",
            "/ts/v2",
        ] {
            assert_eq!(OwnCall::at(path), None, "{path}");
        }
    }
}
