//! One call: a typed request, and how its answer is read.
//!
//! An [`Endpoint`] knows one call of the API and nothing of sessions. It can be
//! used alone, with any HTTP stack: [`request`](Endpoint::request) builds,
//! [`parse`](Endpoint::parse) reads. Given to a [`Call`](crate::session::Call),
//! it gets its tokens from a session that is kept alive.
//!
//! A call that this crate does not have is ten lines:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use thingspace_core::{Endpoint, Environment, Malformed, RequestError, endpoint::WithSession};
//!
//! /// What is known of a billing account.
//! struct AccountInformation<'a>(&'a str);
//!
//! impl Endpoint for AccountInformation<'_> {
//!     type Auth = WithSession;
//!     type Output = serde_json::Value; // or a struct of your own that is Deserialize
//!
//!     fn build(&self, at: &Environment) -> Result<Request<Bytes>, RequestError> {
//!         let uri = at.uri_of(&["m2m", "v1", "accounts", self.0])?;
//!         Request::get(uri).body(Bytes::new()).map_err(|_| RequestError::Part("address"))
//!     }
//!
//!     fn read(answer: &Response<Bytes>) -> Result<Self::Output, Malformed> {
//!         Ok(serde_json::from_slice(answer.body())?)
//!     }
//!
//!     fn is_idempotent(&self) -> bool {
//!         true
//!     }
//! }
//! # let request = AccountInformation("0000123456-00001").build(&Environment::mock())?;
//! # assert_eq!(request.uri(), "https://mock.thingspace.verizon.com/api/m2m/v1/accounts/0000123456-00001");
//! # Ok::<(), RequestError>(())
//! ```

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response,
    header::{
        ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};

use crate::{
    AppCredentials, BearerToken, Environment, Error, Malformed, Refusal, RequestError, SessionToken,
};

/// The header that carries the session token.
pub(crate) const VZ_M2M_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");

/// What only the one who sends a request may say.
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

/// A typed request and how its answer is read.
pub trait Endpoint {
    /// What the call is authorised by: [`WithApp`], [`WithBearer`] or
    /// [`WithSession`].
    type Auth: Auth;

    /// What a success gives.
    type Output;

    /// The bare request at its full address, best made with
    /// [`Environment::uri`] or [`Environment::uri_of`]. Tokens, `Accept`,
    /// `Content-Type` and the length are put on it by others.
    fn build(&self, environment: &Environment) -> Result<Request<Bytes>, RequestError>;

    /// Reads a success answer.
    fn read(answer: &Response<Bytes>) -> Result<Self::Output, Malformed>;

    /// Whether doing it twice is the same as doing it once (RFC 9110 §9.2.2).
    /// Only then is it sent again when nobody knows what became of it.
    fn is_idempotent(&self) -> bool {
        false
    }

    /// The complete request, ready to be sent to the environment and nowhere
    /// else.
    ///
    /// Fails if the endpoint can't build it, or built one that does not go to
    /// the environment.
    fn request(
        &self,
        environment: &Environment,
        proof: <Self::Auth as Auth>::Proof<'_>,
    ) -> Result<Request<Bytes>, RequestError> {
        // In the place where it is wanted: a request is large to move.
        let mut built = self.build(environment);
        if let Ok(request) = &mut built {
            environment.admit(request.uri())?;
            complete(request);
            Self::Auth::stamp(proof, request.headers_mut());
        }
        built
    }

    /// Reads any answer to the call. Its status and headers stay beside the
    /// typed body.
    ///
    /// Fails with [`Error::Refused`] if the service refused, and with
    /// [`Error::Malformed`] if a success makes no sense.
    fn parse(answer: Response<Bytes>) -> Result<Response<Self::Output>, Error> {
        if !answer.status().is_success() {
            return Err(Error::Refused(Box::new(Refusal::read(answer))));
        }
        match Self::read(&answer) {
            Ok(output) => {
                let (parts, _) = answer.into_parts();
                Ok(Response::from_parts(parts, output))
            }
            Err(malformed) => Err(Error::malformed(malformed, answer)),
        }
    }
}

