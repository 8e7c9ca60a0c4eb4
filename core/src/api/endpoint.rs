//! One call of the API: how its request is built and how its response is read.
//!
//! An [`Endpoint`] knows one call and nothing of sessions. It can be used alone,
//! with any HTTP stack: [`request`](Endpoint::request) builds,
//! [`parse`](Endpoint::parse) reads. With a session, it builds before the first
//! step of a [`Call`](crate::Call) and reads after the last one.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request, Response,
    header::{
        ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE, USER_AGENT,
    },
};

use super::{
    authorization::{Authorization, CallTokens},
    dead_session::DeadSession,
    error::Error,
};
use crate::{
    Environment,
    environment::RequestError,
    response::{InvalidResponse, Refusal, Unread},
};

/// The headers that only the sender of a request may set.
static FRAMING: [HeaderName; 7] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A call of the API: a request, and how its response is read.
///
/// The modules of [`api`](crate::api) have an endpoint for each call. For a call that they
/// do not have, write your own:
///
/// ```
/// use thingspace_core::{
///     CallOptions, Endpoint, Environment, InvalidResponse, RequestError, WithSession,
///     bytes::Bytes,
///     http::{Method, Request, Response},
///     read_json,
/// };
///
/// /// Reads what is known of a billing account.
/// struct AccountInformation<'a>(&'a str);
///
/// impl Endpoint for AccountInformation<'_> {
///     type Auth = WithSession;
///     type Output = serde_json::Value; // or a struct of your own that is Deserialize
///
///     fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
///         environment.request(Method::GET, &["m2m", "v1", "accounts", self.0], Bytes::new())
///     }
///
///     fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse> {
///         read_json(response)
///     }
///
///     fn options(&self) -> CallOptions {
///         CallOptions::idempotent()
///     }
/// }
/// # let request = AccountInformation("0000123456-00001").build(&Environment::mock())?;
/// # assert_eq!(request.uri(), "https://mock.thingspace.verizon.com/api/m2m/v1/accounts/0000123456-00001");
/// # Ok::<(), RequestError>(())
/// ```
///
/// For a single call, a plain `http::Request<Bytes>` is an endpoint too.
pub trait Endpoint: Sized {
    /// The authorization of the call: [`WithApp`](super::WithApp),
    /// [`WithBearer`](super::WithBearer) or [`WithSession`](super::WithSession).
    type Auth: Authorization;

    /// The value that a response of success holds.
    type Output;

    /// Builds the bare request at its full address, best with
    /// [`Environment::request`]. Leave out the tokens, `Accept`, `Content-Type` and the
    /// length: they are added later.
    ///
    /// Fails if a part of it can't be put into a request.
    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError>;

    /// Builds the same for a session, which completes an address that is a path alone: it
    /// remembers the last one, so that a call that is made again and again costs less.
    #[doc(hidden)]
    fn build_for_session(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        self.build(environment)
    }

    /// Reads a response of success.
    ///
    /// Fails if the response is invalid.
    fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse>;

    /// Returns the options by which the call is sent. By default it must not be executed
    /// twice.
    fn options(&self) -> CallOptions {
        CallOptions::once()
    }

    /// Builds the complete request, ready to be sent to the environment and
    /// nowhere else.
    ///
    /// Fails if the endpoint can't build it, or built one that does not go to
    /// the environment.
    fn request(
        self,
        environment: &Environment,
        tokens: <Self::Auth as Authorization>::Tokens<'_>,
    ) -> Result<Request<Bytes>, RequestError> {
        // In the place where it is wanted: a request is large to move.
        let mut built = self.build(environment);
        if let Ok(request) = &mut built {
            environment.check_origin(request.uri())?;
            complete(request, None);
            Self::Auth::authorize(tokens, request.headers_mut());
        }
        built
    }

