//! What a caller states of a call that the endpoint does not: twice is the same as once.

use bytes::Bytes;
use http::{Request, Response};

use super::{
    authorization::Authorization,
    endpoint::{CallOptions, Endpoint},
    error::Error,
};
use crate::{Environment, environment::RequestError, response::InvalidResponse};

/// An endpoint, or a plain request, whose call changes nothing more if it is executed
/// twice: so it is retried when its outcome is unknown.
///
/// For a POST that only searches, and for one that carries a key by which the service
/// knows it again. The service is not asked: whoever writes it must know.
///
/// ```
/// use thingspace_core::{Endpoint, Idempotent, bytes::Bytes, http::Request};
///
/// let list = Request::post("/m2m/v1/devices/actions/list").body(Bytes::from_static(b"{}"))?;
/// assert!(!list.options().idempotent);
/// // client.call(Idempotent(list))
/// assert!(Idempotent(list).options().idempotent);
/// # Ok::<(), thingspace_core::http::Error>(())
/// ```
#[doc(alias = "retry")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotent<E>(pub E);

impl<E: Endpoint> Endpoint for Idempotent<E> {
    type Auth = E::Auth;
    type Output = E::Output;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        self.0.build(environment)
    }

    fn build_for_session(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        self.0.build_for_session(environment)
    }

    fn request(
        self,
        environment: &Environment,
        tokens: <Self::Auth as Authorization>::Tokens<'_>,
    ) -> Result<Request<Bytes>, RequestError> {
        self.0.request(environment, tokens)
    }

    fn read(response: &Response<Bytes>) -> Result<Self::Output, InvalidResponse> {
        E::read(response)
    }

    fn parse(response: Response<Bytes>) -> Result<Response<Self::Output>, Error> {
        E::parse(response)
    }

    fn options(&self) -> CallOptions {
        CallOptions {
            idempotent: true,
            ..self.0.options()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CallTokens, DeadSession, WithBearer};

    static DEAD: &[DeadSession] = &[];

    /// A search with options of its own.
    #[derive(Clone, Copy)]
    struct Search;

    impl Endpoint for Search {
        type Auth = WithBearer;
        type Output = usize;

        fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
            environment.request(http::Method::POST, &["search"], Bytes::new())
        }

        fn read(response: &Response<Bytes>) -> Result<usize, InvalidResponse> {
            Ok(response.body().len())
        }

        fn options(&self) -> CallOptions {
            CallOptions {
                tokens: CallTokens::Bearer,
                dead_session: &DEAD,
                ..CallOptions::once()
            }
        }
    }

    #[test]
    fn the_statement_changes_nothing_else_of_an_endpoint() {
        let stated = Idempotent(Search).options();
        assert!(stated.idempotent && !Search.options().idempotent);
        assert_eq!(
            CallOptions {
                idempotent: false,
                ..stated
            },
            Search.options()
        );

        let mock = Environment::mock();
        let built = Idempotent(Search).build(&mock).unwrap();
        assert_eq!(built.uri(), Search.build(&mock).unwrap().uri());
        let response = Response::new(Bytes::from_static(b"four"));
        let read = Idempotent::<Search>::parse(response).unwrap();
        assert_eq!(read.into_body(), 4);
    }
}
