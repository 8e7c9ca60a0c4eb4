//! The core over reqwest, without an adapter: all the code that an HTTP stack needs.
//!
//! ```text
//! cargo run -p thingspace-example-reqwest --example reqwest
//! ```
//!
//! For the real service, add reqwest's feature `rustls`.

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::{redirect, retry};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Session, Step, Timestamp, TransportError,
    UserCredentials, session::Transmit,
};
use thingspace_simulator::{Server, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let credentials = Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    );
    // The source of the backoffs' jitter, and of the names of logins: a different one in
    // each process, so that clients that failed together do not retry together.
    let seed = RandomState::new().hash_one(());
    let mut session = Session::new(server.base().parse()?, credentials, seed);

    let stack = reqwest::Client::builder()
        // Tokens go to the configured origin only.
        .redirect(redirect::Policy::none())
        // The session counts each request, and retries what may be retried.
        .retry(retry::never())
        // Shorter than the deadline of a request: if no connection can be made, this
        // timeout proves that the request was never sent.
        .connect_timeout(Duration::from_secs(10))
        .build()?;

    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    let call = Call::to(account, session.environment())?;
    let response = drive(&stack, &mut session, call).await?.into_response()?;
    println!("The account: {} bytes.", response.body().len());
    drive(&stack, &mut session, Call::log_out()).await?;
    println!("Logged out.");
    Ok(())
}

/// Drives a call to its end.
///
/// To share a session among tasks, lock it for each step. Send a request with
/// `attempt.operation()` on a task of its own, and give its result to
/// `Session::receive`: a login then goes on if its call is dropped.
async fn drive(
    stack: &reqwest::Client,
    session: &mut Session,
    mut call: Call,
) -> Result<Completion, thingspace_core::Error> {
    loop {
        match call.step(session, now()) {
            Step::Send(transmit) => {
                let request = &transmit.request;
                println!(" > {} {}", request.method(), request.uri());
                let attempt = transmit.attempt;
                let result = send(stack, transmit).await;
                call.receive(session, now(), attempt, result.map_err(classify));
            }
            Step::Wait(wait) => tokio::time::sleep(wait.until.since(now())).await,
            Step::Done(result) => return result,
        }
    }
}

/// Sends one request, and reads its response up to the core's limit.
async fn send(
    stack: &reqwest::Client,
    transmit: Transmit,
) -> Result<Response<Bytes>, reqwest::Error> {
    let mut request: reqwest::Request = transmit.request.try_into()?;
    *request.timeout_mut() = Some(transmit.deadline.since(now()));
    let mut received = stack.execute(request).await?;
    let mut body = BytesMut::new();
    while let Some(chunk) = received.chunk().await? {
        let room = transmit.read_limit - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == transmit.read_limit {
            break;
        }
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = received.status();
    *response.headers_mut() = std::mem::take(received.headers_mut());
    Ok(response)
}

/// Converts an error. Without a connection the request was never sent. In all other
/// cases its outcome is unknown.
fn classify(error: reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::not_sent(error)
    } else {
        TransportError::unknown(error)
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
