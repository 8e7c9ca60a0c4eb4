//! A server that sends the frames of HTTP/2 (RFC 9113 §6) that a test asks for, also such
//! as no library would send.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use thingspace_hyper::core::Environment;
use thingspace_scenarios::connections_to;

/// Frames, as they are sent. None stands for the end of the connection.
pub(crate) type Frames = Vec<Option<Vec<u8>>>;

/// Starts a server that responds to the first request by `first`, which is given the
/// number of its stream, and to all others by a success. Returns its address and the
/// number of requests that have arrived.
pub(crate) fn server(
    first: impl Fn(u32) -> Frames + Send + Sync + 'static,
) -> (Environment, Arc<AtomicU64>) {
    let arrived = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&arrived);
    let environment = connections_to(move |stream| {
        // A client may close its connection at any time.
        serve(stream, &count, &first).ok();
    });
    (environment, arrived)
}

fn serve(
    mut stream: TcpStream,
    arrived: &AtomicU64,
    first: &impl Fn(u32) -> Frames,
) -> io::Result<()> {
    stream.read_exact(&mut [0; PREFACE.len()])?;
    stream.write_all(&frame(SETTINGS, 0, 0, b""))?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, rest @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        io::copy(&mut (&stream).take(length.into()), &mut io::sink())?;
        let [a, b, c, d] = rest;
        let id = u32::from_be_bytes([a, b, c, d]);
        let frames = match kind {
            SETTINGS if flags & ACK == 0 => vec![Some(frame(SETTINGS, ACK, 0, b""))],
            HEADERS if arrived.fetch_add(1, Ordering::Relaxed) == 0 => first(id),
            HEADERS => vec![Some(frame(HEADERS, END_HEADERS | END_STREAM, id, OK))],
            _ => Vec::new(),
        };
        for bytes in frames {
            match bytes {
                Some(bytes) => stream.write_all(&bytes)?,
                None => return stream.shutdown(Shutdown::Both),
            }
        }
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` (RFC 7541, appendix A).
const OK: &[u8] = b"\x88";
/// `content-length: 9`, literally (RFC 7541 §6.2.2).
const LENGTH: &[u8] = b"\x0f\x0d\x019";
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const REFUSED_STREAM: u32 = 7;

/// The beginning of a response: its status, its length, and these bytes of its body.
pub(crate) fn begin(id: u32, body: &[u8]) -> Frames {
    let head = [OK, LENGTH].concat();
    let mut frames = vec![Some(frame(HEADERS, END_HEADERS, id, &head))];
    if !body.is_empty() {
        frames.push(Some(frame(DATA, 0, id, body)));
    }
    frames
}

/// The end of a stream, for this reason.
pub(crate) fn reset(id: u32, reason: u32) -> Frames {
    vec![Some(frame(RST_STREAM, 0, id, &reason.to_be_bytes()))]
}

/// The statement that no stream beyond this one was or will be processed.
pub(crate) fn goaway(last: u32) -> Frames {
    let payload = [last.to_be_bytes(), NO_ERROR.to_be_bytes()].concat();
    vec![Some(frame(GOAWAY, 0, 0, &payload))]
}

/// The end of the connection.
pub(crate) fn end() -> Frames {
    vec![None]
}

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![a, b, c, kind, flags];
    frame.extend(id.to_be_bytes());
    frame.extend(payload);
    frame
}
