//! The addresses of the service's name, remembered for a moment.
//!
//! ureq looks a host up for every request, even if a connection to it is open,
//! and on a thread of its own if there is a timeout. Over a connection that is
//! open, that is more work than all the rest of a call.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{
    Uri,
    uri::{Authority, Scheme},
};
use ureq::{
    Error,
    config::Config,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::connecting::never_sent;

/// The time for which the result of a lookup is used (our choice: a burst of calls
/// makes one lookup, and a service that moves is found again within seconds).
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// A resolver that remembers the last name, and whose errors say that nothing was sent.
#[derive(Debug)]
pub(crate) struct Names<R> {
    resolver: R,
    remembered_for: Duration,
    last: Mutex<Option<Lookup>>,
}

#[derive(Debug)]
struct Lookup {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    addresses: ResolvedSocketAddrs,
    at: Instant,
}

impl Lookup {
    fn is_of(&self, uri: &Uri) -> bool {
        // As it is written: to compare it without regard to case takes longer.
        self.scheme.as_ref() == uri.scheme()
            && self.authority.as_ref().map(Authority::as_str)
                == uri.authority().map(Authority::as_str)
    }
}

impl<R: Resolver> Names<R> {
    pub(crate) fn new(resolver: R) -> Self {
        Self {
            resolver,
            remembered_for: REMEMBERED_FOR,
            last: Mutex::new(None),
        }
    }
}

impl<R: Resolver> Resolver for Names<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last {
            if last.is_of(uri) && last.at.elapsed() < self.remembered_for {
                return Ok(last.addresses.clone());
            }
        }
        // Other threads look up at the same time, rather than wait for this one.
        drop(last);
        let addresses = self.resolver.resolve(uri, config, timeout);
        let addresses = addresses.map_err(never_sent)?;
        let found = Lookup {
            scheme: uri.scheme().cloned(),
            authority: uri.authority().cloned(),
            addresses: addresses.clone(),
            at: Instant::now(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

    use super::*;

    /// A resolver that returns another port with each lookup.
    #[derive(Debug, Default)]
    struct Counting(AtomicU16);

    impl Resolver for Counting {
        fn resolve(
            &self,
            uri: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            let lookups = self.0.fetch_add(1, Relaxed) + 1;
            if uri.host() == Some("nowhere") {
                return Err(Error::HostNotFound);
            }
            let mut addresses = self.empty();
            addresses.push(([127, 0, 0, 1], lookups).into());
            Ok(addresses)
        }
    }

    fn names(remembered_for: Duration) -> Names<Counting> {
        Names {
            remembered_for,
            ..Names::new(Counting::default())
        }
    }

    fn port(names: &Names<Counting>, uri: &'static str) -> Result<u16, Error> {
        let config = ureq::Agent::config_builder().build();
        let uri = Uri::from_static(uri);
        let found = names.resolve(&uri, &config, NextTimeout::default())?;
        Ok(found[0].port())
    }

    #[test]
    fn a_name_is_looked_up_once_in_a_burst_of_calls() {
        let names = names(Duration::MAX);
        for path in ["https://a/x", "https://a/y", "https://a/z"] {
            assert_eq!(port(&names, path).unwrap(), 1);
        }
    }

    #[test]
    fn another_host_is_looked_up_for_itself() {
        let names = names(Duration::MAX);
        let hosts = ["https://a", "http://a", "https://b", "https://b:444"];
        let found = hosts.map(|host| port(&names, host).unwrap());
        assert_eq!(found, [1, 2, 3, 4]);
    }

    #[test]
    fn a_name_that_was_looked_up_long_ago_is_looked_up_again() {
        let names = names(Duration::ZERO);
        assert_eq!(port(&names, "https://a").unwrap(), 1);
        assert_eq!(port(&names, "https://a").unwrap(), 2);
    }

    #[test]
    fn a_lookup_that_fails_is_not_remembered() {
        let names = names(Duration::MAX);
        assert_eq!(port(&names, "https://a").unwrap(), 1);
        assert!(port(&names, "https://nowhere").is_err());
        assert!(port(&names, "https://nowhere").is_err());
        assert_eq!(names.resolver.0.load(Relaxed), 3);
        assert_eq!(port(&names, "https://a").unwrap(), 1);
    }
}
