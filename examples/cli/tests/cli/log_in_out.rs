//! `login` and `logout`.

use std::net::TcpListener;

use http::HeaderValue;
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

#[test]
fn a_login_opens_a_session_that_the_next_one_finds() {
    let stage = Stage::new();
    stage.run(&["login"]).succeeds().says("was opened at 20");
    stage
        .run(&["login"])
        .succeeds()
        .says("has been open since 20");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::BearerToken), 1);
}

#[test]
fn a_login_tells_a_machine() {
    let stage = Stage::new();
    let first = stage.run(&["login", "--json"]).succeeds().json();
    let second = stage.run(&["login", "--json"]).succeeds().json();
    assert_eq!(first["opened"], true);
    assert_eq!(second["opened"], false);
    assert_eq!(first["opened_at"], second["opened_at"]);
    assert!(first["opened_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_logout_ends_the_session_for_all() {
    let stage = Stage::open();
    stage
        .run(&["logout"])
        .succeeds()
        .says("The session is over.");
    stage
        .run(&["logout"])
        .succeeds()
        .says("No session was open.");
    assert_eq!(stage.done(Call::LogOut), 1);
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.run(&["logout", "--json"]).json()["ended"], true);
    assert_eq!(stage.run(&["logout", "--json"]).json()["ended"], false);
    assert_eq!(stage.done(Call::LogIn), 2);
}

#[test]
fn a_login_that_is_refused_closes_the_guard() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.is_secret("grflbk");
    stage
        .run(&["login"])
        .ends_with(1)
        .complains("the user's credentials were refused");
    stage
        .run(&["login"])
        .ends_with(3)
        .complains("the login guard is closed")
        .complains("open it with: thingspace rearm");
    let ran = stage.run(&["call", "GET", ACCOUNT, "--json"]).ends_with(3);
    let error = ran.error();
    assert_eq!(error["exit_code"], 3);
    assert_eq!(error["fate"], "never_sent");
    assert_eq!(error["gate"]["closed"], "wrong_credentials");
    assert_eq!(error["gate"]["failed_logins"], 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn a_wrong_application_is_refused() {
    let stage = Stage::new();
    let mut login = stage.command(&["login"]);
    login.env("THINGSPACE_SECRET", "grflbk");
    stage
        .finish(login.spawn().unwrap())
        .ends_with(1)
        .complains("check its key and secret");
    assert_eq!(stage.seen(Call::LogIn), 0);
}

#[test]
fn a_login_without_an_answer_has_an_unknown_fate_and_counts() {
    let stage = Stage::new();
    for _ in 0..2 {
        stage.inject(Call::LogIn, Fault::Drop.after_acting());
    }
    stage
        .run(&["login"])
        .ends_with(5)
        .complains("may have been carried out");
    assert_eq!(stage.status()["gate"]["closed"], "budget_spent");
    stage.run(&["login"]).ends_with(3);
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn a_pause_that_is_too_long_to_wait_for_sends_nothing() {
    let stage = Stage::new();
    let asked = Fault::Throttled {
        retry_after: Some(HeaderValue::from(600)),
    };
    stage.inject(Call::BearerToken, asked);
    stage.run(&["login"]).ends_with(1);
    let error = stage.run(&["login", "--json"]).ends_with(4).error();
    assert_eq!(error["fate"], "never_sent");
    assert!(error["retry_at"].is_string(), "{error}");
    assert_eq!(stage.seen_in_all(), 1);
}

#[test]
fn what_never_leaves_the_machine_says_so() {
    let stage = Stage::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/api", nobody.local_addr().unwrap());
    drop(nobody);
    let mut login = stage.command(&["login", "--json"]);
    login.env("THINGSPACE_BASE_URL", base);
    let error = stage.finish(login.spawn().unwrap()).ends_with(4).error();
    assert_eq!(error["fate"], "never_sent");
    assert!(!error["causes"].as_array().unwrap().is_empty());
}
