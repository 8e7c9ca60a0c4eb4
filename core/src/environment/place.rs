//! The paths of the session's own calls.

/// A call of the session's own.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    LogIn,
    LogOut,
    ResetPassword,
    RequestBearerToken,
    RevokeBearerToken,
}

impl Place {
    /// Every place, in order.
    pub(super) const ALL: [Self; 5] = [
        Self::LogIn,
        Self::LogOut,
        Self::ResetPassword,
        Self::RequestBearerToken,
        Self::RevokeBearerToken,
    ];

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_stands_at_its_own_number() {
        for (number, place) in Place::ALL.into_iter().enumerate() {
            assert_eq!(place as usize, number);
        }
    }
}
