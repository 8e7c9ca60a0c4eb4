//! Messages as HTTP/1.1 on the wire, written in the simplest way and read back by an
//! independent parser. The parser must find exactly the same message.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::HOST};

const MOST_HEADERS: usize = 256;

/// Asserts that a request is a single request on the wire, with exactly its headers.
pub(crate) fn assert_one_request(request: &Request<Bytes>) {
    let target = request.uri().path_and_query().unwrap().as_str();
    let host = request.uri().authority().unwrap().as_str();
    let mut wire =
        format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method()).into_bytes();
    write(&mut wire, request.headers(), request.body());

    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut read = httparse::Request::new(&mut headers);
    let length = read.parse(&wire).unwrap().unwrap();
    assert_eq!(&wire[length..], request.body());
    assert_eq!(read.method, Some(request.method().as_str()));
    assert_eq!(read.path, Some(target));
    let (first, headers) = read.headers.split_first().unwrap();
    assert_eq!((first.name, first.value), ("host", host.as_bytes()));
    assert!(!request.headers().contains_key(HOST));
    assert_same(headers, request.headers());
}

/// Asserts that a response is a single response on the wire, with exactly its headers.
pub(crate) fn assert_one_response(response: &Response<Bytes>) {
    let status = response.status().as_u16();
    let mut wire = format!("HTTP/1.1 {status} \r\n").into_bytes();
    write(&mut wire, response.headers(), response.body());

    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut read = httparse::Response::new(&mut headers);
    let length = read.parse(&wire).unwrap().unwrap();
    assert_eq!(&wire[length..], response.body());
    assert_eq!(read.code, Some(status));
    assert_same(read.headers, response.headers());
}

fn write(wire: &mut Vec<u8>, headers: &HeaderMap, body: &[u8]) {
    for (name, value) in headers {
        wire.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    wire.extend(b"\r\n");
    wire.extend(body);
}

fn assert_same(read: &[httparse::Header<'_>], headers: &HeaderMap) {
    let read: Vec<_> = read.iter().map(|h| (h.name, h.value)).collect();
    let there = headers.iter().map(|(name, value)| {
        // Whitespace around a value has no meaning (RFC 9110 §5.5).
        let value = value.as_bytes().trim_ascii();
        (name.as_str(), value)
    });
    assert_eq!(read, there.collect::<Vec<_>>());
}
