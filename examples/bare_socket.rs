//! The core over a bare socket: the driver loop, and HTTP/1.1 written by hand.
//!
//! ```text
//! cargo run --example bare_socket
//! ```

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    thread,
    time::SystemTime,
};

use bytes::Bytes;
use http::{
    HeaderMap, Request, Response,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    uri::{Authority, PathAndQuery},
};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Session, Step, Timestamp, TransportError,
    UserCredentials, session::Transmit,
};
use thingspace_simulator::{Server, Simulator};

type BoxError = Box<dyn Error + Send + Sync>;

/// The limit of a response's head, in bytes.
const HEAD_LIMIT: u64 = 16 * 1024;

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

/// Sends a request over a new connection. If the connection fails, the request was
/// never sent. After that, the outcome of an error is unknown.
fn send(transmit: &Transmit) -> Result<Response<Bytes>, TransportError> {
    let stream = connect(transmit).map_err(TransportError::not_sent)?;
    exchange(stream, transmit).map_err(TransportError::unknown)
}

fn connect(transmit: &Transmit) -> Result<TcpStream, BoxError> {
    let host = transmit.request.uri().authority().ok_or("no host")?;
    let address = host.as_str().to_socket_addrs()?.next();
    let address = address.ok_or("no such host")?;
    let left = transmit.deadline.since(now());
    Ok(TcpStream::connect_timeout(&address, left)?)
}

fn exchange(stream: TcpStream, transmit: &Transmit) -> Result<Response<Bytes>, BoxError> {
    let deadline = transmit.deadline;
    let mut stream = BufReader::new(Timed { stream, deadline });
    stream.get_mut().write_all(&encode(&transmit.request))?;

    let response = loop {
        let head = read_head(&mut stream)?;
        if !head.status().is_informational() {
            break head;
        }
    };
    let body = read_body(&mut stream, response.headers(), transmit.read_limit)?;
    Ok(response.map(|()| body.into()))
}

fn read_head(stream: &mut impl BufRead) -> Result<Response<()>, BoxError> {
    let mut head = stream.take(HEAD_LIMIT);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let status = line.split(' ').nth(1).ok_or("no status")?;
    let mut response = Response::builder().status(status);
    loop {
        line.clear();
        head.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        response = response.header(name, value.trim());
    }
    if line != "\r\n" {
        return Err("the head has no end".into());
    }
    Ok(response.body(())?)
}

/// Reads a body: in chunks, or as long as `Content-Length` says, or until the
/// connection ends.
fn read_body(
    stream: &mut impl BufRead,
    headers: &HeaderMap,
    limit: usize,
) -> Result<Vec<u8>, BoxError> {
    let mut body = Vec::new();
    if headers.contains_key(TRANSFER_ENCODING) {
        while body.len() < limit {
            let mut size = String::new();
            stream.take(HEAD_LIMIT).read_line(&mut size)?;
            let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
            if size == 0 {
                break;
            }
            let room = u64::try_from(limit - body.len())?;
            read_exactly(stream, size.min(room), &mut body)?;
            if size < room {
                // The line end after the chunk.
                stream.take(HEAD_LIMIT).read_line(&mut String::new())?;
            }
        }
    } else if let Some(length) = headers.get(CONTENT_LENGTH) {
        let length = length.to_str()?.parse::<u64>()?;
        read_exactly(stream, length.min(u64::try_from(limit)?), &mut body)?;
    } else {
        stream.take(u64::try_from(limit)?).read_to_end(&mut body)?;
    }
    Ok(body)
}

fn read_exactly(stream: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if stream.take(length).read_to_end(body)? as u64 == length {
        return Ok(());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Writes a request as HTTP/1.1. No header can contain a line end, since the types of
/// `http` reject it.
fn encode(request: &Request<Bytes>) -> Vec<u8> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let host = uri.authority().map_or("", Authority::as_str);
    let mut wire = format!(
        "{} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n",
        request.method()
    )
    .into_bytes();
    for (name, value) in request.headers() {
        wire.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    if !request.body().is_empty() {
        wire.extend(format!("content-length: {}\r\n", request.body().len()).bytes());
    }
    wire.extend([b"\r\n", &**request.body()].concat());
    wire
}

/// A connection that fails after the deadline. The time left is then zero, which the
/// system rejects as a timeout.
struct Timed {
    stream: TcpStream,
    deadline: Timestamp,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.since(now());
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.deadline.since(now());
        self.stream.set_write_timeout(Some(left))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