    /// Reads any response to the call. Its status and headers stay beside the
    /// typed body.
    ///
    /// Fails with [`Error::Refused`] if the service refused the call. The status may even
    /// be one of success: then the body has the API's error code instead of the result.
    /// Fails with [`Error::Invalid`] if a response of success is invalid.
    fn parse(response: Response<Bytes>) -> Result<Response<Self::Output>, Error> {
        if !response.status().is_success() || Refusal::opens(response.body()) {
            return Err(refused(response));
        }
        match Self::read(&response) {
            Ok(output) => Ok(with_body(response, output)),
            Err(invalid) => Err(invalidated(invalid, response)),
        }
    }
}

// What follows knows no endpoint, so that a program has it once, however many it
// calls.

/// The response with its typed body: the same for all endpoints that return the same.
#[inline(never)]
fn with_body<T>(response: Response<Bytes>, output: T) -> Response<T> {
    response.map(|_| output)
}

/// The error of a response that is none of success.
#[cold]
#[inline(never)]
fn refused(response: Response<Bytes>) -> Error {
    Error::Refused(Box::new(Refusal::read(response)))
}

/// The error of a response of success that is invalid, or holds a refusal.
#[cold]
#[inline(never)]
fn invalidated(invalid: InvalidResponse, response: Response<Bytes>) -> Error {
    if Refusal::is_in(response.body()) {
        return refused(response);
    }
    Error::Invalid {
        invalid,
        response: Unread::new(response),
    }
}

/// The options by which a session sends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// True if doing it twice is the same as doing it once (RFC 9110 §9.2.2).
    /// Only then is it retried when its outcome is unknown.
    #[doc(alias = "retry")]
    #[doc(alias = "idempotency")]
    pub idempotent: bool,

    /// The tokens that it carries; both by default. A call to an endpoint carries those of
    /// its [`Endpoint::Auth`].
    pub tokens: CallTokens,

    /// The refusals that mean that the session is over. Codes with a `SessionToken` segment
    /// always mean it; these are further ones.
    /// [`DeadSession::DOCUMENTED`] by default. (It is a reference to a list, since that is
    /// half as large as a list, and every endpoint returns these options.)
    pub dead_session: &'static &'static [DeadSession],
}

impl CallOptions {
    /// The options of a call that must not be executed twice.
    pub const fn once() -> Self {
        Self {
            idempotent: false,
            tokens: CallTokens::Both,
            dead_session: &DeadSession::DOCUMENTED,
        }
    }

    /// The options of a call that may be executed twice.
    pub const fn idempotent() -> Self {
        Self {
            idempotent: true,
            ..Self::once()
        }
    }
}

/// A plain request as an endpoint, for any ThingSpace call. Its response is returned
/// unchanged.
///
/// The address may be only a path below the environment's base; it is completed when the
/// request is sent. The call counts as idempotent if its method is safe (GET, HEAD,
/// OPTIONS). Headers about the request's host and length are replaced by correct ones.
impl Endpoint for Request<Bytes> {
    type Auth = super::WithSession;
    type Output = Bytes;

    fn build(mut self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        if let Some(path) = Environment::path_alone(self.uri()) {
            *self.uri_mut() = environment.uri(path)?;
        }
        Ok(self)
    }

    fn build_for_session(self, _: &Environment) -> Result<Request<Bytes>, RequestError> {
        Ok(self)
    }

    fn read(response: &Response<Bytes>) -> Result<Bytes, InvalidResponse> {
        Ok(response.body().clone())
    }

    fn options(&self) -> CallOptions {
        CallOptions {
            idempotent: self.method().is_safe(),
            ..CallOptions::once()
        }
    }
}

