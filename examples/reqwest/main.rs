//! The core over reqwest, without an adapter: what plugging in an HTTP stack
//! takes.
//!
//! ```text
//! cargo run -p thingspace-example-reqwest --example reqwest
//! ```
//!
//! For the real service, add reqwest's feature `rustls`.

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::{redirect, retry};
use thingspace_core::{
    AppCredentials, Call, Credentials, Session, Step, Timestamp, TransportError, UserCredentials,
    session::{EndSession, Task, Transmit},
};
use thingspace_simulator::{Server, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let credentials = Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    );
    // For the jitter of pauses: a different one in each process, so that many that
    // failed together do not come back together.
    let seed = 42;
    let mut session = Session::new(server.base().parse()?, credentials, seed);

    let stack = reqwest::Client::builder()
        // Tokens go to one place.
        .redirect(redirect::Policy::none())
        // The session counts every request, and repeats what may be repeated.
        .retry(retry::never())
        // Shorter than a request may take in all, so that a network that
        // swallows everything is known to have swallowed it before it was sent.
        .connect_timeout(Duration::from_secs(10))
        .build()?;

    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    let answer = drive(&stack, &mut session, Call::new(account)).await?;
    println!("The account: {} bytes.", answer.body().len());
    drive(&stack, &mut session, Call::new(EndSession)).await?;
    println!("Logged out.");
    Ok(())
}

/// Sees a call through. To share a session among tasks, lock it for every step,
/// and `abandon` a call that is dropped half-way.
async fn drive<T: Task>(
    stack: &reqwest::Client,
    session: &mut Session,
    mut call: Call<T>,
) -> Result<T::Output, thingspace_core::Error> {
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

/// Sends one request, and reads no more of its answer than the core wants.
async fn send(
    stack: &reqwest::Client,
    transmit: Transmit,
) -> Result<Response<Bytes>, reqwest::Error> {
    let mut request: reqwest::Request = transmit.request.try_into()?;
    *request.timeout_mut() = Some(transmit.deadline.since(now()));
    let mut answer = stack.execute(request).await?;
    let mut body = BytesMut::new();
    while let Some(piece) = answer.chunk().await? {
        let room = transmit.read_limit - body.len();
        body.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if body.len() == transmit.read_limit {
            break;
        }
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// Without a connection nothing was sent. In all other cases nobody knows.
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
