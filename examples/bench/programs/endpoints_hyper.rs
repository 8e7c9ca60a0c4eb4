use bytes::Bytes;
use http::{Method, Request, Response};
use thingspace_hyper::{
    Builder, Client,
    core::{
        AppCredentials, Credentials, Endpoint, Environment, Error, InvalidResponse, RequestError,
        UserCredentials, WithSession,
    },
};
use tokio::runtime::{self, Runtime};

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
    let runtime = &runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let client = &Builder::new(Credentials::new(app, user))
        .build()
        .unwrap();
    call(runtime, client, Nth::<0>)?;
    Ok(())
}

/// Calls an endpoint: all that knows its type is here. The future is boxed, as it is
/// where tasks are spawned.
fn call<E: Endpoint<Auth = WithSession> + 'static>(
    runtime: &Runtime,
    client: &Client<thingspace_hyper::Pooled>,
    endpoint: E,
) -> Result<Response<E::Output>, Error> {
    let future: std::pin::Pin<Box<dyn Future<Output = _> + Send + '_>> =
        Box::pin(client.call(endpoint));
    runtime.block_on(future)
}
