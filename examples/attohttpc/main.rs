//! The core over attohttpc, a small blocking stack: all the code that it needs, and how
//! to tell for certain that a request was never sent.
//!
//! ```text
//! cargo run -p thingspace-example-attohttpc --example attohttpc
//! ```
//!
//! For the real service, add attohttpc's feature `tls-rustls-webpki-roots`.

#[cfg(test)]
#[path = "../outcomes.rs"]
mod outcomes;

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    io::{self, Read, Write},
    thread,
    time::SystemTime,
};

use attohttpc::{
    RequestBuilder,
    body::{Body, BodyKind},
};
use bytes::Bytes;
use http::{Method, Request, Response, header::CONTENT_LENGTH};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Session, Step, Timestamp, TransportError,
    UserCredentials, session::Transmit,
};
use thingspace_simulator::{Server, Simulator};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let credentials = Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    );
    // The source of the backoffs' jitter, and of the names of logins: a different one in
    // each process, so that clients that failed together do not retry together.
    let seed = RandomState::new().hash_one(());
    let mut session = Session::new(server.base().parse()?, credentials, seed);

    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    let call = Call::to(account, session.environment())?;
    let response = drive(&mut session, call)?.into_response()?;
    println!("The account: {} bytes.", response.body().len());
    drive(&mut session, Call::log_out())?;
    println!("Logged out.");
    Ok(())
}

/// Drives a call to its end. To share a session among threads, lock it for each step.
fn drive(session: &mut Session, mut call: Call) -> Result<Completion, thingspace_core::Error> {
    loop {
        match call.step(session, now()) {
            Step::Send(transmit) => {
                let request = &transmit.request;
                println!(" > {} {}", request.method(), request.uri());
                let result = send(&transmit);
                call.receive(session, now(), transmit.attempt, result);
            }
            Step::Wait(wait) => thread::sleep(wait.until.since(now())),
            Step::Done(result) => return result,
        }
    }
}

/// A request's body, which remembers that it was asked for.
///
/// The errors of attohttpc prove nothing: those of a connection that can't be made are
/// I/O errors, and so are those of a connection in use. But it asks for the body only
/// once it is connected, TLS and a proxy's tunnel included, and has sent no complete head
/// before that: it gathers the head with the beginning of the body (`send` and
/// `write_request` in its `src/request/mod.rs`). So a request whose body was never asked
/// for was never sent.
struct Asked {
    body: Bytes,
    is_asked_for: bool,
}

impl Body for Asked {
    fn kind(&mut self) -> io::Result<BodyKind> {
        // One that is empty, too: otherwise it would not be asked for.
        let length = u64::try_from(self.body.len()).map_err(io::Error::other)?;
        Ok(BodyKind::KnownLength(length))
    }

    fn write<W: Write>(&mut self, mut writer: W) -> io::Result<()> {
        self.is_asked_for = true;
        writer.write_all(&self.body)
    }
}

/// Sends one request over a new connection, and reads its response up to the core's limit.
fn send(transmit: &Transmit) -> Result<Response<Bytes>, TransportError> {
    let request = &transmit.request;
    let left = transmit.deadline.since(now());
    let mut builder = RequestBuilder::try_new(request.method().clone(), request.uri().to_string())
        .map_err(TransportError::not_sent)?
        // Tokens go to the configured origin only.
        .follow_redirects(false)
        // `timeout` ends an exchange, but not the making of a connection.
        .connect_timeout(left)
        .read_timeout(left)
        .timeout(left);
    builder.headers_mut().extend(request.headers().clone());
    let body = request.body().clone();
    let is_asked_for = false;
    let prepared = builder.body(Asked { body, is_asked_for }).try_prepare();
    let mut prepared = prepared.map_err(TransportError::not_sent)?;
    let received = prepared.send();
    let received = received.map_err(|error| {
        if prepared.body().is_asked_for {
            TransportError::unknown(error)
        } else {
            TransportError::not_sent(error)
        }
    })?;

    let (status, headers, reader) = received.split();
    if status.is_informational() {
        // The response is still to come, but attohttpc does not wait for it.
        return Err(TransportError::unknown("a response before the response"));
    }
    let mut body = Vec::new();
    let limit = u64::try_from(transmit.read_limit).unwrap_or(u64::MAX);
    let end = reader.take(limit).read_to_end(&mut body);
    // To attohttpc, a body that is shorter than it announced has ended.
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_short = length.is_some_and(|length: u64| (body.len() as u64) < length.min(limit));
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    match end {
        // What came may have the only copy of a password.
        Err(error) => Err(TransportError::broken_off(response, error)),
        Ok(_) if is_short && request.method() != Method::HEAD => {
            Err(TransportError::broken_off(response, "the connection ended"))
        }
        Ok(_) => Ok(response),
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
