//! The core over libcurl: all the code that it needs, and the two things to know about
//! libcurl: what it sends twice, and what proves that a request was never sent.
//!
//! ```text
//! cargo run -p thingspace-example-curl --example curl
//! ```
//!
//! libcurl is built from the sources in the crate `curl-sys`, which takes a C compiler and
//! nothing else. For the real service, add curl's feature `ssl`, which takes OpenSSL too.

#[cfg(test)]
#[path = "../outcomes.rs"]
mod outcomes;

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    mem, thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use curl::easy::{Easy2, Handler, List, WriteError};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
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

/// A response, as far as it has come.
struct Received {
    headers: HeaderMap,
    body: Vec<u8>,
    limit: usize,
}

impl Handler for Received {
    /// Takes a line of the head; of the last one, if there are several.
    fn header(&mut self, line: &[u8]) -> bool {
        if line.starts_with(b"HTTP/") {
            self.headers.clear();
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().map(HeaderName::from_bytes);
        let value = parts
            .next()
            .map(|value| HeaderValue::from_bytes(value.trim_ascii()));
        if let (Some(Ok(name)), Some(Ok(value))) = (name, value) {
            self.headers.append(name, value);
        }
        true
    }

    /// Takes a piece of the body. One that is not taken whole ends the transfer.
    fn write(&mut self, piece: &[u8]) -> Result<usize, WriteError> {
        let room = self.limit - self.body.len();
        let taken = piece.get(..room).unwrap_or(piece);
        self.body.extend_from_slice(taken);
        Ok(taken.len())
    }
}

/// Sends one request over a new connection, and reads its response up to the core's limit.
fn send(transmit: &Transmit) -> Result<Response<Bytes>, TransportError> {
    let mut transfer = Easy2::new(Received {
        headers: HeaderMap::new(),
        body: Vec::new(),
        limit: transmit.read_limit,
    });
    prepare(&mut transfer, transmit).map_err(TransportError::not_sent)?;
    let result = transfer.perform();

    let status = transfer.response_code().map_err(TransportError::unknown)?;
    let status = u16::try_from(status).ok().map(StatusCode::from_u16);
    let Some(Ok(status)) = status else {
        return Err(match (result, transfer.request_size()) {
            // `CURLINFO_REQUEST_SIZE`: the bytes of the request that a connection took
            // (`Curl_xfer_send` in libcurl's `lib/transfer.c`), without those of a handshake
            // or a proxy's tunnel. It proves more than the error's code: a timeout has one
            // code, with a connection and without.
            (Err(error), Ok(0)) => TransportError::not_sent(error),
            (Err(error), _) => TransportError::unknown(error),
            (Ok(()), _) => TransportError::unknown("no status"),
        });
    };
    let received = transfer.get_mut();
    let is_full = received.body.len() == received.limit;
    let mut response = Response::new(mem::take(&mut received.body).into());
    *response.status_mut() = status;
    *response.headers_mut() = mem::take(&mut received.headers);
    match result {
        // What came may have the only copy of a password.
        Err(error) if !is_full => Err(TransportError::broken_off(response, error)),
        _ => Ok(response),
    }
}

fn prepare(
    transfer: &mut Easy2<Received>,
    transmit: &Transmit,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let request = &transmit.request;
    // If a connection that it has used before ends without a response, libcurl sends the
    // request once more by itself (`Curl_retry_request` in its `lib/transfer.c`): a login
    // that nobody counts. On a new connection it does not.
    transfer.fresh_connect(true)?;
    transfer.forbid_reuse(true)?;
    // Tokens go to the configured origin only.
    transfer.follow_location(false)?;
    // To libcurl, no time at all is as much as it likes.
    let left = transmit.deadline.since(now());
    transfer.timeout(left.max(Duration::from_millis(1)))?;

    transfer.url(&request.uri().to_string())?;
    if *request.method() == Method::HEAD {
        transfer.nobody(true)?;
    } else if *request.method() != Method::GET || !request.body().is_empty() {
        transfer.post(true)?;
        transfer.post_fields_copy(request.body())?;
        transfer.custom_request(request.method().as_str())?;
    }
    let mut headers = List::new();
    // Of what libcurl adds by itself, these two are not wanted.
    headers.append("Content-Type:")?;
    headers.append("Expect:")?;
    for (name, value) in request.headers() {
        headers.append(&format!("{name}: {}", value.to_str()?))?;
    }
    transfer.http_headers(headers)?;
    Ok(())
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
