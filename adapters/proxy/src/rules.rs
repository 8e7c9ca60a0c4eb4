//! The rules for who may ask the proxy, and for what.

use std::{fmt, str::FromStr, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Version,
    header::{HOST, ORIGIN},
    request::Parts,
    uri::Authority,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{path::ApiPath, problem::Problem};

/// The names that a machine has for itself.
const OWN_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The rules for who may ask the proxy, and for what. The default is for programs of
/// this machine: it takes every call of the API, and nothing that a web page sends.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rules {
    hosts: Vec<String>,
    required: Option<Required>,
    accepted: Vec<CallPattern>,
    rejected: Vec<CallPattern>,
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
    max_header_bytes: usize,
}

impl Rules {
    /// The rules for programs of this machine.
    pub fn new() -> Self {
        Self {
            hosts: OWN_HOSTS.map(str::to_owned).to_vec(),
            required: None,
            accepted: Vec::new(),
            rejected: Vec::new(),
            max_body: 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            max_header_bytes: 16 * 1024,
        }
    }

    /// Takes requests for this host too, with any port. A web page that makes a browser
    /// resolve its own name to this machine (DNS rebinding) still has that name in
    /// `Host`, so only names that nobody else controls belong here.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Takes only requests that have this header with this value, which no web page and
    /// no forged request knows. The header goes no further. `/livez` and `/readyz` do not
    /// need it.
    pub fn require_header(mut self, name: HeaderName, value: impl Into<Vec<u8>>) -> Self {
        self.required = Some(Required {
            name,
            value: Zeroizing::new(value.into()),
        });
        self
    }

    /// Takes only calls of this pattern, or of another that is accepted.
    pub fn accept(mut self, calls: CallPattern) -> Self {
        self.accepted.push(calls);
        self
    }

    /// Takes no calls of this pattern, also if another pattern accepts them.
    pub fn reject(mut self, calls: CallPattern) -> Self {
        self.rejected.push(calls);
        self
    }

    /// Takes request bodies of at most this many bytes. 1 MiB by default.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Waits at most for this time for the body of a request. 30 seconds by default.
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Takes request heads of at most this many bytes: the address, and the names and
    /// values of the headers. 16 KiB by default.
    pub const fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.max_header_bytes = bytes;
        self
    }

    /// Checks that a request comes from a program and not from a web page, and that its
    /// head is not too large.
    pub(crate) fn check_sender(&self, head: &Parts) -> Result<(), Problem> {
        let of_headers = head.headers.iter().map(|(name, value)| {
            let (name, value) = (name.as_str().len(), value.len());
            name.saturating_add(value)
        });
        let of_uri = head.uri.path_and_query().map_or(0, |it| it.as_str().len());
        if of_headers.fold(of_uri, usize::saturating_add) > self.max_header_bytes {
            return Err(Problem::head_too_large());
        }
        if !self.is_for_known_host(head) {
            return Err(Problem::unknown_host());
        }
        let is_of_browser = head.headers.contains_key(ORIGIN)
            || head
                .headers
                .get_all(SEC_FETCH_SITE)
                .iter()
                .any(|site| site != "none");
        if is_of_browser {
            return Err(Problem::from_web_page());
        }
        Ok(())
    }

    /// Checks that a request has the required header.
    pub(crate) fn check_required(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match &self.required {
            Some(required) if !required.is_in(headers) => Err(Problem::header_required()),
            _ => Ok(()),
        }
    }

    /// Checks that a call is accepted and not rejected.
    pub(crate) fn check_call(&self, method: &Method, path: &ApiPath) -> Result<(), Problem> {
        let is_accepted = self.accepted.is_empty()
            || self.accepted.iter().any(|calls| {
                calls.has_method(method) && calls.prefix().is_none_or(|it| path.is_below(it))
            });
        // A service that ignores case would take one for the other.
        let is_rejected = self.rejected.iter().any(|calls| {
            let mut prefix = calls.prefix().into_iter();
            calls.has_method(method) && prefix.all(|it| path.is_below_in_any_case(it))
        });
        if is_accepted && !is_rejected {
            Ok(())
        } else {
            Err(Problem::rejected())
        }
    }

    /// The header that goes no further, if one is required.
    pub(crate) fn required_name(&self) -> Option<&HeaderName> {
        self.required.as_ref().map(|required| &required.name)
    }

    /// Returns true if a request names one host, and that is known. An address that has
    /// a host of its own counts before the header (RFC 9112 §3.2.2), and both must be
    /// known.
    fn is_for_known_host(&self, head: &Parts) -> bool {
        let mut given = head.headers.get_all(HOST).iter();
        let is_known = match (given.next(), given.next()) {
            (Some(host), None) => self.is_known(host),
            // HTTP/1.0 has no such header, and a browser speaks none.
            (None, None) => head.uri.authority().is_some() || head.version == Version::HTTP_10,
            _ => false,
        };
        let in_uri = head.uri.authority();
        is_known && in_uri.is_none_or(|authority| self.is_known_authority(authority))
    }

    fn is_known(&self, host: &HeaderValue) -> bool {
        Authority::try_from(host.as_bytes()).is_ok_and(|host| self.is_known_authority(&host))
    }

    fn is_known_authority(&self, authority: &Authority) -> bool {
        let is_host = |known: &String| known.eq_ignore_ascii_case(authority.host());
        !authority.as_str().contains('@') && self.hosts.iter().any(is_host)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new()
    }
}

