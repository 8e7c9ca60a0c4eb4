//! The rules for the path of a request.
//!
//! Servers do not agree on how a path is read. So a path is judged as the most
//! lenient of them might read it: percent-decoded, split at either slash, and
//! without the parameters of a segment. Where it decides on the session's own calls,
//! it is decoded until nothing is left to decode, and only letters and digits count.

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
    !any(path, |byte| is_one_of(byte, b"#.%") | byte & 0x80)
        || (path.is_ascii() && !has(path, b"#") && !escapes_base(path))
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
/// begin with these segments, of which `None` is any. Neither case, parameters, blanks,
/// dots, control characters and empty segments make a difference, nor how often any of
/// it is percent-encoded.
#[inline]
pub(super) fn check(path: &str, segments: &[Option<&str>]) -> Check {
    if !is_plain(path) {
        return check_leniently(path, segments);
    }
    if plain_begins_with(path.as_bytes(), segments) {
        Check::BeginsWith
    } else {
        Check::Passed
    }
}

/// Returns true if a path has nothing in it that can be read in more than one way: one
/// look for all of that.
fn is_plain(path: &str) -> bool {
    !any(path, |byte| is_one_of(byte, b".%\\;") | byte & 0x80)
}

/// The same check of any path.
#[cold]
pub(super) fn check_leniently(path: &str, segments: &[Option<&str>]) -> Check {
    let decoded = fully_decoded(path.as_bytes());
    let is_step = |segment: &[u8]| {
        let is_read = |byte: &u8| byte.is_ascii_graphic();
        let read: Vec<_> = segment.iter().copied().filter(is_read).collect();
        matches!(&*read, b"." | b"..")
    };
    if escapes_base(path) || segments_of(&decoded).any(is_step) {
        Check::EscapesBase
    } else if begins_with(segments_of(&decoded), segments)
        // A server that decodes nothing takes more for one segment.
        || begins_with(segments_of(path.as_bytes()), segments)
    {
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

/// Returns true if a path may be read as one that begins with these segments.
///
/// A segment without a letter or digit may be one, or none: so it is followed how many
/// of those that are wanted may have been there, one bit for each number.
fn begins_with<'a>(path: impl Iterator<Item = &'a [u8]>, wanted: &[Option<&str>]) -> bool {
    let mut met = 1_u32;
    for segment in path {
        let mut next = 0;
        for (number, wanted) in wanted.iter().enumerate() {
            let here = met & (1 << number);
            if wanted.is_none_or(|wanted| may_be(segment, wanted)) && !segment.is_empty() {
                next |= here << 1;
            }
            if may_be(segment, "") {
                next |= here;
            }
        }
        if next & (1 << wanted.len()) != 0 {
            return true;
        }
        met = next;
    }
    false
}

/// Returns true if a segment may be read as this word: wholly, or up to what may end it.
fn may_be(segment: &[u8], word: &str) -> bool {
    let is_word = |segment: &[u8]| {
        let letters = segment.iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters
            .map(u8::to_ascii_lowercase)
            .eq(word.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    let ends = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'?' | b'#');
    is_word(segment) || segment.split(ends).next().is_some_and(is_word)
}

/// Percent-decodes until nothing is left to decode.
///
/// What was decoded is looked at again with what stood before it, so that it takes one
/// pass however deep the encoding is.
fn fully_decoded(path: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut decoded = Vec::with_capacity(path.len());
    for byte in path {
        decoded.push(*byte);
        while let [.., b'%', high, low] = *decoded {
            let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                break;
            };
            decoded.truncate(decoded.len().saturating_sub(3));
            decoded.push((high << 4) | low);
        }
    }
    decoded
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
fn has<const N: usize>(path: &str, wanted: &[u8; N]) -> bool {
    any(path, |byte| is_one_of(byte, wanted))
}

/// Returns 1 if a byte is one of these, else 0.
fn is_one_of<const N: usize>(byte: u8, wanted: &[u8; N]) -> u8 {
    let wanted = wanted.iter();
    wanted.fold(0, |found, one| found | u8::from(byte == *one))
}

/// Returns true if the function returns anything but zero for a byte of a path.
///
/// There is no early return, and the last block overlaps the one before, so that all of it
/// is done by vector instructions: few paths hold what is looked for.
#[inline]
fn any(path: &str, found: impl Fn(u8) -> u8) -> bool {
    const BLOCK: usize = 16;
    let path = path.as_bytes();
    let Some(last) = path.last_chunk::<BLOCK>() else {
        return path.iter().fold(0, |all, byte| all | found(*byte)) != 0;
    };
    let mut all = last.map(&found);
    for block in path.chunks_exact(BLOCK) {
        for (all, byte) in all.iter_mut().zip(block) {
            *all |= found(*byte);
        }
    }
    all.iter().fold(0, |all, found| all | found) != 0
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
            "/m2m/v1/%2573ession",
            "/m2m/v1/%25252573ession",
            "/m2m/v1/%%37%33ession",
            "/m2m%252fv1%252fsession",
            "/m2m/a%2fb/session",
            "/m2m/v1/session%20",
            "/m2m/v1/%20session",
            "/m2m/v1/session%00",
            "/m2m/v1/session%00.json",
            "/m2m/v1/%00session",
            "/m2m/v1/se%0assion",
            "/m2m/v1/session.",
            "/m2m/v1/session%2e%2E.",
            "/m2m/v1/session%c2%a0/login",
            "/m2m/v1/session%3fa=b",
            "/m2m/v1/session%23",
            "/m2m/v1/session%09;a",
            "/%20/m2m/%20/v1/%00/session",
            "/m2m/%20/session",
            "/m2m/v1/.../session",
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
            "/m2m/v1/accounts/a%2fb%25/session",
            "/m2m/v1/session%61",
            "/m2m/v1/devices/%C3%A4.b",
            "/m2m/v1/50%/x.y",
            "/%",
            "/%2",
        ] {
            assert_eq!(check(path, LOG_IN), Check::Passed, "{path}");
        }
        for path in [
            "/x/../m2m/v1/devices",
            "/x/%252e%252e/m2m/v1/devices",
            "/x/..%20/m2m",
            "/x/%00..",
            "/x/%2e%00",
            "/x%255c..%255cm2m",
        ] {
            assert_eq!(check(path, LOG_IN), Check::EscapesBase, "{path}");
        }
    }

    #[test]
    fn law_10_a_path_is_decoded_in_one_pass_however_deep_it_is_encoded() {
        let depth = 30_000;
        let path = format!("/m2m/v1/%{}73ession/%", "25".repeat(depth));
        assert_eq!(check(&path, LOG_IN), Check::BeginsWith);
        let blank = format!("/m2m{}", "/%20".repeat(depth));
        assert_eq!(check(&blank, LOG_IN), Check::Passed);
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
