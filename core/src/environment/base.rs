//! The base address, under which every request stays.

use std::{fmt, net::IpAddr, ptr, str::FromStr, sync::Arc};

use bytes::Bytes;
use http::{
    Method, Request, Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};
use thiserror::Error;

use super::{
    own_call::OwnCall,
    path::{self, Check},
    request_error::RequestError,
};

/// The base address of a ThingSpace: its origin, and the path before every
/// call's own.
///
/// Cheap to clone.
///
/// ```
/// use thingspace_core::Environment;
///
/// let production = Environment::production();
/// assert_eq!(production.to_string(), "https://thingspace.verizon.com/api");
///
/// let own: Environment = "https://gateway.example:8443/thingspace/".parse()?;
/// let uri = own.uri("/m2m/v1/accounts/0000123456-00001")?;
/// assert_eq!(uri, "https://gateway.example:8443/thingspace/m2m/v1/accounts/0000123456-00001");
///
/// // Tokens never travel in the clear, except to this machine itself.
/// assert!("http://thingspace.verizon.com/api".parse::<Environment>().is_err());
/// assert!("http://127.0.0.1:8080".parse::<Environment>().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Environment(Arc<Base>);

#[derive(PartialEq, Eq)]
struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Empty, or with a slash at its start and none at its end.
    prefix: String,
    /// The address of each [`OwnCall`], in order. Empty if one is too long to be an
    /// address.
    places: Vec<Uri>,
    /// The text of the paths of those addresses, one after the other.
    targets: Bytes,
}

impl Environment {
    /// Verizon's production environment, with real devices (address from Verizon's
    /// SDKs).
    pub fn production() -> Self {
        Self::verizon("thingspace.verizon.com")
    }

    /// Verizon's staging environment (address from Verizon's SDKs).
    pub fn staging() -> Self {
        Self::verizon("staging.thingspace.verizon.com")
    }

    /// Verizon's mock environment (address from Verizon's SDKs).
    pub fn mock() -> Self {
        Self::verizon("mock.thingspace.verizon.com")
    }

    /// Reads a base address as [`FromStr`] does, and takes plain `http` to this host as
    /// well: **passwords and tokens go there in the clear**, for anybody on the way to read.
    ///
    /// For a simulator in another container, and for nothing that can log in to ThingSpace.
    ///
    /// Fails if the address is plain `http` to another host that is not this machine, and
    /// if it is one of Verizon's.
    ///
    /// ```
    /// use thingspace_core::Environment;
    ///
    /// let base = "http://simulator:4280/api";
    /// assert!(base.parse::<Environment>().is_err());
    /// assert!(Environment::insecure_http(base, "another").is_err());
    /// assert!(Environment::insecure_http(base, "simulator")?.is_insecure());
    /// # Ok::<(), thingspace_core::EnvironmentError>(())
    /// ```
    #[doc(alias = "dangerous")]
    pub fn insecure_http(base: &str, host: &str) -> Result<Self, EnvironmentError> {
        Self::read(base, |found| {
            found.eq_ignore_ascii_case(host) && !is_verizons(found)
        })
    }

    /// Returns true if passwords and tokens go there in the clear, and leave this machine.
    pub fn is_insecure(&self) -> bool {
        let Base {
            scheme, authority, ..
        } = &*self.0;
        *scheme != Scheme::HTTPS && !is_loopback(authority.host())
    }

    fn verizon(host: &'static str) -> Self {
        Self::new(
            Scheme::HTTPS,
            Authority::from_static(host),
            "/api".to_owned(),
        )
    }

    fn new(scheme: Scheme, authority: Authority, prefix: String) -> Self {
        let mut base = Base {
            scheme,
            authority,
            prefix,
            places: Vec::new(),
            targets: Bytes::new(),
        };
        let targets = OwnCall::ALL.map(|call| [&base.prefix, call.path()].concat());
        base.targets = targets.concat().into();
        let mut rest = base.targets.clone();
        let places = targets
            .iter()
            .map(|target| base.address(rest.split_to(target.len())));
        base.places = places.collect::<Result<_, _>>().unwrap_or_default();
        Self(Arc::new(base))
    }

