//! Inputs of several parts, as text that a person can read and write.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Splits an input into its parts, at lines of three hyphens.
pub(crate) fn parts(data: &[u8]) -> Vec<&[u8]> {
    const LINE: &[u8] = b"\n---\n";
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some((part, after)) = split_once(rest, LINE) {
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// A message in the form of HTTP/1.1: a first line, headers, an empty line and the
/// body.
pub(crate) struct Message<'a> {
    pub(crate) first: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message. A first line that is not UTF-8 counts as empty, and lines that
    /// are no header are skipped.
    pub(crate) fn read(text: &'a [u8]) -> Self {
        let (head, body) = split_once(text, b"\n\n").unwrap_or((text, b""));
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        Self {
            first: std::str::from_utf8(first).unwrap_or_default(),
            headers: lines.filter_map(header).collect(),
            body,
        }
    }
}

/// Reads headers, one in each line. Other lines are skipped.
pub(crate) fn headers(lines: &[u8]) -> HeaderMap {
    lines
        .split(|byte| *byte == b'\n')
        .filter_map(header)
        .collect()
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = split_once(line, b":")?;
    let value = value.strip_prefix(b" ").unwrap_or(value);
    Some((
        HeaderName::from_bytes(name).ok()?,
        HeaderValue::from_bytes(value).ok()?,
    ))
}

fn split_once<'a>(data: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = data
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((&data[..at], &data[at + separator.len()..]))
}
