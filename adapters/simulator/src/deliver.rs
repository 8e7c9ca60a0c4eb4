//! The delivery of callbacks to listeners on this machine, over plain HTTP/1.1.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Delivery;
use crate::shared::Shared;

/// The time that one delivery may take, from the connection to the status.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most deliveries at once.
const CONCURRENT: usize = 64;

/// The longest time between two looks at the simulator's state.
const REST: Duration = Duration::from_secs(60);

/// The most bytes of a response that are read. The status is among the first.
const HEAD: usize = 64 * 1024;

/// Delivers callbacks when they are due, until the server ends.
pub(crate) async fn deliver_callbacks(shared: Arc<Shared>) {
    let limit = Arc::new(Semaphore::new(CONCURRENT));
    loop {
        let now = shared.now();
        let (due, next) = shared.with(|simulator| {
            let due = simulator.callbacks_due(now);
            (due, simulator.next_event())
        });
        for delivery in due {
            tokio::spawn(deliver(delivery, Arc::clone(&shared), Arc::clone(&limit)));
        }
        let rest = next.map_or(REST, |next| next.since(shared.now()).min(REST));
        timeout(rest, shared.changed()).await.ok();
    }
}

/// Delivers one callback. A listener that can't be reached has not accepted it.
async fn deliver(delivery: Delivery, shared: Arc<Shared>, limit: Arc<Semaphore>) {
    let Ok(_permit) = limit.acquire().await else {
        return;
    };
    if let Ok(Ok(status)) = timeout(TIMEOUT, send(&delivery.request)).await {
        shared.with(|simulator| simulator.callback_responded(delivery.id, status));
    }
}

/// Sends a request and returns the status of the response.
async fn send(request: &Request<Bytes>) -> io::Result<StatusCode> {
    let address = loopback(request.uri()).ok_or(io::ErrorKind::AddrNotAvailable)?;
    let stream = TcpStream::connect(address).await?;
    write(&stream, &head(request)).await?;
    write(&stream, request.body()).await?;
    let mut received = Vec::new();
    loop {
        // Nothing but the status is used. The rest is read, so that the listener can send it.
        let is_whole = received.len() >= HEAD || read(&stream, &mut received).await? == 0;
        if is_whole || received.windows(4).any(|end| end == b"\r\n\r\n") {
            return status(&received).ok_or(io::ErrorKind::InvalidData.into());
        }
    }
}

/// Returns the address of a listener on this machine. The secrets of a callback are not sent
/// anywhere else.
fn loopback(url: &Uri) -> Option<SocketAddr> {
    let host = url.host()?.trim_start_matches('[').trim_end_matches(']');
    let address = if host.eq_ignore_ascii_case("localhost") {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        host.parse().ok()?
    };
    let is_usable = address.is_loopback() && url.scheme_str() == Some("http");
    is_usable.then(|| SocketAddr::new(address, url.port_u16().unwrap_or(80)))
}

fn head(request: &Request<Bytes>) -> Vec<u8> {
    let url = request.uri();
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().map_or("", |host| host.as_str());
    // What stands before it are credentials, which belong in no `Host`.
    let host = host.rsplit('@').next().unwrap_or_default();
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in request.headers() {
        if let Ok(value) = value.to_str() {
            head.extend([name.as_str(), ": ", value, "\r\n"]);
        }
    }
    head.push_str("\r\n");
    head.into_bytes()
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads more bytes, and returns their number. 0 is the end of the connection.
async fn read(stream: &TcpStream, received: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; 4096];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(count) => {
                received.extend(buffer.iter().take(count));
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns the status of a response: the second word of its first line.
fn status(response: &[u8]) -> Option<StatusCode> {
    let mut words = response.split(|byte| *byte == b' ');
    words.next()?.starts_with(b"HTTP/1.").then_some(())?;
    StatusCode::from_bytes(words.next()?.get(..3)?).ok()
}