    /// The address of a call: `path` (with its query, if it has one) under the
    /// base.
    ///
    /// Fails if `path` does not start with a slash, holds what can't stand in
    /// an address, or would escape the base through `.` or `..`; or if it begins
    /// with `/api/` and the base ends with that already.
    pub fn uri(&self, path: &str) -> Result<Uri, RequestError> {
        self.0.uri(path)
    }

    /// The address of a call, from path segments that may hold any text.
    ///
    /// Special characters are percent-encoded, so that no segment can end the
    /// path, add to it or start a query.
    ///
    /// Fails if a segment is empty, `.` or `..`.
    ///
    /// ```
    /// # use thingspace_core::Environment;
    /// let uri = Environment::mock().uri_of(&["m2m", "v1", "accounts", "a/b?c"])?;
    /// assert_eq!(uri.path(), "/api/m2m/v1/accounts/a%2Fb%3Fc");
    /// # Ok::<(), thingspace_core::RequestError>(())
    /// ```
    pub fn uri_of(&self, segments: &[&str]) -> Result<Uri, RequestError> {
        let path = path::join(segments).ok_or(RequestError::Path)?;
        self.uri(&path)
    }

    /// Builds the bare request of an endpoint, at the address of these path
    /// segments.
    ///
    /// Fails as [`uri_of`](Self::uri_of) does.
    #[inline(never)]
    pub fn request(
        &self,
        method: Method,
        segments: &[&str],
        body: Bytes,
    ) -> Result<Request<Bytes>, RequestError> {
        let mut made = Ok(Request::new(body));
        if let Ok(request) = &mut made {
            *request.method_mut() = method;
            *request.uri_mut() = self.uri_of(segments)?;
        }
        made
    }

    /// Builds the request of one of the session's own calls.
    #[inline]
    pub(crate) fn request_to(
        &self,
        call: OwnCall,
        body: Bytes,
    ) -> Result<Request<Bytes>, RequestError> {
        let uri = self.0.places.get(call as usize);
        let uri = uri.ok_or(RequestError::Path)?.clone();
        // Built in its final place, since a request is large to move.
        let mut made = Ok(Request::new(body));
        if let Ok(request) = &mut made {
            *request.method_mut() = call.method();
            *request.uri_mut() = uri;
        }
        made
    }

    /// The path of an address that is a path alone: then it is one under the base.
    #[inline]
    pub(crate) fn path_alone(uri: &Uri) -> Option<&str> {
        if uri.scheme().is_some() || uri.authority().is_some() {
            return None;
        }
        Some(uri.path_and_query().map_or("/", PathAndQuery::as_str))
    }

    /// Checks the address that a caller gave, if it is a path alone: that it can be
    /// completed.
    ///
    /// Passes a full address, which still has to pass
    /// [`check_origin`](Self::check_origin).
    pub(crate) fn check_path(&self, uri: &Uri) -> Result<(), RequestError> {
        Self::path_alone(uri).map_or(Ok(()), |path| self.0.check(path))
    }

    /// The address of a path alone, which was not checked: the address still has to pass
    /// [`check_call`](Self::check_call).
    pub(crate) fn complete(&self, path: &str) -> Result<Uri, RequestError> {
        self.0.complete(path)
    }

    /// Returns true if an address is that of a path under the base, as this environment
    /// makes it.
    #[inline]
    pub(crate) fn is_address_of(&self, uri: &Uri, path: &str) -> bool {
        let (Some(authority), Some(target)) = (uri.authority(), uri.path_and_query()) else {
            return false;
        };
        target.as_str().strip_prefix(self.0.prefix.as_str()) == Some(path)
            && ptr::eq(authority.as_str(), self.0.authority.as_str())
            && uri.scheme() == Some(&self.0.scheme)
    }

