//! The result of a request, as far as every purpose takes it the same way.

use bytes::Bytes;
use http::Response;

use super::{
    error::{Error, ErrorKind},
    machine::Session,
};
use crate::{
    BearerToken, Password, SessionToken, Timestamp,
    response::{InvalidResponse, Problem, Refusal, Unread},
    transport::TransportError,
};

impl Session {
    /// Reads the result of a request: a response of success, or the error that it
    /// is.
    ///
    /// A code that tells a secret of the session's is shown and saved by nobody: here a
    /// refusal enters.
    pub(super) fn read(
        &self,
        result: Result<Response<Bytes>, TransportError>,
        now: Timestamp,
    ) -> Result<Response<Bytes>, Error> {
        let max_body = self.settings.max_body;
        let response = result.map_err(Error::transport_failed)?;
        let too_long = response.body().len() > max_body;
        if response.status().is_success() {
            if too_long {
                return Err(Error::new(ErrorKind::InvalidResponse {
                    invalid: InvalidResponse::new("the body", Problem::TooLong(max_body)),
                    response: Unread::new(response),
                }));
            }
            if !Refusal::opens(response.body()) {
                return Ok(response);
            }
        }
        let refusal = if too_long {
            Refusal::unread(response)
        } else {
            Refusal::read(response)
        };
        let refusal = self.censored(refusal);
        Err(Error::new(if refusal.is_throttled() {
            ErrorKind::Throttled {
                retry_at: refusal.retry_after(now).unwrap_or(now),
                refusal,
            }
        } else {
            ErrorKind::Refused(refusal)
        }))
    }

    /// The refusal in a response, for whoever reports it; `None` if nothing was refused. It
    /// shows no code that tells a secret of the session's.
    pub fn refusal_in(&self, response: &Response<Bytes>) -> Option<Refusal> {
        if response.status().is_success() && !Refusal::opens(response.body()) {
            return None;
        }
        let read = self.read(Ok(response.clone()), Timestamp::default());
        read.err()?.refusal().cloned()
    }

    /// Takes the secrets of the session's out of what is shown and saved of a refusal.
    pub(super) fn censored(&self, refusal: Refusal) -> Refusal {
        refusal.censored(|text| self.is_told_a_secret(text))
    }

    /// Returns true if a text tells a secret: the password, a new one, the application's
    /// secret or a token.
    fn is_told_a_secret(&self, text: &str) -> bool {
        let password = self.credentials.password().map(Password::expose);
        let new = self.new_password().map(|new| new.password().expose());
        let bearer = self.bearer_token().map(BearerToken::expose);
        let session = self.session_token().map(SessionToken::expose);
        let app = &self.credentials.app;
        [password, new, bearer, session]
            .into_iter()
            .flatten()
            .any(|secret| tells(text, secret))
            || app.with_secret(|secret, header| tells(text, secret) || tells(text, header))
    }
}

impl Error {
    /// The time at which the service asked to be called again.
    pub(super) fn requested_retry(&self, now: Timestamp) -> Option<Timestamp> {
        self.refusal()?.retry_after(now)
    }
}

/// The length from which a secret is looked for anywhere in a text, in bytes (our
/// choice). A shorter one stands in many a code by chance, where it tells nobody
/// anything: it must be the whole text, or all that stands between two dots.
const SHORTEST_WITHIN: usize = 4;

/// Returns true if a text tells a secret, in any case.
fn tells(text: &str, secret: &str) -> bool {
    if secret.len() < SHORTEST_WITHIN {
        return text
            .split('.')
            .chain([text])
            .any(|part| !secret.is_empty() && part.eq_ignore_ascii_case(secret));
    }
    text.as_bytes()
        .windows(secret.len())
        .any(|part| part.eq_ignore_ascii_case(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_10_a_text_tells_a_secret_that_it_holds_but_for_letters_that_stand_anywhere() {
        let code = "S.INPUT_INVALID.Password.IMgr8";
        for secret in ["IMgr8", "imgr8", "Password.IM", code, "WORD"] {
            assert!(tells(code, secret), "{secret}");
        }
        for secret in ["", "a", "or", "IMg", "IMgr88", "S.INPUT INVALID"] {
            assert!(!tells(code, secret), "{secret}");
        }
        for (code, secret) in [("a", "a"), ("S.REQUEST_FAILED.a", "A"), ("abc", "abc")] {
            assert!(tells(code, secret), "{secret}");
        }
    }
}
