//! The authorization of a call: which tokens go on its request.

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};

use crate::{AppCredentials, BearerToken, SessionToken};

/// The header that carries the session token.
const VZ_M2M_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");

/// The headers that carry a session's tokens to the service. A program that stands between
/// others and the service takes theirs off.
#[allow(clippy::declare_interior_mutable_const, reason = "it never changes")]
pub const CREDENTIAL_HEADERS: [HeaderName; 2] = [AUTHORIZATION, VZ_M2M_TOKEN];

/// The authorization of a call. Tokens of the wrong kind do not compile.
pub trait Authorization: sealed::Sealed {
    /// The tokens that it takes.
    type Tokens<'a>: Copy;

    /// Puts the tokens on a request: a copy of a ready-made header value for
    /// each, in the place of any that is there.
    fn authorize(tokens: Self::Tokens<'_>, headers: &mut HeaderMap);
}

/// Authorization by the application's key and secret: the OAuth endpoints.
#[derive(Clone, Copy, Debug)]
pub enum WithApp {}

impl Authorization for WithApp {
    type Tokens<'a> = &'a AppCredentials;

    fn authorize(app: Self::Tokens<'_>, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, app.authorization());
    }
}

/// Authorization by the bearer token alone: the login.
#[derive(Clone, Copy, Debug)]
pub enum WithBearer {}

impl Authorization for WithBearer {
    type Tokens<'a> = &'a BearerToken;

    fn authorize(bearer: Self::Tokens<'_>, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, bearer.authorization());
    }
}

/// Authorization by both tokens: everything under `/m2m` but the login.
#[derive(Clone, Copy, Debug)]
pub enum WithSession {}

impl Authorization for WithSession {
    type Tokens<'a> = (&'a BearerToken, &'a SessionToken);

    fn authorize((bearer, session): Self::Tokens<'_>, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, bearer.authorization());
        headers.insert(VZ_M2M_TOKEN, session.header());
    }
}

/// Authorization by tokens that a session has: what a [`Call`](crate::Call) may carry.
pub trait OfSession: Authorization {
    /// The tokens that it takes.
    const TOKENS: CallTokens;
}

impl OfSession for WithBearer {
    const TOKENS: CallTokens = CallTokens::Bearer;
}

impl OfSession for WithSession {
    const TOKENS: CallTokens = CallTokens::Both;
}

/// The tokens that a call carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallTokens {
    /// The bearer token and the session token: Connectivity Management.
    #[default]
    Both,
    /// The bearer token alone: 5G Edge and others. No login is made for it, so an
    /// application's credentials are enough.
    Bearer,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::WithApp {}
    impl Sealed for super::WithBearer {}
    impl Sealed for super::WithSession {}
}