    /// Checks that a token may go to `uri`: the last check before one is put on a
    /// request.
    pub(crate) fn check_origin(&self, uri: &Uri) -> Result<(), RequestError> {
        if self.0.is_place(uri) {
            return Ok(());
        }
        if path::escapes_base(self.0.path_below(uri)?) {
            return Err(RequestError::Path);
        }
        Ok(())
    }

    /// Returns true if an address is below the base, and its path begins with `first`.
    pub(crate) fn is_below(&self, uri: &Uri, first: &str) -> bool {
        let path = self.0.path_below(uri).unwrap_or_default();
        path.trim_start_matches('/').split('/').next() == Some(first)
    }

    /// Checks that a caller's request may go to `uri` with the tokens of a session:
    /// to the same origin, and not to a path below the base that begins with these
    /// segments (`None` is any), as a lenient server might read it.
    #[inline]
    pub(crate) fn check_call(
        &self,
        uri: &Uri,
        session_calls: &[Option<&str>],
    ) -> Result<(), RequestError> {
        path::check(self.0.path_below(uri)?, session_calls).into()
    }

    /// The same check, for a place where few requests go: without the short way of a plain
    /// path.
    #[cold]
    pub(crate) fn check_rare_call(
        &self,
        uri: &Uri,
        session_calls: &[Option<&str>],
    ) -> Result<(), RequestError> {
        path::check_leniently(self.0.path_below(uri)?, session_calls).into()
    }
}

impl From<Check> for Result<(), RequestError> {
    fn from(check: Check) -> Self {
        match check {
            Check::Passed => Ok(()),
            Check::EscapesBase => Err(RequestError::Path),
            Check::BeginsWith => Err(RequestError::SessionCall),
        }
    }
}

impl Base {
    fn uri(&self, path: &str) -> Result<Uri, RequestError> {
        self.check(path)?;
        self.complete(path)
    }

    fn complete(&self, path: &str) -> Result<Uri, RequestError> {
        self.address([&self.prefix, path].concat().into())
    }

    /// Checks that a path may follow the base.
    #[inline]
    fn check(&self, path: &str) -> Result<(), RequestError> {
        /// The end of Verizon's base addresses. No path below them begins with it.
        const API: &str = "/api";

        if !path.starts_with('/') {
            return Err(RequestError::Relative);
        }
        let is_below_api = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
        if self.prefix.ends_with(API) && path.strip_prefix(API).is_some_and(is_below_api) {
            return Err(RequestError::BaseTwice);
        }
        if !path::may_follow_base(path) {
            return Err(RequestError::Path);
        }
        Ok(())
    }

    /// The address of a target, which includes the prefix.
    fn address(&self, target: Bytes) -> Result<Uri, RequestError> {
        let target = PathAndQuery::from_maybe_shared(target).map_err(|_| RequestError::Path)?;
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).map_err(|_| RequestError::Path)
    }

    /// Returns the path below the base.
    ///
    /// Fails if the address is of another origin, or its path not below the base.
    fn path_below<'a>(&self, uri: &'a Uri) -> Result<&'a str, RequestError> {
        let authority = uri.authority().ok_or(RequestError::Origin)?;
        let same_origin = uri.scheme() == Some(&self.scheme)
            && (authority.as_str() == self.authority.as_str() || self.is_same_authority(authority));
        if !same_origin {
            return Err(RequestError::Origin);
        }
        let below = uri.path().strip_prefix(self.prefix.as_str());
        let below = below.filter(|below| below.starts_with('/'));
        below.ok_or(RequestError::Path)
    }

    /// Returns true if an address is a copy of that of an [`OwnCall`], which was checked
    /// when it was made: it shares its text.
    fn is_place(&self, uri: &Uri) -> bool {
        let (Some(authority), Some(target)) = (uri.authority(), uri.path_and_query()) else {
            return false;
        };
        let targets = self.targets.as_ptr_range();
        targets.contains(&target.as_str().as_ptr())
            && ptr::eq(authority.as_str(), self.authority.as_str())
            && uri.scheme() == Some(&self.scheme)
    }

    /// Returns true if an authority is this one, perhaps in another spelling.
    fn is_same_authority(&self, authority: &Authority) -> bool {
        !authority.as_str().contains('@')
            && authority.host().eq_ignore_ascii_case(self.authority.host())
            && port(&self.scheme, authority) == port(&self.scheme, &self.authority)
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::production()
    }
}

