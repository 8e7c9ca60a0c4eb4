use bytes::Bytes;
use http::{Method, Request, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Endpoint, Environment, Error, InvalidResponse, RequestError,
    Session, Step, Timestamp, UserCredentials, WithSession,
};

/// One of many endpoints: a type and a path of its own.
struct Nth<const N: usize>;

impl<const N: usize> Nth<N> {
    const DIGITS: [u8; 2] = [b'0' + (N / 10) as u8, b'0' + (N % 10) as u8];
    const NAME: &'static str = match std::str::from_utf8(&Self::DIGITS) {
        Ok(name) => name,
        Err(_) => panic!(),
    };
}

impl<const N: usize> Endpoint for Nth<N> {
    type Auth = WithSession;
    type Output = Bytes;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        environment.request(Method::GET, &["m2m", "v1", Self::NAME], Bytes::new())
    }

    fn read(response: &Response<Bytes>) -> Result<Bytes, InvalidResponse> {
        Ok(response.body().clone())
    }
}

fn main() -> Result<(), Error> {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let session = &mut Session::new(Environment::production(), Credentials::new(app, user), 0);
    call(session, Nth::<0>)?;
    Ok(())
}

/// Calls an endpoint, as a client does: all that knows its type is here.
fn call<E: Endpoint<Auth = WithSession>>(
    session: &mut Session,
    endpoint: E,
) -> Result<Response<E::Output>, Error> {
    let call = Call::to(endpoint, session.environment());
    E::parse(drive(session, call)?).map_err(Error::from)
}

/// Drives a call to its end, if it could be built, with a service that accepts
/// everything.
#[inline(never)]
fn drive(
    session: &mut Session,
    call: Result<Call, RequestError>,
) -> Result<Response<Bytes>, Error> {
    let now = Timestamp::from_millis(1_700_000_000_000);
    let mut call = call?;
    loop {
        match call.step(session, now) {
            Step::Send(transmit) => {
                let body = br#"{"access_token":"b","sessionToken":"s"}"#;
                let response = Response::new(Bytes::from_static(body));
                call.receive(session, now, transmit.attempt, Ok(response));
            }
            step @ Step::Wait(_) => unreachable!("{step:?}"),
            Step::Done(result) => return result?.into_response(),
        }
    }
}
