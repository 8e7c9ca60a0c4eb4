//! The path of a client's request, and the one way to read it.
//!
//! Rules that match paths are worth something only if the service reads a path as they
//! do. So a path that could be read in more than one way is refused.

use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// The base of all calls at the proxy.
const BASE: &str = "/api";

/// A path below `/api` that can be read in one way only.
pub(crate) struct ApiPath {
    /// The whole path, decoded.
    decoded: String,
}

impl ApiPath {
    /// Reads a path. Fails if it is not below `/api`, or can be read in more than one
    /// way.
    pub(crate) fn new(path: &str) -> Result<Self, Problem> {
        if below(path).is_none() {
            return Err(Problem::no_such_path());
        }
        let is_ambiguous = |decoded: &str| {
            let special = |c: char| c.is_control() || matches!(c, '\\' | ';' | '#' | '?');
            let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
            decoded.contains(special)
                || decoded.contains("//")
                || slashes(decoded) != slashes(path)
                || decoded
                    .split('/')
                    .any(|segment| matches!(segment.trim(), "." | ".."))
                || has_escape(decoded)
        };
        match percent_decode_str(path).decode_utf8() {
            Ok(decoded) if !is_ambiguous(&decoded) => Ok(Self {
                decoded: decoded.into_owned(),
            }),
            _ => Err(Problem::ambiguous_path()),
        }
    }

    /// The decoded path below `/api`.
    pub(crate) fn below(&self) -> &str {
        below(&self.decoded).unwrap_or_default()
    }

    /// Returns true if this path is `prefix` or below it.
    pub(crate) fn is_below(&self, prefix: &str) -> bool {
        is_below(&self.decoded, prefix)
    }

    /// The same, whatever the case of their letters.
    pub(crate) fn is_below_in_any_case(&self, prefix: &str) -> bool {
        is_below(&self.decoded.to_lowercase(), &prefix.to_lowercase())
    }
}

/// Returns the part of a path that is below the base of all calls at the proxy.
pub(crate) fn below(path: &str) -> Option<&str> {
    path.strip_prefix(BASE).filter(|rest| rest.starts_with('/'))
}

fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns true if something is left that a server may decode once more.
fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(3).any(
        |three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_can_be_read_in_one_way_passes() {
        for path in [
            "/api/",
            "/api/m2m/v1/devices",
            "/api/m2m/v1/devices/",
            "/api/m2m/v1/accounts/0000123456-00001",
            "/api/m2m/v1/callbacks/a%20b.c",
            "/api/m2m/v1/50%25",
            "/api/m2m/.well-known",
        ] {
            assert!(ApiPath::new(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_another_way_is_refused() {
        for path in [
            "/api//m2m",
            "/api/x/../m2m",
            "/api/x/%2e%2E/m2m",
            "/api/x/.%20/m2m",
            "/api/./m2m",
            "/api/m2m%2fv1",
            "/api/m2m\\v1",
            "/api/m2m%5Cv1",
            "/api/m2m;a=b/v1",
            "/api/m2m%3ba",
            "/api/m2m%3fa=b",
            "/api/m2m%00",
            "/api/%256d2m",
            "/api/m2m/%ff",
        ] {
            assert_eq!(ApiPath::new(path).err().unwrap().kind(), "path", "{path}");
        }
        for path in ["", "/", "/api", "/apis/m2m", "/m2m/v1", "*"] {
            let kind = ApiPath::new(path).err().unwrap().kind();
            assert_eq!(kind, "no_such_path", "{path}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_segment_does() {
        let path = ApiPath::new("/api/m2m/v1/%64evices/actions").unwrap();
        assert!(path.is_below("/api/m2m/v1/devices"));
        assert!(path.is_below("/api/m2m/v1/devices/"));
        assert!(path.is_below("/"));
        assert!(!path.is_below("/api/m2m/v1/dev"));
        assert!(!path.is_below("/api/m2m/v1/Devices"));
        assert!(path.is_below_in_any_case("/api/m2m/V1/Devices"));
    }
}
