//! The address of the last request, so that a call that is made again and again is
//! neither put together nor checked anew.
//!
//! It has passed the check for the tokens of this session, and its text never changes. So
//! whatever shares that text has passed it, too.

use http::{Uri, uri::PathAndQuery};

use crate::Environment;

/// The longest path that is remembered (our choice).
const LONGEST: usize = 256;

/// The address that passed the check last.
#[derive(Clone, Default)]
pub(super) struct CheckedAddress(Option<Uri>);

impl CheckedAddress {
    /// This address, if it is that of a path under the base.
    #[inline]
    pub(super) fn of(&self, path: &str, environment: &Environment) -> Option<&Uri> {
        let checked = self.0.as_ref();
        checked.filter(|checked| environment.is_address_of(checked, path))
    }

    /// Returns true if an address is a copy of this one: it shares its text.
    #[inline]
    pub(super) fn is(&self, uri: &Uri) -> bool {
        self.0.as_ref().is_some_and(|own| share_text(own, uri))
    }

    /// Remembers an address that has passed the check.
    pub(super) fn remember(&mut self, uri: &Uri) {
        let path = uri.path_and_query().map(PathAndQuery::as_str);
        let is_short = path.is_some_and(|path| path.len() <= LONGEST);
        self.0 = is_short.then(|| uri.clone());
    }
}

/// Returns true if two addresses have the same texts in the same places of memory. One of
/// them is kept meanwhile, so that nothing else can be there.
fn share_text(one: &Uri, other: &Uri) -> bool {
    let texts = |uri: &Uri| {
        let authority: *const str = uri.authority()?.as_str();
        let path: *const str = uri.path_and_query()?.as_str();
        Some((authority, path))
    };
    texts(one).is_some_and(|one| texts(other) == Some(one)) && one.scheme() == other.scheme()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(uri: &Uri) -> CheckedAddress {
        let mut checked = CheckedAddress::default();
        assert!(!checked.is(uri));
        checked.remember(uri);
        checked
    }

    #[test]
    fn law_9_only_a_copy_of_a_checked_address_counts_as_checked() {
        let uri = Environment::mock().uri("/m2m/v1/work").unwrap();
        let checked = checked(&uri);
        assert!(checked.is(&uri) && checked.is(&uri.clone()));
        // The same address, read anew, is checked anew.
        assert!(!checked.is(&uri.to_string().parse().unwrap()));
        // Parts that are shared are not enough.
        let mut other_scheme = uri.clone().into_parts();
        other_scheme.scheme = Some("http".parse().unwrap());
        let mut other_host = uri.clone().into_parts();
        other_host.authority = Some("evil.example".parse().unwrap());
        let mut other_path = uri.clone().into_parts();
        other_path.path_and_query = Some("/api/m2m/v1/session".parse().unwrap());
        for parts in [other_scheme, other_host, other_path] {
            let other = Uri::from_parts(parts).unwrap();
            assert!(!checked.is(&other), "{other}");
        }
        assert!(
            !checked.is(uri
                .path_and_query()
                .unwrap()
                .as_str()
                .parse::<Uri>()
                .as_ref()
                .unwrap())
        );
    }

    #[test]
    fn a_path_is_found_under_its_own_base_alone() {
        let environment = Environment::mock();
        let uri = environment.uri("/m2m/v1/work?a=b").unwrap();
        let remembered = checked(&uri);
        assert_eq!(remembered.of("/m2m/v1/work?a=b", &environment), Some(&uri));
        for path in [
            "/m2m/v1/work",
            "/m2m/v1/work?a=c",
            "/api/m2m/v1/work?a=b",
            "",
        ] {
            assert_eq!(remembered.of(path, &environment), None, "{path}");
        }
        // An address that the caller spelled is the caller's.
        let spelled = "https://MOCK.thingspace.verizon.com:443/api/m2m/v1/own";
        let spelled = checked(&spelled.parse().unwrap());
        assert_eq!(spelled.of("/m2m/v1/own", &environment), None);
    }

    #[test]
    fn a_long_address_is_not_remembered() {
        let mut checked = checked(&Environment::mock().uri("/m2m/v1/work").unwrap());
        let long = Environment::mock().uri(&format!("/{}", "a".repeat(LONGEST)));
        let long = long.unwrap();
        checked.remember(&long);
        assert!(!checked.is(&long));
    }
}
