//! The rules for the path of a request.
//!
//! Servers do not agree on how a path is read. So a path is judged as the most
//! lenient of them might read it: percent-decoded, split at either slash, and
//! without the parameters of a segment.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that stay as they are in a path segment: RFC 3986's unreserved
/// ones.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Returns true if a path, with its query if it has one, may follow the base.
pub(super) fn may_follow_base(path: &str) -> bool {
    // One look for all that needs a closer one: few paths have any.
    path.starts_with('/')
        && path.is_ascii()
        && (!has(path, b"#.%") || (!has(path, b"#") && !escapes_base(path)))
}

/// Joins segments into a path, each percent-encoded.
///
/// Returns `None` if a segment is empty.
pub(super) fn join(segments: &[&str]) -> Option<String> {
    let mut path = String::with_capacity(segments.iter().map(|s| s.len() + 1).sum());
    for segment in segments {
        if segment.is_empty() {
            return None;
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, UNRESERVED));
    }
    Some(path)
}

/// Returns true if a path has a segment that a server may read as "here" or
/// "up".
pub(super) fn escapes_base(path: &str) -> bool {
    if !has(path, b".%") {
        return false;
    }
    let path = path.split('?').next().unwrap_or_default();
    segments_of(&decoded(path)).any(|segment| matches!(segment, b"." | b".."))
}

/// The result of a [`check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Passed,
    EscapesBase,
    BeginsWith,
}

/// Checks that a path does not [escape the base](escapes_base), and that it does not
/// begin with these segments, of which `None` is any. Case, parameters and empty
/// segments make no difference.
#[inline]
pub(super) fn check(path: &str, segments: &[Option<&str>]) -> Check {
    // One look for all that can be read in more than one way: few paths have any.
    let begins = if has(path, b".%\\;") {
        if escapes_base(path) {
            return Check::EscapesBase;
        }
        let decoded = decoded(path);
        let plain: Vec<_> = segments_of(&decoded).collect();
        plain_begins_with(&plain.join(&b'/'), segments)
    } else {
        plain_begins_with(path.as_bytes(), segments)
    };
    if begins {
        Check::BeginsWith
    } else {
        Check::Passed
    }
}

#[inline]
fn plain_begins_with(mut path: &[u8], segments: &[Option<&str>]) -> bool {
    segments.iter().all(|wanted| {
        while let [b'/', rest @ ..] = path {
            path = rest;
        }
        let end = path.iter().position(|byte| *byte == b'/');
        let (segment, rest) = path.split_at(end.unwrap_or(path.len()));
        path = rest;
        match wanted {
            Some(wanted) => segment.eq_ignore_ascii_case(wanted.as_bytes()),
            None => !segment.is_empty(),
        }
    })
}

/// Splits a decoded path into segments, at either slash and without parameters.
fn segments_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
        .filter_map(|segment| segment.split(|byte| *byte == b';').next())
}

fn decoded(path: &str) -> Cow<'_, [u8]> {
    if has(path, b"%") {
        percent_decode_str(path).into()
    } else {
        Cow::Borrowed(path.as_bytes())
    }
}

/// Returns true if a path holds one of these bytes.
///
/// It has no early return, so that the loop vectorizes: few paths hold what is
/// looked for.
fn has<const N: usize>(path: &str, wanted: &[u8; N]) -> bool {
    let count = |byte| {
        wanted
            .iter()
            .fold(0, |found, w| found | u8::from(byte == *w))
    };
    path.bytes().fold(0, |found, byte| found | count(byte)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_IN: &[Option<&str>] = &[Some("m2m"), None, Some("session")];

    #[test]
    fn law_9_a_path_is_judged_as_a_lenient_server_might_read_it() {
        for path in [
            "/m2m/v1/session",
            "/m2m/v1/session/login?a=b",
            "/M2M/v2/Session",
            "//m2m///v1/session/",
            "/m2m;a=b/v1;c/session;d",
            "/m2m/v1/%73ession",
            "/m2m%2Fv1%2fsession",
            "\\m2m\\v1/session",
            "/m2m/%3b/v1/session",
        ] {
            let path = path.split('?').next().unwrap();
            assert_eq!(check(path, LOG_IN), Check::BeginsWith, "{path}");
        }
        for path in [
            "",
            "/",
            "/m2m",
            "/m2m/session",
            "/m2m//session",
            "/m2m/v1/sessions",
            "/m2m/v1/devices/session",
            "/m2m/v1/%2573ession",
        ] {
            assert_eq!(check(path, LOG_IN), Check::Passed, "{path}");
        }
    }

    #[test]
    fn law_9_a_path_escapes_the_base_however_its_dots_are_written() {
        for path in [
            "/..",
            "/../other",
            "/a/./b",
            "/%2e%2E/other",
            "/.%2e",
            "/..\\other",
            "/..;x=1/other",
            "/a%2f..%2fb",
            "/..?a",
        ] {
            assert!(escapes_base(path), "{path}");
        }
        for path in [
            "",
            "/a",
            "/a.b",
            "/...",
            "/.well-known",
            "/a?b=../c",
            "/%252e%252e",
        ] {
            assert!(!escapes_base(path), "{path}");
        }
    }
}