/// Reads any other base address, with or without a port, a path or a slash at
/// its end.
///
/// Fails for anything but `https`, or `http` to this machine itself
/// (`localhost`, `127.0.0.0/8`, `[::1]`).
impl FromStr for Environment {
    type Err = EnvironmentError;

    fn from_str(base: &str) -> Result<Self, EnvironmentError> {
        Self::read(base, |_| false)
    }
}

impl Environment {
    /// Reads a base address. It may be plain `http` to a host that may be insecure.
    fn read(
        base: &str,
        may_be_insecure: impl FnOnce(&str) -> bool,
    ) -> Result<Self, EnvironmentError> {
        if base.contains(['?', '#']) {
            return Err(EnvironmentError::Query);
        }
        let uri: Uri = base.parse().map_err(|_| EnvironmentError::Address)?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(EnvironmentError::Address);
        };
        if authority.as_str().contains('@') {
            return Err(EnvironmentError::Account);
        }
        let host = authority.host();
        if host.is_empty() || port(&scheme, &authority).is_none() {
            return Err(EnvironmentError::Address);
        }
        let is_allowed = scheme == Scheme::HTTPS
            || (scheme == Scheme::HTTP && (is_loopback(host) || may_be_insecure(host)));
        if !is_allowed {
            return Err(EnvironmentError::Insecure);
        }
        let path = parts
            .path_and_query
            .as_ref()
            .map_or("", PathAndQuery::as_str);
        let prefix = path.trim_end_matches('/').to_owned();
        if path::escapes_base(&prefix) || !prefix.is_ascii() {
            return Err(EnvironmentError::Address);
        }
        Ok(Self::new(scheme, authority, prefix))
    }
}

/// The base address, without a slash at its end.
impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Base {
            scheme,
            authority,
            prefix,
            ..
        } = &*self.0;
        write!(f, "{scheme}://{authority}{prefix}")
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({self})")
    }
}

/// The reason why a base address can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Not an address with a scheme and a host.
    #[error("not a base address; give one like https://thingspace.verizon.com/api")]
    Address,
    /// It names an account before the host.
    #[error(
        "the base address must not name an account before its host; remove what stands before the @"
    )]
    Account,
    /// It has a query or a fragment.
    #[error("the base address must not have a query or a fragment; remove what follows the ? or #")]
    Query,
    /// Passwords and tokens would travel in the clear.
    #[error(
        "the base address must be https, or http to this machine itself; passwords and tokens would travel in the clear"
    )]
    Insecure,
}

