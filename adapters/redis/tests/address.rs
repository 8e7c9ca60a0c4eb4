//! Addresses: which are taken, and what is shown of them.

#![cfg(test)]

use thingspace_redis::{AddressError, Redis};

#[test]
fn an_address_is_shown_without_its_password() {
    for (address, shown) in [
        ("redis://localhost", "localhost:6379/0"),
        (
            "redis://:hush@localhost:7000?replicas=2",
            "localhost:7000/0",
        ),
        (
            "rediss://zaphod:hush@cache.example/2",
            "cache.example:6379/2",
        ),
        ("valkeys://:hush@[::1]:7000", "[::1]:7000/0"),
        ("unix:///run/redis.sock?db=3&pass=hush", "/run/redis.sock/3"),
        (
            "redis+unix:///run/redis.sock?replicas=1",
            "/run/redis.sock/0",
        ),
    ] {
        let place = Redis::at(address).unwrap().key("eu").password("hush");
        assert_eq!(format!("{place}"), format!("Redis at {shown}, key \"eu\""));
        assert!(!format!("{place:?}").contains("hush"));
        let store = place.store().unwrap();
        assert_eq!(store.server(), format!("Redis at {shown}, key \"eu\""));
    }
}

#[test]
fn an_address_that_is_none_is_refused_and_not_repeated() {
    for (address, error) in [
        ("", AddressError::Unreadable),
        ("localhost:hush", AddressError::Unreadable),
        ("postgres://:hush@localhost", AddressError::Unreadable),
        ("redis://:hush@localhost/one", AddressError::Unreadable),
        (
            "rediss://:hush@localhost#insecure",
            AddressError::Unreadable,
        ),
        ("redis://:hush@localhost?replica=1", AddressError::Parameter),
        ("redis://localhost?pass=hush", AddressError::Parameter),
        (
            "redis://:hush@localhost?replicas=-1",
            AddressError::Replicas,
        ),
        (
            "unix:///socket?pass=hush&replicas=all",
            AddressError::Replicas,
        ),
    ] {
        let refused = Redis::at(address).unwrap_err();
        assert_eq!(refused, error, "{address}");
        assert!(!format!("{refused} {refused:?}").contains("hush"));
    }
}
