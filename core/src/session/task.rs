//! What a call can be for: any endpoint under `/m2m`, or one of the three
//! things that a session does for itself.

use bytes::Bytes;
use http::{Request, Response, Uri};

use super::{FlightKind, Session};
use crate::{
    BearerToken, Endpoint, Error, Password, RequestError, SessionToken, StoreError,
    api::{LogOut, ResetPassword},
    endpoint::WithSession,
};

/// Where the calls are that open, end or re-key a session, in whatever version.
const SESSION_CALLS: &[Option<&str>] = &[Some("m2m"), None, Some("session")];

/// What a [`Call`](super::Call) can be for. Every [`Endpoint`] that is
/// authorised by a session is one, a plain `http::Request<Bytes>` included; the
/// others are [`OpenSession`], [`EndSession`] and [`ChangePassword`].
pub trait Task: sealed::Sealed {
    /// What it gives.
    type Output;

    /// The flight that it is, if only one call at a time may do it.
    #[doc(hidden)]
    const FLIGHT: Option<FlightKind> = None;

    /// Whether it is tried again after a failure that may pass.
    #[doc(hidden)]
    const REPEATS: bool = true;

    /// Whether trying it again is right even if it may have been carried out.
    #[doc(hidden)]
    fn may_be_done_twice(&self) -> bool;

    /// What it gives without anything being sent, `open` being the session that
    /// is open.
    #[doc(hidden)]
    fn settled(&self, _open: Option<&SessionToken>) -> Option<Self::Output> {
        None
    }

    /// Whether the request may be sent at all.
    #[doc(hidden)]
    fn check(&self, _session: &Session) -> Result<(), RequestError> {
        Ok(())
    }

    /// The request, with both tokens.
    #[doc(hidden)]
    fn outgoing(
        &self,
        session: &Session,
        proof: (&BearerToken, &SessionToken),
    ) -> Result<Request<Bytes>, RequestError>;

    /// Reads a success, and lets the session know of it.
    #[doc(hidden)]
    fn succeeded(
        &self,
        session: &mut Session,
        sent: Sent,
        answer: Response<Bytes>,
    ) -> Result<Self::Output, Error>;

    /// What the failure of a flight that it needed means for it: that it was
    /// not sent.
    #[doc(hidden)]
    fn because(&self, prerequisite: FlightKind, error: Error) -> Error {
        Error::because(prerequisite, error)
    }

    /// Lets the session know of a failure that ends the call.
    #[doc(hidden)]
    fn failed(_session: &mut Session, _sent: Sent, error: Error) -> Error {
        error
    }
}

/// What a task's request was sent with.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The generation of its session token.
    pub(super) session: u64,
    /// Which flight it was; 0 if it was none.
    pub(super) flight: u64,
    /// Whether nothing newer has happened to the session's credentials.
    pub(super) fresh: bool,
}

mod sealed {
    pub trait Sealed {}
    impl<E: super::Endpoint<Auth = super::WithSession>> Sealed for E {}
    impl Sealed for super::OpenSession {}
    impl Sealed for super::EndSession {}
    impl Sealed for super::ChangePassword {}
    impl<K> Sealed for super::ChangePasswordKept<K> {}
}

impl<E: Endpoint<Auth = WithSession>> Task for E {
    type Output = Response<E::Output>;

    fn may_be_done_twice(&self) -> bool {
        self.is_idempotent()
    }

    fn check(&self, session: &Session) -> Result<(), RequestError> {
        let request = self.build(&session.environment)?;
        session.environment.admit(request.uri())?;
        spare_session_calls(session, request.uri())
    }

    fn outgoing(
        &self,
        session: &Session,
        proof: (&BearerToken, &SessionToken),
    ) -> Result<Request<Bytes>, RequestError> {
        let request = Endpoint::request(self, &session.environment, proof)?;
        spare_session_calls(session, request.uri())?;
        Ok(request)
    }

    fn succeeded(
        &self,
        _session: &mut Session,
        _sent: Sent,
        answer: Response<Bytes>,
    ) -> Result<Self::Output, Error> {
        E::parse(answer)
    }
}

/// Keeps a caller's own request off the session's own calls, which would open, end
/// or re-key the session behind its guard.
fn spare_session_calls(session: &Session, uri: &Uri) -> Result<(), RequestError> {
    if session.environment.leads_to(uri, SESSION_CALLS) {
        return Err(RequestError::SessionCall);
    }
    Ok(())
}

/// Opens a session, unless one is open. Gives its token.
#[doc(alias = "login_using_post")]
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenSession;

impl Task for OpenSession {
    type Output = SessionToken;

    fn may_be_done_twice(&self) -> bool {
        true
    }

    fn settled(&self, open: Option<&SessionToken>) -> Option<SessionToken> {
        open.cloned()
    }

    /// The login is what was asked for, and everything else a part of it.
    fn because(&self, _prerequisite: FlightKind, error: Error) -> Error {
        error
    }

    /// It has none of its own: once the tokens are there, it is settled.
    fn outgoing(
        &self,
        _session: &Session,
        _proof: (&BearerToken, &SessionToken),
    ) -> Result<Request<Bytes>, RequestError> {
        Err(RequestError::SessionCall)
    }