/// Puts on what every request says, and takes off what only its sender may say: a
/// length or a host that is not true could smuggle a second request behind the
/// first.
pub(crate) fn complete(request: &mut Request<Bytes>, user_agent: Option<&HeaderValue>) {
    let bare = request.body().is_empty();
    let expects_body = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    let headers = request.headers_mut();
    // One look at the few names that there are is cheaper than asking for each.
    let (mut framing, mut accept, mut content_type, mut agent) = (false, false, false, false);
    for name in headers.keys() {
        framing |= FRAMING.contains(name);
        accept |= *name == ACCEPT;
        content_type |= *name == CONTENT_TYPE;
        agent |= *name == USER_AGENT;
    }
    if framing {
        for name in &FRAMING {
            headers.remove(name);
        }
    }
    if !accept {
        headers.insert(ACCEPT, JSON);
    }
    if let Some(user_agent) = user_agent.filter(|_| !agent) {
        headers.insert(USER_AGENT, user_agent.clone());
    }
    if bare && expects_body {
        // RFC 9110 §8.6: said although it is zero; some gateways answer 411 otherwise.
        headers.insert(CONTENT_LENGTH, const { HeaderValue::from_static("0") });
    } else if !bare && !content_type {
        headers.insert(CONTENT_TYPE, JSON);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BearerToken, SessionToken, api::WithSession};

    fn tokens() -> (BearerToken, SessionToken) {
        (
            BearerToken::new("b").unwrap(),
            SessionToken::new("s").unwrap(),
        )
    }

    fn complete(request: &Request<Bytes>) -> Result<Request<Bytes>, RequestError> {
        let (bearer, session) = tokens();
        request
            .clone()
            .request(&Environment::mock(), (&bearer, &session))
    }

    #[test]
    fn a_plain_request_goes_out_with_both_tokens() {
        let request = Request::get("/m2m/v1/devices?a=b")
            .body(Bytes::new())
            .unwrap();
        let sent = complete(&request).unwrap();
        assert_eq!(
            sent.uri(),
            "https://mock.thingspace.verizon.com/api/m2m/v1/devices?a=b"
        );
        assert_eq!(sent.headers()["authorization"], "Bearer b");
        assert_eq!(sent.headers()["vz-m2m-token"], "s");
        assert_eq!(sent.headers()["accept"], "application/json");
        assert_eq!(sent.headers().len(), 3);
    }

    #[test]
    fn a_post_without_a_body_says_so() {
        let sent = complete(&Request::post("/m2m/x").body(Bytes::new()).unwrap()).unwrap();
        assert_eq!(sent.headers()["content-length"], "0");
        assert!(!sent.headers().contains_key("content-type"));
    }

    #[test]
    fn a_request_keeps_its_own_headers_but_not_those_that_frame_it() {
        let request = Request::post("/m2m/x")
            .header("content-type", "text/plain")
            .header("accept", "text/csv")
            .header("x-mine", "1")
            .header("authorization", "Bearer other")
            .header("host", "evil.example")
            .header("content-length", "1")
            .header("transfer-encoding", "chunked")
            .body(Bytes::from_static(b"hello"))
            .unwrap();
        let sent = complete(&request).unwrap();
        let headers = sent.headers();
        assert_eq!(headers["content-type"], "text/plain");
        assert_eq!(headers["accept"], "text/csv");
        assert_eq!(headers["x-mine"], "1");
        assert_eq!(headers["authorization"], "Bearer b");
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn law_9_no_token_is_put_on_a_request_to_another_origin() {
        struct Astray;
        impl Endpoint for Astray {
            type Auth = WithSession;
            type Output = ();
            fn build(self, _: &Environment) -> Result<Request<Bytes>, RequestError> {
                Ok(Request::get("https://evil.example/api/m2m")
                    .body(Bytes::new())
                    .unwrap())
            }
            fn read(_: &Response<Bytes>) -> Result<(), InvalidResponse> {
                Ok(())
            }
        }
        let (bearer, session) = tokens();
        let sent = Astray.request(&Environment::mock(), (&bearer, &session));
        assert_eq!(sent.unwrap_err(), RequestError::Origin);
    }

    #[test]
    fn safe_methods_may_be_sent_twice_and_others_not() {
        for (method, idempotent) in [
            ("GET", true),
            ("HEAD", true),
            ("PUT", false),
            ("POST", false),
        ] {
            let request = Request::builder()
                .method(method)
                .body(Bytes::new())
                .unwrap();
            assert_eq!(request.options().idempotent, idempotent, "{method}");
        }
    }
}