/// A header that every request must have.
#[derive(Clone)]
struct Required {
    name: HeaderName,
    value: Zeroizing<Vec<u8>>,
}

impl Required {
    /// Returns true if it is there, once. How long that takes tells nothing about the
    /// value but its length.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(&self.name).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return false;
        };
        let given = given.as_bytes();
        let pairs = given.iter().zip(self.value.iter());
        let difference = pairs.fold(0, |found, (one, other)| found | (one ^ other));
        given.len() == self.value.len() && std::hint::black_box(difference) == 0
    }
}

/// Shows the name alone.
impl fmt::Debug for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Required")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A pattern of calls: those with a method, those below a path, or those with a method
/// below a path.
///
/// A path is one at the proxy, so it begins with `/api`. It stands for itself and all
/// that is below it, and ends where a segment ends. No method stands for another: `GET`
/// does not stand for `HEAD`.
///
/// ```
/// use thingspace_proxy::CallPattern;
///
/// let devices: CallPattern = "/api/m2m/v1/devices".parse()?;
/// let reads: CallPattern = "GET".parse()?;
/// let account: CallPattern = "GET /api/m2m/v1/accounts/0000123456-00001".parse()?;
/// # Ok::<(), thingspace_proxy::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPattern {
    method: Option<Method>,
    prefix: Option<String>,
}

impl CallPattern {
    fn has_method(&self, method: &Method) -> bool {
        self.method.as_ref().is_none_or(|own| own == method)
    }

    fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }
}

impl FromStr for CallPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        let (method, prefix) = match text.split_once(char::is_whitespace) {
            Some((method, prefix)) => (Some(method), Some(prefix.trim_start())),
            None if text.starts_with('/') => (None, Some(text)),
            None => (Some(text), None),
        };
        let is_method = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase());
        let method = match method {
            Some(method) if !method.is_empty() && is_method(method) => {
                Some(method.parse().map_err(|_| PatternError)?)
            }
            Some(_) => return Err(PatternError),
            None => None,
        };
        // The prefix is compared with what was decoded, so it must not need that.
        let is_prefix = |prefix: &str| {
            let is_plain = !prefix.contains(|c: char| c == '%' || c.is_whitespace());
            is_plain && ApiPath::new(&format!("{prefix}/").replace("//", "/")).is_ok()
        };
        match prefix {
            Some(prefix) if !is_prefix(prefix) => Err(PatternError),
            prefix => Ok(Self {
                method,
                prefix: prefix.map(str::to_owned),
            }),
        }
    }
}

/// The error of a pattern that can't match a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "not a pattern of calls; give a method, a path that begins with /api, or both, like: GET /api/m2m/v1/devices"
)]
pub struct PatternError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_method_a_path_or_both() {
        for text in ["GET", "/api", "/api/m2m/", "PUT /api/m2m/v1", " GET  /api "] {
            assert!(text.parse::<CallPattern>().is_ok(), "{text}");
        }
        for text in [
            "",
            "get",
            "/m2m",
            "GET m2m",
            "/api/%6d2m",
            "/api/../x",
            "GET /api x",
            "/apis",
        ] {
            assert_eq!(text.parse::<CallPattern>(), Err(PatternError), "{text}");
        }
    }

    #[test]
    fn a_required_value_is_not_shown() {
        let rules = Rules::new().require_header(SEC_FETCH_SITE, "hunter2");
        assert!(!format!("{rules:?}").contains("hunter2"));
    }
}
