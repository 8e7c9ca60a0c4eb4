//! Tower's middleware around the HTTP stack of the async client: what each layer does to
//! a call, and why they are in this order.
//!
//! ```text
//! cargo run --example tower_middleware
//! ```
//!
//! There is no layer that retries or follows redirects. The machine retries what may be
//! sent twice, and counts each login before it is sent: it must know of every request.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use thingspace_hyper::{
    Builder, Stack,
    core::{AppCredentials, Call, Credentials, SessionBuilder, UserCredentials},
};
use thingspace_simulator::{Call as Kind, Fault, Server, Simulator};
use tower::{BoxError, Service, ServiceBuilder};

/// The number of requests that are in progress at a time.
const AT_ONCE: usize = 2;

/// The time that an exchange may take: less than `Settings::attempt_timeout`, which ends
/// it anyway.
const EXCHANGE: Duration = Duration::from_secs(2);

/// Builds the stack. A [`Stack`] is any service of requests with a whole body that can be
/// cloned and shared among threads. For a field of a struct, give it a type with a name:
/// `tower::util::BoxCloneSyncService`.
fn stack() -> impl Stack {
    let mut connector = HttpConnector::new(); // for the real service, wrap it in TLS
    // Less than the layer's timeout. A connection that can't be made proves that the
    // request was never sent; an exchange that takes too long proves nothing.
    connector.set_connect_timeout(Some(EXCHANGE / 2));
    ServiceBuilder::new()
        // Outermost, since this is where requests wait: a layer that is not ready has not
        // taken the request. If its time passes here, it was never sent.
        .concurrency_limit(AT_ONCE)
        // A rate limit can't be cloned, so it gets a queue. A request in a queue counts
        // as sent. The limit above keeps the queue so short that nothing waits there long.
        .buffer(AT_ONCE)
        .rate_limit(50, Duration::from_secs(1))
        // Inside, where each request is about to leave.
        .layer_fn(Logged)
        // Innermost: it measures the exchange alone. When it ends one, the outcome is
        // unknown, as for any error that is not known to come before the request.
        .timeout(EXCHANGE)
        .service(Client::builder(TokioExecutor::new()).build(connector))
}

/// A layer of one's own: it logs a request and its end. No header and no body, which
/// have the tokens and passwords.
#[derive(Clone)]
struct Logged<S>(S);

impl<S, B> Service<Request<Full<Bytes>>> for Logged<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let line = format!("{} {}", request.method(), request.uri().path());
        let response = self.0.call(request);
        Box::pin(async move {
            let result = response.await;
            match &result {
                Ok(response) => println!(" > {line}: {}", response.status()),
                // To know better than the client what became of a request, put a
                // `TransportError` among the causes of the error.
                Err(error) => println!(" > {line}: {error}"),
            }
            result
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(server.base().parse()?); // leave this out for production
    let client = Builder::new(session)
        .stack(stack(), TokioTimer::new(), TokioExecutor::new())
        .build()?;

    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    client.call(account.clone()).await?;
    println!("The account came through all layers.");

    // Two calls that have no response take both places. A third one waits for a place
    // until its deadline.
    server.with(|service| {
        service.inject(Kind::AddDevices, Fault::Hang);
        service.inject(Kind::AddDevices, Fault::Hang);
    });
    let add = Request::post("/m2m/v1/devices/actions/add").body(Bytes::from("{}"))?;
    let short = Call::to(account, client.environment())?;
    let short = short.with_deadline(client.now() + EXCHANGE / 4);
    let (first, second, third) = tokio::join!(
        client.call(add.clone()),
        client.call(add),
        client.run(short)
    );
    for error in [first.err(), second.err(), third.err()] {
        let error = error.ok_or("no error")?;
        println!("{}: {error}.", error.outcome());
    }

    client.log_out().await?;
    println!("Logged out.");
    Ok(())
}
