//! Addresses: which are taken, and what is shown of them.

#![cfg(test)]

use thingspace_postgres::{AddressError, Postgres};

#[test]
fn an_address_is_shown_without_its_password() {
    for (address, shown) in [
        (
            "postgres://zaphod:hush@db.example:5433/fleet",
            "db.example:5433/fleet",
        ),
        (
            "postgresql://zaphod:hush@a.example,b.example/fleet",
            "a.example:5432,b.example:5432/fleet",
        ),
        (
            "host=/var/run/postgresql user=zaphod password=hush",
            "/var/run/postgresql:5432/",
        ),
        (
            "hostaddr=192.0.2.1 password=hush dbname=fleet",
            "192.0.2.1:5432/fleet",
        ),
    ] {
        let place = Postgres::at(address).unwrap().name("eu").unwrap();
        let expected = format!("Postgres(\"PostgreSQL at {shown}, session \\\"eu\\\"\")");
        assert_eq!(format!("{place:?}"), expected);
    }
}

#[test]
fn an_address_that_is_none_is_refused_and_not_repeated() {
    for (address, error) in [
        ("db.example hush", AddressError::Unreadable),
        ("host=db.example hush=1", AddressError::Unreadable),
        (
            "postgres://zaphod:hush@db.example/?sslmode=verify-full",
            AddressError::Unreadable,
        ),
        ("redis://zaphod:hush@db.example", AddressError::Unreadable),
        ("password=hush", AddressError::NoHost),
        ("", AddressError::NoHost),
    ] {
        let refused = Postgres::at(address).unwrap_err();
        assert_eq!(refused, error, "{address}");
        assert!(!format!("{refused} {refused:?}").contains("hush"));
    }
}

#[test]
fn a_name_fits_into_a_notification() {
    let place = || Postgres::at("host=db.example").unwrap();
    for name in ["", "a\0b", &"x".repeat(1001)] {
        assert_eq!(place().name(name).unwrap_err(), AddressError::Name);
    }
    assert!(place().name("x".repeat(1000)).is_ok());
}
