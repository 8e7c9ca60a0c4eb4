//! The endpoints that open, keep and close the door: two of OAuth, three of
//! the session. All of one shape; a new call is a copy of it.

pub mod oauth;
pub mod session;

pub use oauth::{RequestBearerToken, RevokeBearerToken};
pub use session::{LogIn, LogOut, ResetPassword};

/// Where they are, under an environment's base.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    LogIn,
    LogOut,
    ResetPassword,
    RequestBearerToken,
    RevokeBearerToken,
}

impl Place {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 5] = [
        Self::LogIn,
        Self::LogOut,
        Self::ResetPassword,
        Self::RequestBearerToken,
        Self::RevokeBearerToken,
    ];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::LogIn => "/m2m/v1/session/login",
            Self::LogOut => "/m2m/v1/session/logout",
            Self::ResetPassword => "/m2m/v1/session/password/actions/reset",
            Self::RequestBearerToken => "/ts/v1/oauth2/token",
            Self::RevokeBearerToken => "/ts/v1/oauth2/revoke",
        }
    }
}
