//! `forget`: a token that was refused where another program used it.

use thingspace_simulator::{Call, Simulator};

use crate::stage::*;

#[test]
fn a_session_that_was_refused_elsewhere_is_opened_again() {
    let stage = Stage::open();
    let refused = stage.tokens()[1].clone();
    stage.server.with(Simulator::forget_sessions);
    stage
        .run_with_input(&["forget", "--session=-"], refused.as_bytes())
        .succeeds()
        .prints("The session token is used no more");
    stage.tokens_by(&[]).succeeds();
    assert_ne!(stage.tokens()[1], refused);
    assert_eq!(stage.done(Call::LogIn), 2);
    assert_eq!(stage.seen(Call::LogOut), 0);
}

#[test]
fn law_7_a_newer_session_goes_on() {
    let stage = Stage::open();
    let refused = stage.tokens()[1].clone();
    stage.server.with(Simulator::forget_sessions);
    // Another one has noticed it first.
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    let newer = stage.tokens();
    stage.write("refused", &format!("{refused}\n"));
    let ran = stage
        .run(&["forget", "--session=refused", "--json"])
        .succeeds();
    assert_eq!(ran.json()["session"], false);
    assert_eq!(stage.tokens(), newer);
    assert_eq!(stage.status()["session"]["open"], true);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn a_bearer_token_is_fetched_again_and_the_session_goes_on() {
    let stage = Stage::open();
    let tokens = stage.tokens();
    stage.write("refused", &tokens[0]);
    stage.server.with(Simulator::forget_bearers);
    let ran = stage
        .run(&["forget", "--bearer=refused", "--json"])
        .succeeds();
    assert_eq!(ran.json()["bearer"], true);
    stage.tokens_by(&[]).succeeds();
    let newer = stage.tokens();
    assert_ne!(newer[0], tokens[0]);
    assert_eq!(newer[1], tokens[1]);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn whichever_is_in_use_is_dropped_and_no_login_is_delayed_by_it() {
    let stage = Stage::open();
    for _ in 0..5 {
        let args = ["forget", "--session", "--bearer", "--json"];
        let ran = stage.run(&args).succeeds().json();
        assert_eq!(
            (&ran["session"], &ran["bearer"]),
            (&true.into(), &true.into())
        );
        let ran = stage.run(&args).succeeds().json();
        assert_eq!(
            (&ran["session"], &ran["bearer"]),
            (&false.into(), &false.into())
        );
        stage.run(&["login", "--wait", "0"]).succeeds();
    }
    assert_eq!(stage.done(Call::LogIn), 6);
}

#[test]
fn it_needs_no_secret_and_takes_none_from_an_argument() {
    let stage = Stage::open();
    let token = stage.tokens()[1].clone();
    stage.run(&["forget"]).ends_with(2);
    stage.run(&["forget", "--session", "token"]).ends_with(2);
    stage
        .run(&["forget", &format!("--session={token}")])
        .ends_with(2)
        .reports("never from an argument");
    stage
        .run(&["forget", "--session=-", "--bearer=-"])
        .ends_with(2)
        .reports("give one of them in a file");
    stage
        .run_with_input(&["forget", "--session=-"], b"no token\n")
        .ends_with(2)
        .reports("this is no session token");
    stage.write("refused", &token);
    set_mode(&stage.at("refused"), 0o644);
    stage
        .run(&["forget", "--session=refused"])
        .ends_with(2)
        .reports("is open to others");
    assert_eq!(stage.status()["session"]["open"], true);

    set_mode(&stage.at("refused"), 0o600);
    let mut forget = stage.command(&["forget", "--session=refused"]);
    forget.env_remove("THINGSPACE_SECRET");
    forget.env_remove("THINGSPACE_PASSWORD_FILE");
    stage.finish(forget.spawn().unwrap()).succeeds();
    assert_eq!(stage.status()["session"]["open"], false);
}