    fn succeeded(
        &self,
        _session: &mut Session,
        _sent: Sent,
        _answer: Response<Bytes>,
    ) -> Result<SessionToken, Error> {
        Err(Error::Over)
    }
}

/// Ends the session. Gives the token that was ended; `None` if no session was
/// open, which is no error.
#[doc(alias = "logout_using_post")]
#[derive(Clone, Copy, Debug, Default)]
pub struct EndSession;

impl Task for EndSession {
    type Output = Option<SessionToken>;

    const FLIGHT: Option<FlightKind> = Some(FlightKind::LogOut);

    fn may_be_done_twice(&self) -> bool {
        true
    }

    fn settled(&self, open: Option<&SessionToken>) -> Option<Self::Output> {
        open.is_none().then_some(None)
    }

    fn outgoing(
        &self,
        session: &Session,
        proof: (&BearerToken, &SessionToken),
    ) -> Result<Request<Bytes>, RequestError> {
        LogOut.request(&session.environment, proof)
    }

    fn succeeded(
        &self,
        session: &mut Session,
        sent: Sent,
        answer: Response<Bytes>,
    ) -> Result<Self::Output, Error> {
        let confirmed = LogOut::parse(answer)?.into_body().session_token;
        let ended = session.open_of(sent.session).map(|open| open.token.clone());
        session.logged_out(sent.session);
        Ok(confirmed.or(ended))
    }
}

/// Resets the password to a random one, which the session uses from then on.
/// Gives the new password, of which this is the only copy: keep it.
///
/// It is sent once. If the answer is lost, the call ends with
/// [`Error::PasswordUnknown`] and no login is made until the caller decides.
#[doc(alias = "reset_using_put")]
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangePassword;

impl ChangePassword {
    /// The same, but the new password is given to `keep` first, before anybody
    /// is told that it has changed: a crash at any point leaves it kept, or the
    /// login guard closed. If other processes change the session meanwhile,
    /// `keep` is given it again.
    ///
    /// If `keep` fails, so does the call, with [`Error::PasswordNotKept`].
    pub const fn kept_by<K>(keep: K) -> ChangePasswordKept<K>
    where
        K: Fn(&Password) -> Result<(), StoreError>,
    {
        ChangePasswordKept(keep)
    }
}

impl Task for ChangePassword {
    type Output = Password;

    const FLIGHT: Option<FlightKind> = Some(FlightKind::PasswordReset);
    const REPEATS: bool = false;

    fn may_be_done_twice(&self) -> bool {
        false
    }

    fn outgoing(
        &self,
        session: &Session,
        proof: (&BearerToken, &SessionToken),
    ) -> Result<Request<Bytes>, RequestError> {
        let old = session.credentials.user.password();
        ResetPassword::new(old).request(&session.environment, proof)
    }

    fn succeeded(
        &self,
        session: &mut Session,
        sent: Sent,
        answer: Response<Bytes>,
    ) -> Result<Password, Error> {
        Self::kept_by(|_| Ok(())).succeeded(session, sent, answer)
    }

    fn failed(session: &mut Session, sent: Sent, error: Error) -> Error {
        match error {
            error if error.is_fate_unknown() => {
                if sent.fresh {
                    session.password_unknown(sent.flight);
                }
                Error::PasswordUnknown(Box::new(error))
            }
            Error::Refused(refusal) | Error::Throttled { refusal, .. }
                if refusal.names_credentials() && sent.fresh =>
            {
                session.credentials_refused(refusal)
            }
            error => error,
        }
    }
}

/// Resets the password, and has the new one kept before anything else: what
/// [`ChangePassword::kept_by`] gives.
#[derive(Clone, Copy)]
pub struct ChangePasswordKept<K>(K);

impl<K: Fn(&Password) -> Result<(), StoreError>> Task for ChangePasswordKept<K> {
    type Output = Password;

    const FLIGHT: Option<FlightKind> = ChangePassword::FLIGHT;
    const REPEATS: bool = ChangePassword::REPEATS;

    fn may_be_done_twice(&self) -> bool {
        ChangePassword.may_be_done_twice()
    }

    fn outgoing(
        &self,
        session: &Session,
        proof: (&BearerToken, &SessionToken),
    ) -> Result<Request<Bytes>, RequestError> {
        ChangePassword.outgoing(session, proof)
    }

    fn succeeded(
        &self,
        session: &mut Session,
        sent: Sent,
        answer: Response<Bytes>,
    ) -> Result<Password, Error> {
        let new = match ResetPassword::parse(answer) {
            Ok(answer) => answer.into_body().new_password,
            Err(error) => return Err(Self::failed(session, sent, error)),
        };
        let kept = (self.0)(&new);
        let of_this_user = sent.fresh || session.memory.guard.is_in_doubt_of(sent.flight);
        if of_this_user {
            session.password_changed(new.clone());
        }
        match kept {
            Ok(()) => Ok(new),
            Err(source) => {
                if of_this_user {
                    session.password_unknown(sent.flight);
                }
                Err(Error::PasswordNotKept {
                    password: new,
                    source,
                })
            }
        }
    }

    fn failed(session: &mut Session, sent: Sent, error: Error) -> Error {
        ChangePassword::failed(session, sent, error)
    }
}