/// The port that an authority names, or the scheme's default; `None` if what
/// follows its host is no port.
fn port(scheme: &Scheme, authority: &Authority) -> Option<u16> {
    let written = authority.as_str().strip_prefix(authority.host())?;
    if written.is_empty() {
        return Some(if *scheme == Scheme::HTTPS { 443 } else { 80 });
    }
    let digits = written.strip_prefix(':')?;
    // `parse` would also accept a sign before the number.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Returns true if a host is one of Verizon's.
fn is_verizons(host: &str) -> bool {
    const DOMAIN: &str = "verizon.com";
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let below = host.strip_suffix(DOMAIN);
    below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resolves and checks the address of a caller's own request.
    fn address(own: &Environment, uri: &str) -> Result<Uri, RequestError> {
        let uri: Uri = uri.parse().unwrap();
        let uri = match Environment::path_alone(&uri) {
            Some(path) => own.uri(path)?,
            None => uri,
        };
        own.check_origin(&uri).map(|()| uri)
    }

    fn environment(base: &str) -> Environment {
        base.parse().unwrap()
    }

    #[test]
    fn a_base_is_read_with_or_without_slash_prefix_or_port() {
        for (base, uri) in [
            ("https://ts.example", "https://ts.example/m2m/v1/x"),
            ("https://ts.example/", "https://ts.example/m2m/v1/x"),
            ("https://ts.example/a/b", "https://ts.example/a/b/m2m/v1/x"),
            ("https://ts.example/a/b/", "https://ts.example/a/b/m2m/v1/x"),
            ("https://ts.example:444", "https://ts.example:444/m2m/v1/x"),
            ("http://localhost:8080/", "http://localhost:8080/m2m/v1/x"),
            ("http://127.8.9.1", "http://127.8.9.1/m2m/v1/x"),
            ("http://[::1]:80/api", "http://[::1]:80/api/m2m/v1/x"),
        ] {
            assert_eq!(environment(base).uri("/m2m/v1/x").unwrap(), uri, "{base}");
        }
    }

    #[test]
    fn a_base_that_is_unsafe_or_unclear_is_refused() {
        use EnvironmentError::{Account, Address, Insecure, Query};
        for (base, error) in [
            ("", Address),
            ("thingspace.verizon.com", Address),
            ("/api", Address),
            ("https://", Address),
            ("https://ts.example:", Address),
            ("https://ts.example:port", Address),
            ("https://ts.example:99999", Address),
            ("https://ts.example:+443", Address),
            ("https://ts.example/a/../b", Address),
            ("https://ts.example/%2e%2e", Address),
            ("https://user@ts.example", Account),
            ("https://ts.example/?a=b", Query),
            ("https://ts.example/#a", Query),
            ("ftp://ts.example", Insecure),
            ("http://ts.example", Insecure),
            ("http://127.0.0.1.ts.example", Insecure),
            ("http://localhost.ts.example", Insecure),
            ("http://10.0.0.1", Insecure),
            ("http://[::2]", Insecure),
        ] {
            assert_eq!(base.parse::<Environment>(), Err(error), "{base}");
        }
    }

    #[test]
    fn law_9_a_host_that_is_named_may_be_insecure_and_no_other() {
        use EnvironmentError::{Account, Insecure};
        let base = "http://Simulator:4280/api";
        let own = Environment::insecure_http(base, "simulator").unwrap();
        assert!(own.is_insecure());
        assert!(address(&own, "/m2m").is_ok());
        for uri in [
            "https://simulator:4280/api/m2m",
            "http://simulator/api/m2m",
            "http://another:4280/api/m2m",
            "http://simulator.evil.example:4280/api/m2m",
        ] {
            assert_eq!(address(&own, uri), Err(RequestError::Origin), "{uri}");
        }

        // Nothing else becomes so: it is never what an address alone says.
        assert_eq!(base.parse::<Environment>(), Err(Insecure));
        for (base, host, error) in [
            (base, "", Insecure),
            (base, "another", Insecure),
            (base, "simulator:4280", Insecure),
            ("http://a.simulator/api", "simulator", Insecure),
            ("http://simulator.example/api", "simulator", Insecure),
            ("http://simulator@evil.example/api", "simulator", Account),
            ("ftp://simulator/api", "simulator", Insecure),
            (
                "http://thingspace.verizon.com/api",
                "thingspace.verizon.com",
                Insecure,
            ),
            (
                "http://Staging.ThingSpace.Verizon.com./api",
                "staging.thingspace.verizon.com.",
                Insecure,
            ),
        ] {
            let read = Environment::insecure_http(base, host);
            assert_eq!(read, Err(error), "{base} {host}");
        }

        // What needs no such leave is read as ever.
        for base in ["https://ts.example", "http://127.0.0.1:4280/api"] {
            let read = Environment::insecure_http(base, "simulator").unwrap();
            assert_eq!(read, environment(base));
            assert!(!read.is_insecure());
        }
    }

    #[test]
    fn law_9_no_address_outside_the_base_passes_the_check() {
        let own = environment("https://ts.example/api");
        for uri in [
            "https://ts.example/api/m2m",
            "https://TS.example/api/m2m",
            "https://ts.example:443/api/m2m?a=../b",
            "/m2m",
        ] {
            assert!(address(&own, uri).is_ok(), "{uri}");
        }
        for uri in [
            "http://ts.example/api/m2m",
            "https://evil.example/api/m2m",
            "https://ts.example.evil.example/api/m2m",
            "https://ts.example@evil.example/api/m2m",
            "https://evil@ts.example/api/m2m",
            "https://ts.example:444/api/m2m",
            "https://ts.example:/api/m2m",
            "https://ts.example:$/api/m2m",
            "ts.example:443",
            "evil.example",
            "https://ts.example:+443/api/m2m",
        ] {
            assert_eq!(address(&own, uri), Err(RequestError::Origin), "{uri}");
        }
        for uri in [
            "https://ts.example/apiary",
            "https://ts.example/other",
            "https://ts.example/api/../other",
            "https://ts.example/api/%2E%2e/other",
            "https://ts.example/api/..\\other",
            "https://ts.example/api/..;x=1/other",
            "/../other",
            "/m2m/./x",
        ] {
            assert_eq!(address(&own, uri), Err(RequestError::Path), "{uri}");
        }
        assert_eq!(address(&own, "*"), Err(RequestError::Relative));
    }

    #[test]
    fn a_path_that_cannot_stand_in_an_address_is_refused() {
        for path in ["/m2m#x", "/m2m/\u{fc}", "/m2m x", "/m2m\r\n"] {
            let uri = Environment::mock().uri(path);
            assert_eq!(uri, Err(RequestError::Path), "{path:?}");
        }
        for path in ["", "m2m/v1/x", "api/m2m", "?a=b", " /m2m", "\\m2m"] {
            let uri = Environment::mock().uri(path);
            assert_eq!(uri, Err(RequestError::Relative), "{path:?}");
        }
    }

    #[test]
    fn a_path_that_repeats_the_end_of_the_base_is_refused() {
        let own = environment("https://ts.example/a/api/");
        for base in [&Environment::production(), &own] {
            for path in ["/api/m2m/v1/x", "/api/", "/api", "/api?a=b"] {
                assert_eq!(base.uri(path), Err(RequestError::BaseTwice), "{path}");
            }
            let segments = base.uri_of(&["api", "m2m"]);
            assert_eq!(segments, Err(RequestError::BaseTwice));
            assert!(base.uri("/apiary/x").is_ok() && base.uri("/m2m/api/x").is_ok());
        }
        let elsewhere = environment("https://ts.example/thingspace");
        assert!(elsewhere.uri("/api/m2m/v1/x").is_ok());
    }

    #[test]
    fn verizons_environments_are_where_its_sdks_say() {
        for (environment, base) in [
            (
                Environment::production(),
                "https://thingspace.verizon.com/api",
            ),
            (
                Environment::staging(),
                "https://staging.thingspace.verizon.com/api",
            ),
            (
                Environment::mock(),
                "https://mock.thingspace.verizon.com/api",
            ),
        ] {
            assert_eq!(environment.to_string(), base);
        }
    }

    #[test]
    fn a_segment_stays_one_segment_whatever_it_holds() {
        let own = environment("https://ts.example/api");
        let uri = own.uri_of(&["a b", "c/d?e#f", "%2e%2e", "ü"]).unwrap();
        assert_eq!(uri.path(), "/api/a%20b/c%2Fd%3Fe%23f/%252e%252e/%C3%BC");
        assert_eq!(uri.query(), None);
        for segment in ["", ".", ".."] {
            assert_eq!(own.uri_of(&["m2m", segment]), Err(RequestError::Path));
        }
    }
}