/// Any ThingSpace call, from the first day: a plain request, whose answer is
/// given as it came.
///
/// Its address may be a mere path under the environment's base. It is taken to
/// be idempotent if its method is safe (GET, HEAD, OPTIONS). Headers that say
/// where it goes or how long it is are replaced by true ones.
impl Endpoint for Request<Bytes> {
    type Auth = WithSession;
    type Output = Bytes;

    fn build(&self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let mut request = Request::new(self.body().clone());
        *request.method_mut() = self.method().clone();
        *request.uri_mut() = environment.resolve(self.uri())?;
        *request.version_mut() = self.version();
        *request.headers_mut() = self.headers().clone();
        *request.extensions_mut() = self.extensions().clone();
        Ok(request)
    }

    fn read(answer: &Response<Bytes>) -> Result<Bytes, Malformed> {
        Ok(answer.body().clone())
    }

    fn is_idempotent(&self) -> bool {
        self.method().is_safe()
    }
}

/// What a call is authorised by. A token of the wrong kind does not compile.
pub trait Auth: sealed::Sealed {
    /// What proves it.
    type Proof<'a>: Copy;

    /// Puts the proof on a request: a copy of a ready-made header value for each
    /// token, in the place of any that is there.
    fn stamp(proof: Self::Proof<'_>, headers: &mut HeaderMap);
}

/// Authorised by the application's key and secret: the OAuth endpoints.
#[derive(Clone, Copy, Debug)]
pub enum WithApp {}

impl Auth for WithApp {
    type Proof<'a> = &'a AppCredentials;

    fn stamp(app: Self::Proof<'_>, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, app.authorization());
    }
}

/// Authorised by the bearer token alone: the login.
#[derive(Clone, Copy, Debug)]
pub enum WithBearer {}

impl Auth for WithBearer {
    type Proof<'a> = &'a BearerToken;

    fn stamp(bearer: Self::Proof<'_>, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, bearer.authorization());
    }
}

/// Authorised by both tokens: everything under `/m2m` but the login.
#[derive(Clone, Copy, Debug)]
pub enum WithSession {}

impl Auth for WithSession {
    type Proof<'a> = (&'a BearerToken, &'a SessionToken);

    fn stamp((bearer, session): Self::Proof<'_>, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, bearer.authorization());
        headers.insert(VZ_M2M_TOKEN, session.header());
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::WithApp {}
    impl Sealed for super::WithBearer {}
    impl Sealed for super::WithSession {}
}

/// Puts on what every request says, and takes off what only the one who sends
/// it may say: a length or a host that is not true could smuggle a second
/// request behind the first.
fn complete(request: &mut Request<Bytes>) {
    let bare = request.body().is_empty();
    let expects_body = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    let headers = request.headers_mut();
    // One look at the few names that there are is cheaper than asking for each.
    let (mut framing, mut accept, mut content_type) = (false, false, false);
    for name in headers.keys() {
        framing |= FRAMING.contains(name);
        accept |= *name == ACCEPT;
        content_type |= *name == CONTENT_TYPE;
    }
    if framing {
        for name in &FRAMING {
            headers.remove(name);
        }
    }
    if !accept {
        headers.insert(ACCEPT, JSON);
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

    fn proof() -> (BearerToken, SessionToken) {
        (
            BearerToken::new("b").unwrap(),
            SessionToken::new("s").unwrap(),
        )
    }

    fn complete(request: &Request<Bytes>) -> Result<Request<Bytes>, RequestError> {
        let (bearer, session) = proof();
        request.request(&Environment::mock(), (&bearer, &session))
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
            fn build(&self, _: &Environment) -> Result<Request<Bytes>, RequestError> {
                Ok(Request::get("https://evil.example/api/m2m")
                    .body(Bytes::new())
                    .unwrap())
            }
            fn read(_: &Response<Bytes>) -> Result<(), Malformed> {
                Ok(())
            }
        }
        let (bearer, session) = proof();
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
            assert_eq!(request.is_idempotent(), idempotent, "{method}");
        }
    }
}
